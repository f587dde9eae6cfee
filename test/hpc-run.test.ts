/** `run`: jobs that are folders, without a server (src/jobdir). */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { FolderState } from '#otf/jobdir/state.js';
import { kProgram, runCli, runOk } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { httpServer } from './support/http-server.js';
import { field, tempDir } from './support/server.js';
import { until } from './support/until.js';

async function folder(dir: string, name: string, job: object): Promise<string> {
  const path = join(dir, name);
  await mkdir(path);
  await writeFile(join(path, 'job.json'), JSON.stringify(job));
  return path;
}

async function stateOf(dir: string): Promise<FolderState> {
  return JSON.parse(await readFile(join(dir, 'state.json'), 'utf8')) as FolderState;
}

async function sources(dir: string): Promise<string> {
  const { results = [] } = await stateOf(dir);
  const file = results.find(({ id }) => id === 'result')?.file ?? assert.fail('no result');
  return readFile(join(dir, 'results', file), 'utf8');
}

/** As `detect` writes them, without what names the run. */
async function detected(dir: string, image: string): Promise<string> {
  runOk(['detect', join(dir, image), '--format', 'csv', '-o', 'own.csv'], dir);
  return readFile(join(dir, 'own.csv'), 'utf8');
}

/** A run of these folders that takes long: the slow engine, an image of many tiles. */
async function slowRun(t: TestContext, dir: string) {
  await field(dir, 2500, 9);
  const job = await folder(dir, 'slow', { IMAGE: '../field-2500-9.fits', RESPONSEFORMAT: 'csv' });
  const env = { ...process.env, CIANNA_OTF_ENGINE_DEFAULT: 'reference', CIANNA_OTF_SERVER_SHUTDOWN_S: '0' };
  const child = spawn(process.execPath, [kProgram, 'run', job], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => said.push(String(data)));
  atEnd(t, () => child.kill('SIGKILL'));
  const executing = async () => {
    assert.equal(child.exitCode, null, said.join(''));
    return existsSync(join(job, 'state.json')) && (await stateOf(job)).phase === 'EXECUTING';
  };
  await until(executing, 'it does not begin', 60);
  const end = (signal: NodeJS.Signals) =>
    new Promise<number | null>((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.kill(signal);
    });
  return { job, end, said };
}

describe('jobs that are folders', () => {
  it('give what detect gives, several at once, and are done once', async (t) => {
    const dir = await tempDir(t);
    await Promise.all([field(dir, 600, 1), field(dir, 700, 2)]);
    const one = await folder(dir, 'one', { IMAGE: '../field-600-1.fits', RESPONSEFORMAT: 'csv' });
    const two = await folder(dir, 'two', {
      IMAGE: join(dir, 'field-700-2.fits'),
      RESPONSEFORMAT: 'csv',
      RUNID: 'mine',
    });
    const { stdout } = runOk(['run', 'one', 'two'], dir);
    assert.match(stdout, /one: \d+ rows\n.*two: \d+ rows/);
    assert.equal(await sources(one), await detected(dir, 'field-600-1.fits'));
    assert.equal(await sources(two), await detected(dir, 'field-700-2.fits'));
    const state = await stateOf(one);
    assert.equal(state.phase, 'COMPLETED');
    assert.deepEqual((await readdir(one)).sort(), ['job.json', 'results', 'state.json']);
    const named = (state.results ?? []).map(({ file }) => file);
    assert.deepEqual((await readdir(join(one, 'results'))).sort(), [...named, 'state.json'].sort());
    assert.match(await readFile(join(one, 'results', 'job.log'), 'utf8'), /sources/);
    // What is done stays.
    const again = runOk(['run', 'one'], dir);
    assert.match(again.stdout, /has been run/);
    assert.deepEqual((await stateOf(one)).results, state.results);
    await writeFile(join(one, 'job.json'), JSON.stringify({ IMAGE: '../field-700-2.fits' }));
    const other = runCli(['run', 'one'], dir);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /not what the results there are of/);
  });

  it('say what is wrong with them as a server does, and leave nothing half', async (t) => {
    const dir = await tempDir(t);
    await writeFile(join(dir, 'no.fits'), 'no image');
    const cases: [object | string, RegExp][] = [
      [{ IMAGE: 'absent.fits' }, /job\.json: IMAGE: cannot read .*absent\.fits: no such file/],
      [{ IMAGE: '../no.fits', MODEL: 'other' }, /unknown model "other"/],
      [{ IMAGE: '../no.fits', BOX: '1,2,3' }, /job\.json: .*BOX/],
      [{ IMAGE: '../no.fits', AFTER: 'x' }, /AFTER is for jobs of a server/],
      [{ IMAGE: 'job:x/IMAGE' }, /file of a server/],
      [{ IMAGE: '..' }, /is no file/],
      [{ IMAGE: 'ftp://x/y' }, /ftp: URLs are not accepted/],
      [{}, /IMAGE is missing/],
      [{ IMAGE: { a: 1 } }, /expected .*not at IMAGE/],
      ['{', /no JSON/],
    ];
    for (const [index, [job, says]] of cases.entries()) {
      const path = await folder(dir, `wrong-${index}`, {});
      await writeFile(join(path, 'job.json'), typeof job === 'string' ? job : JSON.stringify(job));
      const { code, stderr } = runCli(['run', path], dir);
      assert.ok(code === 1 || code === 2, stderr);
      assert.match(stderr, says);
      assert.match(stderr, /^cianna-otf: [^\n]+\n$/);
      assert.deepEqual(await readdir(path), ['job.json']);
    }
    assert.match(runCli(['run', join(dir, 'nowhere')], dir).stderr, /cannot read .*job\.json.*no such file/);
    // What only the run itself finds out.
    const broken = await folder(dir, 'broken', { IMAGE: '../no.fits' });
    const { code, stderr } = runCli(['run', broken], dir);
    assert.equal(code, 1);
    assert.match(stderr, /1 of 1 jobs failed: broken: /);
    const { phase, error } = await stateOf(broken);
    assert.deepEqual([phase, error?.code], ['ERROR', 'OTF_FITS_UNREADABLE']);
    assert.deepEqual((await readdir(broken)).sort(), ['job.json', 'job.log', 'state.json']);
    // It may be put right, and run.
    await field(dir, 300, 1);
    await writeFile(join(broken, 'job.json'), JSON.stringify({ IMAGE: '../field-300-1.fits' }));
    runOk(['run', broken], dir);
    assert.equal((await stateOf(broken)).phase, 'COMPLETED');
  });

  it('fetch what is elsewhere, and do not keep what opens it', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 3);
    const secret = 'Sgn4tureThatOpens';
    const url = await httpServer(t, (request, response) => {
      if (request.url?.endsWith(secret)) response.end(image);
      else response.writeHead(403).end();
    });
    const job = await folder(dir, 'far', { IMAGE: `${url}/f.fits?X-Amz-Signature=${secret}`, RESPONSEFORMAT: 'csv' });
    // This process serves the file meanwhile.
    const env = { ...process.env, CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' };
    await promisify(execFile)(process.execPath, [kProgram, 'run', job], { env });
    assert.equal(await sources(job), await detected(dir, 'field-300-3.fits'));
    for (const name of await readdir(join(job, 'results'))) {
      assert.ok(!(await readFile(join(job, 'results', name), 'latin1')).includes(secret), name);
    }
    assert.ok(!(await readFile(join(job, 'state.json'), 'utf8')).includes(secret));
  });

  it('may be killed at any moment: the next run begins anew, alone', async (t) => {
    const dir = await tempDir(t);
    const { job, end } = await slowRun(t, dir);
    await end('SIGKILL');
    assert.equal((await stateOf(job)).phase, 'EXECUTING');
    runOk(['run', job], dir);
    const state = await stateOf(job);
    assert.deepEqual([state.phase, state.losses], ['COMPLETED', 1]);
    assert.equal(await sources(job), await detected(dir, 'field-2500-9.fits'));
    assert.deepEqual(
      (await readdir(job)).sort(),
      ['job.json', 'results', 'state.json'],
      'what the first run left is gone',
    );
  });

  it('are cut short by a signal, and say so', async (t) => {
    const dir = await tempDir(t);
    const { job, end, said } = await slowRun(t, dir);
    assert.equal(await end('SIGTERM'), 1, said.join(''));
    const { phase, note, losses } = await stateOf(job);
    assert.deepEqual([phase, losses], ['QUEUED', 0]);
    assert.match(note ?? '', /cut short by SIGTERM/);
    assert.deepEqual((await readdir(job)).sort(), ['job.json', 'state.json']);
  });

  it('are given up when every run of them ends without a word', async (t) => {
    const dir = await tempDir(t);
    await field(dir, 300, 1);
    const job = await folder(dir, 'deadly', { IMAGE: '../field-300-1.fits' });
    runOk(['run', job], dir);
    const state = await stateOf(job);
    await rm(join(job, 'results'), { recursive: true });
    await writeFile(join(job, 'state.json'), JSON.stringify({ ...state, phase: 'EXECUTING', losses: 2 }));
    const { code, stderr } = runCli(['run', job], dir);
    assert.equal(code, 1);
    assert.match(stderr, /3 runs ended without a word/);
    assert.equal((await stateOf(job)).phase, 'ERROR');
    // Somebody who knows better may try again.
    runOk(['run', job], dir);
  });

  it('are run twice at once to one result', async (t) => {
    const dir = await tempDir(t);
    await field(dir, 600, 4);
    const job = await folder(dir, 'both', { IMAGE: '../field-600-4.fits', RESPONSEFORMAT: 'csv' });
    const both = [1, 2].map(
      () =>
        new Promise<number | null>((resolve) => {
          const child = spawn(process.execPath, [kProgram, 'run', job], { stdio: 'ignore' });
          child.once('exit', (code) => resolve(code));
        }),
    );
    assert.deepEqual(await Promise.all(both), [0, 0]);
    assert.deepEqual((await readdir(job)).sort(), ['job.json', 'results', 'state.json']);
    assert.equal(await sources(job), await detected(dir, 'field-600-4.fits'));
  });

  it('are cut short when nobody waits for them any longer', async (t) => {
    const dir = await tempDir(t);
    await field(dir, 2500, 9);
    const job = await folder(dir, 'slow', { IMAGE: '../field-2500-9.fits' });
    const env = { CIANNA_OTF_ENGINE_DEFAULT: 'reference', CIANNA_OTF_SERVER_SHUTDOWN_S: '0' };
    const { code, stderr } = runCli(['run', '--timeout', '1', job], dir, env);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /1 of 1 jobs are not done after 1 s: run them again/);
    const { phase, note } = await stateOf(job);
    assert.deepEqual([phase, note], ['QUEUED', 'cut short by --timeout: run it again']);
    const status = runCli(['run', '--status', '--timeout', '1', job], dir);
    assert.equal(status.code, 2, status.stderr);
    assert.match(status.stderr, /--timeout goes with --wait/);
  });

  it('end when their time is up', async (t) => {
    const dir = await tempDir(t);
    await field(dir, 2500, 9);
    const job = await folder(dir, 'long', { IMAGE: '../field-2500-9.fits', EXECUTIONDURATION: 1 });
    const { code, stderr } = runCli(['run', job], dir, { CIANNA_OTF_ENGINE_DEFAULT: 'reference' });
    assert.equal(code, 1);
    assert.match(stderr, /took longer than EXECUTIONDURATION=1 s/);
    assert.equal((await stateOf(job)).phase, 'ABORTED');
    assert.deepEqual((await readdir(job)).sort(), ['job.json', 'state.json']);
  });
});
