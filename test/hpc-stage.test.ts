/** `run` with results that are wanted elsewhere, and with a prefix of images in place of folders (src/jobdir). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { FolderState } from '#otf/jobdir/state.js';
import { kProgram, runCli } from './support/cli.js';
import { httpServer } from './support/http-server.js';
import { field, tempDir } from './support/server.js';

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** This process serves files meanwhile. */
function run(program: string, args: string[], cwd: string, env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function cli(args: string[], cwd: string): Promise<Ran> {
  return run(process.execPath, [kProgram, ...args], cwd, { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' });
}

async function stateOf(dir: string): Promise<FolderState> {
  return JSON.parse(await readFile(join(dir, 'state.json'), 'utf8')) as FolderState;
}

/** An object store: one bucket, lists, objects; `refuses` may say no to what is put. */
async function bucket(t: TestContext, objects: Map<string, Buffer>, refuses: (key: string) => boolean = () => false) {
  const url = await httpServer(t, async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://store');
    const key = decodeURIComponent(pathname.replace(/^\/sky\/?/, ''));
    if (request.method === 'PUT') {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      if (refuses(request.url ?? '')) return response.writeHead(403).end();
      objects.set(key, Buffer.concat(pieces));
      return response.end();
    }
    if (searchParams.get('list-type') === '2') {
      const prefix = searchParams.get('prefix') ?? '';
      const all = [...objects].filter(([each]) => each.startsWith(prefix));
      const rows = all.map(([each, { length }]) => `<Contents><Key>${each}</Key><Size>${length}</Size></Contents>`);
      return response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${rows.join('')}</ListBucketResult>`);
    }
    const found = objects.get(key);
    return found ? response.end(found) : response.writeHead(404).end();
  });
  return url;
}

async function configFor(dir: string, store: string): Promise<string> {
  const path = join(dir, 'otf.toml');
  await writeFile(join(dir, 'key'), 'secret');
  const key = `access_key = "key"\nsecret_key_file = "${join(dir, 'key')}"`;
  await writeFile(path, `[fetch.s3.one]\nendpoint = "${store}"\n${key}\nbuckets = ["sky"]\nwrite = ["sky"]\n`);
  return path;
}

async function detected(dir: string, image: string): Promise<string> {
  assert.equal(runCli(['detect', join(dir, image), '--format', 'csv', '-o', 'own.csv'], dir).code, 0);
  return readFile(join(dir, 'own.csv'), 'utf8');
}

describe('A job in a folder whose results are wanted elsewhere', () => {
  it('keeps them when they cannot be sent, and the next run sends them and nothing else', async (t) => {
    const dir = await tempDir(t);
    await field(dir, 300, 1);
    const objects = new Map<string, Buffer>();
    const store = await bucket(t, objects, (url) => url.includes('old'));
    const job = join(dir, 'job');
    await mkdir(job);
    const describe = (to: string) =>
      writeFile(
        join(job, 'job.json'),
        JSON.stringify({ IMAGE: '../field-300-1.fits', RESPONSEFORMAT: 'csv', RESULTS_TO: to }),
      );
    await describe(`${store}/sky/a.csv?sign=old`);
    const refused = await cli(['run', job], dir);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /job: cannot send to .*a\.csv.*: the server answered 403/);
    assert.ok(!refused.stderr.includes('sign=old'), 'what opens it is said to nobody');
    const before = await stateOf(job);
    assert.deepEqual([before.phase, before.delivery?.state, before.delivery?.files], ['COMPLETED', 'failed', 0]);
    await describe(`${store}/sky/a.csv?sign=new`);
    const { code, stdout, stderr } = await cli(['run', job], dir);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /job: \d+ rows, 1 files sent/);
    const after = await stateOf(job);
    assert.deepEqual(after.results, before.results, 'nothing was run again');
    assert.deepEqual(after.delivery, { state: 'done', files: 1 });
    assert.equal(objects.get('a.csv')?.toString(), await detected(dir, 'field-300-1.fits'));
    objects.clear();
    assert.match((await cli(['run', job], dir)).stdout, /has been run/);
    assert.equal(objects.size, 0);
    const everything = await readdir(job, { recursive: true, withFileTypes: true });
    for (const file of everything.filter((entry) => entry.isFile() && entry.name !== 'job.json')) {
      assert.ok(!(await readFile(join(file.parentPath, file.name), 'latin1')).includes('sign='), file.name);
    }
  });
});

describe('run --in --out', () => {
  it('makes a job of every image of a bucket, and brings the results back there', async (t) => {
    const dir = await tempDir(t);
    const names = ['night 1/a.fits', 'night 1/b/c.fits'];
    const images = [await field(dir, 300, 1), await field(dir, 300, 2)];
    const objects = new Map(names.map((name, index) => [`in/${name}`, images[index] as Buffer]));
    objects.set('in/readme.txt', Buffer.from('no image'));
    objects.set('in/../x.fits', Buffer.from('of a name that leads elsewhere'));
    const config = await configFor(dir, await bucket(t, objects));
    const args = [
      'run',
      '--config',
      config,
      '--in',
      's3://sky/in',
      '--out',
      's3://sky/out/',
      '--set',
      'responseformat=csv',
    ];
    const { code, stdout, stderr } = await cli(args, dir);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^night 1\/a: \d+ rows, \d files sent\nnight 1\/b\/c: \d+ rows, \d files sent\n$/);
    for (const [index, name] of ['night 1/a', 'night 1/b/c'].entries()) {
      const rows = objects.get(`out/${name}/catalogue.csv`)?.toString();
      assert.equal(rows, await detected(dir, `field-300-${index + 1}.fits`));
      assert.ok(objects.has(`out/${name}/job.log`));
    }
    assert.ok(![...objects.keys()].some((key) => key.startsWith('out/') && key.includes('x/')));
    const none = await cli(['run', '--config', config, '--in', 's3://sky/nothing', '--out', 's3://sky/out'], dir);
    assert.match(none.stderr, /there is no image below s3:\/\/sky\/nothing/);
  });

  it('makes folders of a folder, which are run once', async (t) => {
    const dir = await tempDir(t);
    await mkdir(join(dir, 'in/deep'), { recursive: true });
    for (const [name, seed] of [
      ['a.fits', 1],
      ['deep/b.fits', 2],
    ] as const) {
      await writeFile(join(dir, 'in', name), await field(dir, 300, seed));
    }
    const args = ['run', '--in', 'in', '--out', 'out', '--set', 'RESPONSEFORMAT=csv'];
    const first = await cli(args, dir);
    assert.equal(first.code, 0, first.stderr);
    const made = await readFile(join(dir, 'out/deep/b/results/catalogue.csv'), 'utf8');
    assert.equal(made, await detected(dir, 'field-300-2.fits'));
    assert.ok(existsSync(join(dir, 'out/a/results/catalogue.csv')));
    assert.equal((await cli(args, dir)).stdout.match(/has been run/g)?.length, 2);
    const wrong: [string[], RegExp][] = [
      [['run', '--in', 'in'], /--in goes with --out/],
      [['run', '--out', 'out'], /--out and --set go with --in/],
      [['run', '--in', 'in', '--out', 'in/out'], /in\/out is below in/],
      [['run', '--in', 'in', '--out', 'out', 'job'], /--in makes the folders itself/],
      [['run', '--in', 's3://nobody/x', '--out', 'out'], /no keys for the bucket nobody/],
      [['run', '--in', 'in', '--out', 'out', '--set', 'IMAGE=x'], /is what --in and --out say/],
    ];
    await writeFile(join(dir, 'in/a.fits.gz'), 'x');
    wrong.push([args, /a\.fits and a\.fits\.gz would both be a/]);
    for (const [given, says] of wrong) {
      const { code, stderr } = await cli(given, dir);
      assert.equal(code, 2, stderr);
      assert.match(stderr, says);
    }
  });
});
