/** The one-file program on disk: unpacked as a whole or not at all, and run only when it is what was packed. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Contents } from '#otf/standalone/contents.js';
import { cacheHome, programsFolder } from '#otf/standalone/place.js';
import { atLeast, unpackOnce } from '#otf/standalone/unpack.js';
import { verify } from '#otf/standalone/verify.js';
import { kRoot, scratchDir } from './support/cli.js';
import { kNoDisks, mounted } from './support/disks.js';

type Pack = (
  files: { path: string; program: boolean; bytes: Buffer }[],
  about: { version: string; glibc: string },
) => Promise<{ contents: string; block: Buffer }>;

const { pack } = (await import(pathToFileURL(join(kRoot, 'scripts/package/archive.mjs')).href)) as { pack: Pack };

const kFiles = {
  'package.json': Buffer.from('{"name":"sample"}'),
  'bin/run': Buffer.from('#!/bin/sh\necho run\n'),
  'lib/deep/large': Buffer.alloc(3_000_000, 'pixels '),
  'lib/empty': Buffer.alloc(0),
};

const scratch = scratchDir();
const newFolder = () => mkdtempSync(join(scratch, 'a-'));

async function sample(glibc = '2.17') {
  const files = Object.entries(kFiles).map(([path, bytes]) => ({ path, program: path === 'bin/run', bytes }));
  const { contents: text, block } = await pack(files, { version: '1', glibc });
  const key = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return { text, block, contents: JSON.parse(text) as Contents, key };
}

const kUnusable = (says: RegExp) => (thrown: unknown) => {
  const { code, message } = thrown as { code?: string; message: string };
  assert.equal(code, 'OTF_PACKAGE_UNUSABLE', String(thrown));
  assert.match(message, says);
  assert.doesNotMatch(message, /\n/);
  return true;
};

async function unpacked() {
  const programs = programsFolder(newFolder());
  const { contents, key, block } = await sample();
  const again = () => unpackOnce(contents, key, block, programs);
  return { contents, programs, folder: again(), again };
}

describe('The package on disk', () => {
  it('is made of the same bytes whatever the order of its files', async () => {
    const files = Object.entries(kFiles).map(([path, bytes]) => ({ path, program: false, bytes }));
    const about = { version: '1', glibc: '2.17' };
    assert.deepEqual(await pack(files, about), await pack(files.reverse(), about));
  });

  it('is unpacked once, as it was packed, whatever the umask, and passes', async () => {
    const umask = process.umask(0o077);
    const { contents, folder, programs, again } = await unpacked().finally(() => process.umask(umask));
    for (const [path, bytes] of Object.entries(kFiles)) {
      assert.ok(readFileSync(join(folder, path)).equals(bytes), path);
      assert.equal(statSync(join(folder, path)).mode & 0o777, path === 'bin/run' ? 0o755 : 0o644);
    }
    verify(contents, folder);
    assert.deepEqual(readdirSync(programs).length, 1);
    const { ino } = statSync(join(folder, 'bin/run'));
    assert.equal(again(), folder);
    assert.equal(statSync(join(folder, 'bin/run')).ino, ino);
  });

  const kChanges: Record<string, [change: (folder: string) => void, says: RegExp]> = {
    'a byte': [
      (folder) => {
        const bytes = Buffer.from(kFiles['lib/deep/large']);
        bytes.writeUInt8(bytes.readUInt8(2_999_999) ^ 1, 2_999_999);
        writeFileSync(join(folder, 'lib/deep/large'), bytes);
      },
      /lib\/deep\/large has been changed: remove that folder/,
    ],
    'an end': [(folder) => truncateSync(join(folder, 'bin/run'), 3), /bin\/run has been changed/],
    'a file that is gone': [(folder) => unlinkSync(join(folder, 'lib/empty')), /lib\/empty is missing/],
    'a folder that is gone': [(folder) => rmSync(join(folder, 'lib'), { recursive: true }), /is missing/],
    'a file more': [
      (folder) => writeFileSync(join(folder, 'lib/index.js'), ''),
      /lib\/index.js was not put there by it/,
    ],
    'a link in the place of a file': [
      (folder) => {
        const elsewhere = join(folder, '..', '..', 'run');
        writeFileSync(elsewhere, kFiles['bin/run']);
        unlinkSync(join(folder, 'bin/run'));
        symlinkSync(elsewhere, join(folder, 'bin/run'));
      },
      /bin\/run cannot be read/,
    ],
    'a link in the place of a folder': [
      (folder) => {
        rmSync(join(folder, 'bin'), { recursive: true });
        symlinkSync('/bin', join(folder, 'bin'));
      },
      /bin was not put there by it/,
    ],
    'a pipe in the place of a file': [
      (folder) => {
        unlinkSync(join(folder, 'bin/run'));
        execFileSync('mkfifo', [join(folder, 'bin/run')]);
      },
      /bin\/run is no file/,
    ],
    'a file that others may write': [
      (folder) => chmodSync(join(folder, 'bin/run'), 0o777),
      /bin\/run can be written by other users/,
    ],
    'a folder that others may write': [
      (folder) => chmodSync(join(folder, 'lib/deep'), 0o777),
      /lib\/deep can be written by other users/,
    ],
  };
  if (process.getuid?.() === 0)
    kChanges["another's file"] = [
      (folder) => chownSync(join(folder, 'bin/run'), 12_345, 12_345),
      /bin\/run belongs to another user/,
    ];

  for (const [name, [change, says]] of Object.entries(kChanges)) {
    it(`is not run with ${name}, and is unpacked again when it has been removed`, async () => {
      const { contents, folder, again } = await unpacked();
      change(folder);
      assert.throws(() => verify(contents, folder), kUnusable(says));
      rmSync(folder, { recursive: true });
      verify(contents, again());
    });
  }

  it('says that the executable is damaged, wherever, and leaves nothing', async () => {
    const { contents, key, block } = await sample();
    const programs = programsFolder(newFolder());
    for (const at of [0, 1, 7, block.length >> 1, block.length - 1]) {
      const bytes = Buffer.from(block);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
      // A bit of the compressed stream that nothing depends on would be none of the file.
      try {
        rmSync(unpackOnce(contents, key, bytes, programs), { recursive: true });
      } catch (thrown) {
        kUnusable(/this executable is damaged \(.+ in it is not what was put there\): get it again/)(thrown);
      }
      assert.deepEqual(readdirSync(programs), []);
    }
    const short = block.subarray(0, block.length - 40);
    assert.throws(() => unpackOnce(contents, key, short, programs), kUnusable(/this executable is damaged/));
  });

  it('is there once when many start at once, and after one that was killed', async () => {
    const [folder, { text, block, key, contents }] = [newFolder(), await sample()];
    writeFileSync(join(folder, 'contents.json'), text);
    writeFileSync(join(folder, 'files'), block);
    const module = (name: string) => pathToFileURL(join(kRoot, 'dist/standalone', `${name}.js`)).href;
    const script = `
      import { readFileSync } from 'node:fs';
      import { unpackOnce } from '${module('unpack')}';
      import { programsFolder } from '${module('place')}';
      import { verify } from '${module('verify')}';
      const contents = JSON.parse(readFileSync('contents.json', 'utf8'));
      verify(contents, unpackOnce(contents, '${key}', readFileSync('files'), programsFolder('${folder}/cache')));
    `;
    const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
    await Promise.all(Array.from({ length: 6 }, start));
    const programs = join(folder, 'cache/cianna-otf/program');
    assert.deepEqual(readdirSync(programs), [key]);
    // Of a start that was killed: it stays while it may be another's work, and goes later.
    rmSync(join(programs, key), { recursive: true });
    const [late, old] = [join(programs, `${key}.part-0123456789ab`), join(programs, `${key}.part-ba9876543210`)];
    for (const part of [late, old]) mkdirSync(part);
    utimesSync(old, 0, 0);
    verify(contents, unpackOnce(contents, key, block, programs));
    assert.ok(existsSync(late) && !existsSync(old));
  });

  it('says what glibc it needs before it unpacks', async () => {
    const { contents, key, block } = await sample('2.999');
    const programs = programsFolder(newFolder());
    assert.throws(
      () => unpackOnce(contents, key, block, programs),
      kUnusable(/needs glibc 2\.999 or later, and this machine has 2\.\d+:/),
    );
    assert.deepEqual(readdirSync(programs), []);
    assert.ok(atLeast('2.36', '2.36') && atLeast('3.0', '2.36') && !atLeast('2.9', '2.36'));
  });
});

describe('The place of the package', () => {
  it('is the cache of the user, or of the service', () => {
    assert.equal(cacheHome({ XDG_CACHE_HOME: '/a', CACHE_DIRECTORY: '/b' }), '/a');
    assert.equal(cacheHome({ XDG_CACHE_HOME: 'a', CACHE_DIRECTORY: '/b' }), '/b');
    assert.match(cacheHome({}), /^\/.*\.cache$/);
  });

  it('is refused when another could change it', () => {
    const cache = newFolder();
    const programs = programsFolder(cache);
    for (const folder of [programs, join(cache, 'cianna-otf')]) {
      chmodSync(folder, 0o777);
      assert.throws(() => programsFolder(cache), kUnusable(/can be written by other users.*XDG_CACHE_HOME/));
      chmodSync(folder, 0o755);
    }
    assert.equal(programsFolder(cache), programs);
  });

  it('is named when it cannot be made', () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    assert.throws(() => programsFolder(file), kUnusable(/^cannot make .*file.*: .*XDG_CACHE_HOME/));
  });
});

describe('A file system for the package', { skip: kNoDisks }, () => {
  it('has no room: said with both sizes', async (t) => {
    const folder = mounted(t, 'size=2m');
    if (folder === undefined) return t.skip('mounting is not allowed here');
    const { contents, key, block } = await sample();
    const programs = programsFolder(folder);
    assert.throws(
      () => unpackOnce(contents, key, block, programs),
      kUnusable(/has \d MB left, and 4 MB are unpacked into it: set XDG_CACHE_HOME/),
    );
    assert.deepEqual(readdirSync(programs), []);
  });

  it('becomes full while it is unpacked: nothing is left', async (t) => {
    // Room for all bytes, but not for all names.
    const folder = mounted(t, 'size=20m,nr_inodes=7');
    if (folder === undefined) return t.skip('mounting is not allowed here');
    const { contents, key, block } = await sample();
    const programs = programsFolder(folder);
    assert.throws(
      () => unpackOnce(contents, key, block, programs),
      kUnusable(/cannot unpack into .*: the disk is full: set XDG_CACHE_HOME/),
    );
    assert.deepEqual(readdirSync(programs), []);
  });

  it('runs no programs: said by name', async (t) => {
    const folder = mounted(t, 'size=20m,noexec');
    if (folder === undefined) return t.skip('mounting is not allowed here');
    const { contents, key, block } = await sample();
    const made = unpackOnce(contents, key, block, programsFolder(folder));
    assert.throws(() => verify(contents, made), kUnusable(/no program may be run from .*noexec/));
  });
});
