/**
 * The one-file program, made of what `npm test` has built and used as on a machine that has nothing of ours. Whole machines
 * without anything, and that two packages have the same bytes: `npm run test:package`, which takes minutes.
 */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { kFixtures, kProgram, kRoot, missingProgram, scratchDir } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { kNoTmux, Terminal } from './support/terminal.js';

const scratch = scratchDir();
const kMade = join(scratch, 'made');
const kPackage = join(kMade, 'cianna-otf');
const kImage = join(kFixtures, 'detection/field-600x500/field.fits');
/** Nothing of this environment but where the cache is. */
const env = { XDG_CACHE_HOME: join(scratch, 'cache') };
const kPrograms = join(env.XDG_CACHE_HOME, 'cianna-otf/program');

/** Debian's own Node is a small program and a library. */
function unfitNode(): string | false {
  const fuse = Buffer.from('NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:0');
  return readFileSync(process.execPath).includes(fuse) ? false : 'this Node cannot be made into one file';
}

const kNpmTooOld = spawnSync('npm', ['--version'], { encoding: 'utf8' }).stdout.startsWith('9.')
  ? 'npm 10 is not installed'
  : false;
const skip = unfitNode() || kNpmTooOld || missingProgram('dpkg-query', ['--version'], 'dpkg');

function run(args: string[], cwd = scratch) {
  const { status, stdout, stderr } = spawnSync(kPackage, args, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  return { status, stdout, stderr };
}

function unpacked(): string {
  const [name, ...more] = readdirSync(kPrograms);
  assert.ok(name !== undefined && more.length === 0, readdirSync(kPrograms).join());
  return join(kPrograms, name);
}

describe('npm run package', { skip }, () => {
  before(() => {
    const args = [join(kRoot, 'scripts/package.mjs'), '--as-built', '-o', kMade];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /cianna-otf: \d+\.\d MB, sha256 [0-9a-f]{64}\nneeds glibc 2\.\d+ /);
    for (const group of ['native parts', "Debian's libraries", 'the page', 'npm packages', 'models', 'example'])
      assert.match(stdout, new RegExp(`${group} +\\d+ +\\d+\\.\\d MB`));
    assert.deepEqual(readdirSync(kMade).sort(), ['THIRD-PARTY.txt', 'cianna-otf', 'cianna-otf.cdx.json']);
  });

  it('may be started many times at once the first time', async () => {
    const starts = Array.from({ length: 4 }, () => promisify(execFile)(kPackage, ['--version'], { env }));
    const { version } = JSON.parse(readFileSync(join(kRoot, 'package.json'), 'utf8'));
    for (const { stdout } of await Promise.all(starts)) assert.equal(stdout, `${version}\n`);
    unpacked();
  });

  it('holds every library its parts need, and no path of this machine', () => {
    const folder = unpacked();
    const native: string[] = [];
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const bytes = readFileSync(path);
      assert.ok(!bytes.includes(kRoot), `${path} names ${kRoot}`);
      if (bytes.subarray(1, 4).toString('latin1') === 'ELF') native.push(path);
    }
    const glibc = /^(linux-vdso|ld-linux-x86-64|lib(c|m|dl|rt|pthread|resolv|anl|util))\./;
    const own = join(folder, 'build/Release');
    for (const path of native.filter((each) => each.startsWith(own) && !each.startsWith(`${own}/lib/`))) {
      const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8' });
      for (const [, name = '', place] of stdout.matchAll(/^\s*(\S+) => (\S+)/gm))
        assert.ok(glibc.test(name) || place?.startsWith(`${own}/lib/`), `${path} takes ${name} from ${place}`);
    }
    assert.ok(native.length > 20);
  });

  it('holds every module that any of its own imports', () => {
    const names = readdirSync(join(unpacked(), 'dist'), { recursive: true, encoding: 'utf8' });
    const modules = names.filter((name) => name.endsWith('.js') && !/^(web|standalone)\//.test(name));
    assert.ok(modules.length > 200);
    const script = `for (const name of ${JSON.stringify(modules)}) await import('${unpacked()}/dist/' + name); process.exit(0);`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

  it('finds what the checkout finds, byte for byte', () => {
    const args = ['detect', kImage, '--format', 'csv', '-o', '-'];
    const own = run(args);
    assert.equal(own.status, 0, own.stderr);
    const { stdout } = spawnSync(process.execPath, [kProgram, ...args], { encoding: 'utf8', cwd: scratch });
    assert.ok(stdout.split('\n').length > 10);
    assert.equal(own.stdout, stdout);
  });

  it('has the demonstration, help, completion and manual pages', () => {
    const demo = run(['demo']);
    assert.equal(demo.status, 0, demo.stderr);
    assert.match(demo.stdout, /\d+ of its \d+ sources above 5 sigma were found/);
    assert.ok(statSync(join(scratch, 'cianna-otf-demo/sources.png')).size > 10_000);
    assert.match(run(['--help']).stdout, /dashboard/);
    assert.match(run(['completion', 'bash']).stdout, /cianna-otf/);
    assert.equal(run(['man', '-o', join(scratch, 'man')]).status, 0);
    assert.deepEqual([run(['bench']).status, run(['nonsense']).status], [2, 2]);
    // Compressed images go through a program of their own.
    const compressed = run(['preview', join(kFixtures, 'fits/rice_cube.fits'), '-o', 'cube.png']);
    assert.equal(compressed.status, 0, compressed.stderr);
  });

  it('serves the page, and shows the dashboard', { skip: kNoTmux }, async (t) => {
    const data = join(scratch, 'data');
    const server = spawn(kPackage, ['serve', '--port', '0', '--data-dir', data], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise((resolve) => server.once('exit', resolve));
    atEnd(t, async () => {
      server.kill('SIGTERM');
      assert.equal(await ended, 0);
    });
    const said: string[] = [];
    const url = await new Promise<string>((resolve, reject) => {
      for (const stream of [server.stdout, server.stderr])
        createInterface({ input: stream }).on('line', (line) => {
          said.push(line);
          const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
          if (found !== undefined) resolve(found);
        });
      server.once('exit', () => reject(new Error(said.join('\n'))));
    });
    const page = await fetch(url, { headers: { accept: 'text/html,application/xhtml+xml' } });
    assert.match(await page.text(), /<script type="module"/);
    const submitted = await promisify(execFile)(kPackage, ['submit', kImage, '--server', url, '--wait', '-o', 'out'], {
      env,
      cwd: scratch,
    });
    assert.match(submitted.stdout + submitted.stderr, /COMPLETED|field/);
    const terminal = new Terminal(t, scratch, env);
    terminal.type(`${kPackage} dashboard --server ${url}`);
    terminal.press('Enter');
    assert.match(await terminal.until(/field\.fits|COMPLETED/), /cianna/i);
    terminal.press('q');
  });

  it('is not run when something of it has been changed, and says what to do', () => {
    const file = join(unpacked(), 'dist/cli/main.js');
    const text = readFileSync(file);
    writeFileSync(file, Buffer.concat([text, Buffer.from('\n')]));
    const refused = run(['--version']);
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
    assert.match(
      refused.stderr,
      /^cianna-otf: what was unpacked in \S+ is not as it was: dist\/cli\/main\.js has been changed: remove that folder, and it is unpacked again\n$/,
    );
    rmSync(unpacked(), { recursive: true });
    assert.equal(run(['--version']).status, 0);
  });

  it('says that it is damaged when it was not downloaded whole', () => {
    const bytes = readFileSync(kPackage);
    // In the compressed files: they are the last that was put in.
    const at = bytes.length - 10_000_000;
    const damaged = join(scratch, 'damaged');
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
    writeFileSync(damaged, bytes, { mode: 0o755 });
    const cache = join(scratch, 'other-cache');
    const { status, stderr } = spawnSync(damaged, ['--version'], { encoding: 'utf8', env: { XDG_CACHE_HOME: cache } });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^cianna-otf: this executable is damaged \(.+\): get it again\n$/);
  });

  it('comes with the licences of all that is in it', () => {
    const text = readFileSync(join(kMade, 'THIRD-PARTY.txt'), 'utf8');
    assert.equal(readFileSync(join(unpacked(), 'THIRD-PARTY.txt'), 'utf8'), text);
    const titles = new Set([...text.matchAll(/^={100}\n(.+)\n={100}$/gm)].map(([, title]) => title?.split(' ')[0]));
    const bom = JSON.parse(readFileSync(join(kMade, 'cianna-otf.cdx.json'), 'utf8')) as {
      components: { name: string; type: string; purl?: string }[];
    };
    for (const { name, purl } of bom.components)
      if (purl !== undefined && name !== 'node') assert.ok(titles.has(name), `no licence of ${name}`);
    for (const name of ['Node.js', 'preact', 'uplot']) assert.ok(titles.has(name), name);
    const modules = readdirSync(join(unpacked(), 'node_modules'));
    assert.ok(!modules.includes('cmake-js') && !modules.includes('vite'));
    const libraries = readdirSync(join(unpacked(), 'build/Release/lib')).map((name) => name.split('.so')[0]);
    for (const name of ['libcfitsio', 'libwcs', 'libdnnl', 'libstdc++']) assert.ok(libraries.includes(name), name);
  });
});
