/** `run --slurm`: jobs in folders as jobs of a real Slurm, whatever becomes of them (src/slurm). */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { FolderState } from '#otf/jobdir/state.js';
import { type CliResult, kProgram, runOk } from './support/cli.js';
import { field, tempDir } from './support/server.js';
import { kNoSlurm, TestSlurm } from './support/slurm.js';
import { until } from './support/until.js';

/** The slow engine on many tiles: long enough for whatever is to happen to it. */
const kSlow = { CIANNA_OTF_ENGINE_DEFAULT: 'reference', CIANNA_OTF_SERVER_SHUTDOWN_S: '0' };
const kPatienceS = 120;

class Site {
  readonly dir: string;
  readonly slurm: TestSlurm;

  constructor(dir: string, slurm: TestSlurm) {
    this.dir = dir;
    this.slurm = slurm;
  }

  static async open(t: TestContext): Promise<Site> {
    const dir = await tempDir(t);
    return new Site(dir, await TestSlurm.start(t));
  }

  async folder(name: string, image: string): Promise<string> {
    const path = join(this.dir, name);
    await mkdir(path);
    await writeFile(join(path, 'job.json'), JSON.stringify({ IMAGE: `../${image}`, RESPONSEFORMAT: 'csv' }));
    return path;
  }

  run(args: string[], env: Record<string, string> = {}): Promise<CliResult> {
    const child = spawn(process.execPath, [kProgram, 'run', ...args], {
      cwd: this.dir,
      env: { ...process.env, ...this.slurm.env, ...env },
    });
    const result = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => (result.stdout += data));
    child.stderr.on('data', (data) => (result.stderr += data));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...result })));
  }

  /** Of the folder, submitted; its Slurm job. */
  async submit(path: string, sbatch: string[] = [], env: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(['--slurm', path, '--', ...sbatch], env);
    assert.equal(code, 0, stderr);
    return /Slurm job (\d+)/.exec(stdout)?.[1] ?? assert.fail(stdout);
  }

  /** Waits for the end. */
  async end(path: string): Promise<{ phase: string; why: string; code: number | null }> {
    for (;;) {
      const { code, stdout, stderr } = await this.run(['--status', path, '--json']);
      assert.notEqual(stdout, '', stderr);
      const [found] = JSON.parse(stdout) as { phase: string; why?: string }[];
      if (found && ['COMPLETED', 'ERROR', 'ABORTED'].includes(found.phase)) {
        return { phase: found.phase, why: found.why ?? '', code };
      }
    }
  }

  async executing(path: string): Promise<void> {
    await until(async () => (await stateOf(path)).phase === 'EXECUTING', `${path} does not begin`, kPatienceS);
  }
}

async function stateOf(path: string): Promise<FolderState> {
  return JSON.parse(await readFile(join(path, 'state.json'), 'utf8')) as FolderState;
}

async function sources(path: string): Promise<string> {
  return readFile(
    join(path, 'results', (await stateOf(path)).results?.find(({ id }) => id === 'result')?.file ?? ''),
    'utf8',
  );
}

describe('jobs of Slurm', { skip: kNoSlurm }, () => {
  it('give what detect gives, each on a node of its own where they ask for its GPU', async (t) => {
    const site = await Site.open(t);
    const { dir } = site;
    await Promise.all([field(dir, 600, 1), field(dir, 700, 2)]);
    const folders = [await site.folder('a', 'field-600-1.fits'), await site.folder('b', 'field-700-2.fits')];
    const ran = await site.run(['--slurm', '--wait', ...folders, '--', '-p', 'gpu', '--gres=gpu:1']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /a: COMPLETED: \d+ rows\n.*b: COMPLETED: \d+ rows/);
    for (const [index, image] of ['field-600-1.fits', 'field-700-2.fits'].entries()) {
      runOk(['detect', image, '--format', 'csv', '-o', 'own.csv'], dir);
      assert.equal(await sources(folders[index] ?? ''), await readFile(join(dir, 'own.csv'), 'utf8'));
    }
    assert.ok((await stateOf(folders[0] ?? '')).slurmJob);
    const again = await site.run(['--slurm', folders[0] ?? '']);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /has been run/);
  });

  it('are refused at once where sbatch, or the job itself, is wrong', async (t) => {
    const site = await Site.open(t);
    await field(site.dir, 300, 1);
    const path = await site.folder('a', 'field-300-1.fits');
    for (const [args, says] of [
      [['-p', 'nowhere'], /invalid partition/i],
      [['--gres=quantum:1'], /gres/i],
    ] as const) {
      const { code, stderr } = await site.run(['--slurm', path, '--', ...args]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, says);
    }
    const wrong = await site.folder('wrong', 'absent.fits');
    assert.match((await site.run(['--slurm', wrong])).stderr, /absent\.fits: no such file/);
    await site.submit(path, ['--hold']);
    const twice = await site.run(['--slurm', path]);
    assert.match(twice.stderr, /in the queue already, as job \d+/);
    const { stdout } = await site.run(['--status', path]);
    assert.match(stdout, /a: QUEUED: JobHeldUser/);
    // Copied with its state, a folder is another one.
    await cp(path, `${path}-copy`, { recursive: true });
    const copied = await site.run(['--slurm', `${path}-copy`, '--', '--hold']);
    assert.equal(copied.code, 0, copied.stderr);
    const both = await Promise.all([path, `${path}-copy`].map(stateOf));
    assert.notEqual(both[0]?.id, both[1]?.id);
    await symlink(path, `${path}-link`);
    assert.match((await site.run(['--slurm', path, `${path}-link`])).stderr, /are the same folder/);
  });

  it('are told from those that did not come to their end: cancelled, killed, out of time, unwritable, moved away', async (t) => {
    const site = await Site.open(t);
    const { slurm } = site;
    await field(site.dir, 2500, 9);
    const slow = async (name: string, sbatch: string[] = []) => {
      const path = await site.folder(name, 'field-2500-9.fits');
      return { path, id: await site.submit(path, sbatch, kSlow) };
    };
    const [cancelled, dead] = [await slow('cancelled'), await slow('dead')];
    await Promise.all([site.executing(cancelled.path), site.executing(dead.path)]);
    slurm.call('scancel', cancelled.id);
    process.kill((await stateOf(dead.path)).pid, 'SIGSEGV');
    const end = await site.end(cancelled.path);
    assert.deepEqual([end.phase, end.code], ['ABORTED', 1]);
    assert.match(end.why, new RegExp(`job ${cancelled.id} was cancelled`));
    const died = await site.end(dead.path);
    assert.equal(died.phase, 'ERROR');
    assert.match(died.why, /ended as FAILED on n\d \(/);
    // The time limit of a minute is announced a minute before.
    const late = await slow('late', ['-t', '1']);
    const unwritable = await slow('unwritable', ['--output=/proc/no/such/file']);
    const timed = await site.end(late.path);
    assert.equal(timed.phase, 'ERROR');
    assert.match(timed.why, /cut short by SIGUSR1/);
    assert.match((await site.end(unwritable.path)).why, /ended as FAILED/);
    const moved = await slow('moved', ['--hold']);
    await rename(moved.path, `${moved.path}-away`);
    slurm.call('scontrol', 'release', moved.id);
    assert.equal((await site.end(`${moved.path}-away`)).phase, 'ERROR');
    // Each may be tried again.
    await site.submit(cancelled.path);
    assert.equal((await site.end(cancelled.path)).phase, 'COMPLETED');
  });

  it('are known by their folders while the controller is away, and when it has forgotten them', async (t) => {
    const site = await Site.open(t);
    const { slurm } = site;
    await field(site.dir, 600, 1);
    const path = await site.folder('a', 'field-600-1.fits');
    await site.submit(path);
    await until(async () => (await stateOf(path)).slurmJob !== undefined, 'it does not begin', kPatienceS);
    await slurm.killController();
    assert.equal((await site.end(path)).phase, 'COMPLETED');
    await slurm.startController();
    await until(async () => (await site.run(['--status', path])).stdout.includes('COMPLETED'), 'it is not known', 60);
    // Nothing is concluded from a job that nobody knows.
    const state = { ...(await stateOf(path)), id: 'nobody-knows-it', phase: 'EXECUTING', results: undefined };
    const forgotten = await site.folder('forgotten', 'field-600-1.fits');
    await writeFile(join(forgotten, 'state.json'), JSON.stringify(state));
    const { code, stdout } = await site.run(['--status', forgotten]);
    assert.equal(code, 0);
    assert.match(stdout, /EXECUTING: Slurm does not know of it now, which says nothing/);
    const waited = await site.run(['--slurm', '--wait', '--timeout', '1', forgotten, '--', '--hold']);
    assert.equal(waited.code, 4, waited.stderr);
  });

  it('begin anew on another node when theirs is lost', async (t) => {
    const site = await Site.open(t);
    const { slurm } = site;
    await field(site.dir, 2500, 9);
    const path = await site.folder('a', 'field-2500-9.fits');
    const id = await site.submit(path, [], kSlow);
    await site.executing(path);
    await slurm.killNode(slurm.call('squeue', '-h', '-j', id, '-o', '%N').trim());
    const requeued = async () => / Restarts=1 /.test(slurm.call('scontrol', '-o', 'show', 'job', id));
    await until(requeued, 'the job is not put back', kPatienceS);
    assert.match((await site.run(['--status', path])).stdout, /a: QUEUED/);
    // Slurm would wait for two minutes before it begins again.
    slurm.call('scontrol', 'update', `JobId=${id}`, 'StartTime=now');
    const begun = async () => (await stateOf(path)).losses === 1;
    await until(begun, 'it does not begin again', kPatienceS);
    slurm.call('scancel', id);
    assert.equal((await site.end(path)).phase, 'ABORTED');
  });
});
