/** What folders of jobs hold before a run: left by others, copied, changed since (src/jobdir). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import pino from 'pino';
import { loadConfig } from '#otf/config/load.js';
import { readDescription, rulesOf } from '#otf/jobdir/description.js';
import { earlierRun, folderOf } from '#otf/jobdir/earlier.js';
import { FolderJob } from '#otf/jobdir/folder-job.js';
import { FolderHost } from '#otf/jobdir/host.js';
import { makeFolders } from '#otf/jobdir/prefix.js';
import { type FolderState, readState, writeState } from '#otf/jobdir/state.js';
import { runCli, runOk } from './support/cli.js';
import { field, tempDir } from './support/server.js';

const config = await loadConfig({ env: {} });
const rules = await rulesOf(config);

async function folder(dir: string, name: string, job: object): Promise<string> {
  const path = join(dir, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'job.json'), JSON.stringify(job));
  return path;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function stateOf(description: string, more: Partial<FolderState> = {}): FolderState {
  const there = { version: 1, id: 'left', phase: 'ERROR', description, host: 'h', pid: 1, losses: 0 } as const;
  return { ...there, updatedAt: new Date().toISOString(), ...more };
}

/** As a run leaves it that is done. */
async function done(dir: string, state: Partial<FolderState> & { description: string }): Promise<void> {
  await mkdir(join(dir, 'results'));
  const whole = stateOf(state.description, { phase: 'COMPLETED', ...state });
  await writeFile(join(dir, 'results/state.json'), JSON.stringify(whole));
  await writeState(dir, whole);
}

const earlier = async (dir: string) => earlierRun(dir, await readDescription(dir, rules));

async function rows(dir: string): Promise<string> {
  return readFile(join(dir, 'results/catalogue.csv'), 'utf8');
}

describe('Folders of jobs that were copied', () => {
  it('are jobs of their own, with their own catalogues', async (t) => {
    const dir = await tempDir(t);
    const names = ['field-300-1.fits', 'field-400-2.fits', 'field-500-3.fits'];
    for (const [size, seed] of [
      [300, 1],
      [400, 2],
      [500, 3],
    ] as const)
      await field(dir, size, seed);
    const job = { IMAGE: 'field.fits', RESPONSEFORMAT: 'csv' };
    const one = await folder(dir, 'n1', job);
    await writeFile(join(one, 'field.fits'), 'no image yet');
    assert.equal(runCli(['run', one], dir).code, 1);
    const { folder: _, ...left } = (await readState(one)) as FolderState;
    const { id } = left;
    // As an earlier version left it.
    await writeState(one, left);
    // One is described anew, and may take longer than timers of Node can be set to; one is the same but for its image.
    for (const name of ['n2', 'n3']) await cp(one, join(dir, name), { recursive: true });
    await folder(dir, 'n2', { ...job, EXECUTIONDURATION: 2_147_484 });
    const all = ['n1', 'n2', 'n3'].map((name) => join(dir, name));
    for (const [index, to] of all.entries()) await cp(join(dir, names[index] as string), join(to, 'field.fits'));
    runOk(['run', ...all], dir);
    const ids = new Set<string>();
    for (const [index, to] of all.entries()) {
      const state = (await readState(to)) as FolderState;
      assert.equal(state.phase, 'COMPLETED', to);
      ids.add(state.id);
      runOk(['detect', join(dir, names[index] as string), '--format', 'csv', '-o', 'own.csv'], dir);
      assert.equal(await rows(to), await readFile(join(dir, 'own.csv'), 'utf8'), to);
    }
    assert.deepEqual([ids.size, ids.has(id)], [3, true], 'the one that stayed goes on');
    // A copy has another time and the same bytes; another image under the name is another job.
    const copy = join(dir, 'n4');
    await cp(one, copy, { recursive: true });
    await utimes(join(copy, 'field.fits'), 1, 1);
    assert.match(runOk(['run', copy], dir).stdout, /has been run/);
    await cp(join(dir, 'field-400-2.fits'), join(copy, 'field.fits'));
    const { code, stderr } = runCli(['run', copy], dir);
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /n4: the results there are of another IMAGE than .*n4\/field\.fits is now: remove n4\/results/,
    );
    assert.equal(await rows(copy), await rows(one));
    await symlink(one, join(dir, 'link'));
    assert.match(runCli(['run', one, 'link'], dir).stderr, /n1 and .*link are the same folder: name it once/);
  });

  it('do not go on with a run of another folder or of another description', async (t) => {
    const dir = await tempDir(t);
    await writeFile(join(dir, 'f'), 'not read here');
    const job = await folder(dir, 'job', { IMAGE: '../f' });
    const description = sha256(JSON.stringify({ IMAGE: '../f' }));
    const here = await folderOf(job);
    const left = async (state: FolderState) => {
      await writeState(job, state);
      return (await earlier(job))?.id;
    };
    assert.equal(await left(stateOf(description, { folder: here })), 'left');
    assert.equal(await left(stateOf(description)), 'left', 'of an earlier version');
    assert.equal(await left(stateOf(description, { folder: { ...here, path: '/moved' } })), 'left');
    assert.equal(await left(stateOf(description, { folder: { ...here, inode: '0' } })), 'left', 'inodes may not last');
    assert.equal(await left(stateOf(description, { folder: { path: '/other', inode: '0' } })), undefined);
    assert.equal(await left(stateOf(sha256('other'), { folder: here })), undefined);
  });
});

describe('A folder of results that is there before', () => {
  it('is left alone, and said before anything is run', async (t) => {
    const dir = await tempDir(t);
    await writeFile(join(dir, 'f'), 'not read here');
    const job = await folder(dir, 'job', { IMAGE: '../f' });
    await mkdir(join(job, 'results'));
    assert.equal(await earlier(job), undefined, 'an empty one is in nobody’s way');
    await writeFile(join(job, 'results/NOTES.txt'), 'mine');
    const { code, stderr } = runCli(['run', job], dir);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /job\/results is there and is no result of a run: rename it/);
    assert.deepEqual(await readdir(job), ['job.json', 'results']);
    // Removed by somebody, they are made anew, unless they were only to be sent.
    const gone = await folder(dir, 'gone', { IMAGE: '../f' });
    const [description] = (await readDescription(gone, rules)).digests;
    await writeState(gone, stateOf(description, { phase: 'COMPLETED' }));
    assert.equal(await earlier(gone), undefined);
    await writeState(gone, stateOf(description, { phase: 'COMPLETED', delivery: { state: 'done', files: 1 } }));
    assert.equal((await earlier(gone))?.phase, 'COMPLETED');
    const linked = await folder(dir, 'linked', { IMAGE: '../f' });
    await symlink('/nowhere', join(linked, 'results'));
    await assert.rejects(earlier(linked), /is no result of a run/);
  });

  it('that comes during a run takes nothing of what was found', async (t) => {
    const dir = await tempDir(t);
    await writeFile(join(dir, 'f'), 'not read here');
    const described = async (name: string) => readDescription(await folder(dir, name, { IMAGE: '../f' }), rules);
    const run = await FolderJob.open(join(dir, 'one'), await described('one'), undefined);
    await writeFile(run.folder.path('catalogue.csv'), 'rows');
    await mkdir(join(run.dir, 'results'));
    await writeFile(join(run.dir, 'results/NOTES.txt'), 'mine');
    const beside = `results-${run.job.id.slice(0, 8)}`;
    await assert.rejects(
      run.deliver({ phase: 'COMPLETED' }, new Set(['catalogue.csv'])),
      new RegExp(`is nothing of it: what was found is in ${beside}`),
    );
    await run.end();
    assert.equal(await readFile(join(run.dir, beside, 'catalogue.csv'), 'utf8'), 'rows');
    assert.deepEqual(await readdir(join(run.dir, 'results')), ['NOTES.txt']);
    // Results of another description are nobody's word for this one either.
    const two = await FolderJob.open(join(dir, 'two'), await described('two'), undefined);
    await writeFile(two.folder.path('catalogue.csv'), 'rows');
    await done(two.dir, { description: sha256('other') });
    await assert.rejects(two.deliver({ phase: 'COMPLETED' }, new Set(['catalogue.csv'])), /is nothing of it/);
    await two.end();
    assert.equal(two.state.phase, 'QUEUED');
  });
});

describe('job.json', () => {
  it('is the same however it is laid out, and wherever its results go', async (t) => {
    const dir = await tempDir(t);
    await writeFile(join(dir, 'f'), 'not read here');
    const fields = { IMAGE: '../f', RUNID: 'x' };
    const laidOut = JSON.stringify(fields, null, 4);
    const [now, before] = [await folder(dir, 'now', fields), await folder(dir, 'before', fields)];
    await writeFile(join(before, 'job.json'), laidOut);
    // Earlier versions took the bytes where results go nowhere.
    await done(before, { description: sha256(laidOut) });
    assert.equal((await earlier(before))?.phase, 'COMPLETED');
    await done(now, { description: (await readDescription(now, rules)).digests[0] });
    await writeFile(join(now, 'job.json'), laidOut);
    assert.equal((await earlier(now))?.phase, 'COMPLETED');
    await folder(dir, 'now', { ...fields, RESULTS_TO: 's3://sky/out/' });
    assert.equal((await earlier(now))?.phase, 'COMPLETED');
    await folder(dir, 'now', { ...fields, RUNID: 'y' });
    await assert.rejects(earlier(now), /job\.json is not what the results there are of/);
  });

  it('names files that have colons, and no field that nobody knows', async (t) => {
    const dir = await tempDir(t);
    const job = await folder(dir, 'job', { IMAGE: 'J1200:field.fits' });
    await writeFile(join(job, 'J1200:field.fits'), 'x');
    const { files } = await readDescription(job, rules);
    assert.deepEqual(
      files.map(({ path }) => basename(path)),
      ['J1200:field.fits'],
    );
    const wrong: [object, RegExp][] = [
      [{ BOXX: '1,1,20,20' }, /there is no field "BOXX": is it BOX\?/],
      [{ mesure: 'fast' }, /there is no field "mesure": is it MEASURE\?/],
      [{ COLOUR: 'red' }, /there is no field "COLOUR": there are MODEL, QUANTIZATION, IMAGE, BEAM, .*, BAND$/],
      [{ IMAGE: 'file:///nowhere.fits' }, /cannot read \/nowhere\.fits: no such file/],
      [{ IMAGE: 'file://host/x.fits' }, /is no file of this machine/],
    ];
    for (const [more, says] of wrong) {
      await folder(dir, 'job', { IMAGE: 'J1200:field.fits', ...more });
      await assert.rejects(readDescription(job, rules), says);
    }
  });
});

describe('EXECUTIONDURATION of a folder', () => {
  it('counts from when it is executed, however long it waits for others', async (t) => {
    const dir = await tempDir(t);
    await writeFile(join(dir, 'f'), 'not read here');
    const job = await folder(dir, 'job', { IMAGE: '../f', EXECUTIONDURATION: 4 });
    const it = await FolderJob.open(job, await readDescription(job, rules), undefined);
    const host = new FolderHost(config, pino({ level: 'silent' }));
    host.add(it);
    const later = performance.now() + 1e6;
    assert.deepEqual(host.late(later), []);
    await host.executing(it.job.id, {});
    assert.deepEqual([host.late(performance.now()), host.late(later)], [[], [it.job.id]]);
    await host.requeued(it.job.id);
    assert.deepEqual(host.late(later), []);
  });
});

describe('Folders that run --in makes', () => {
  it('are not made where the run of another has its files, and none is before all may be', async (t) => {
    const dir = await tempDir(t);
    const images = async (from: string, names: string[]) => {
      await mkdir(join(dir, from, 'a/results'), { recursive: true });
      for (const name of names) await writeFile(join(dir, from, name), 'x');
      const stage = { from: join(dir, from), to: join(dir, 'out'), work: join(dir, 'out'), fields: {} };
      return (fields: Record<string, string> = {}) => makeFolders({ ...stage, fields }, rules);
    };
    const wrong: [string, string[], RegExp][] = [
      ['one', ['a.fits', 'a/results.fits'], /a\/results\.fits would be run inside what a\.fits has as results/],
      ['two', ['a.fits', 'a/results/z.fits'], /a\/results\/z\.fits would be run inside what a\.fits has/],
      ['three', ['a.fits', 'a/state.json.fits'], /has as state\.json: rename one/],
      ['four', ['a.fits', 'b.fits', 'b.fits.gz'], /would both be b/],
    ];
    for (const [from, names, says] of wrong) await assert.rejects((await images(from, names))(), says);
    await assert.rejects((await images('five', ['a.fits']))({ MESURE: 'fast' }), /is it MEASURE\?/);
    assert.ok(!(await readdir(dir)).includes('out'), 'nothing was written');
    const make = await images('six', ['a.fits', 'b.fits', 'results.fits']);
    const dirs = await make();
    assert.deepEqual(
      dirs.map((each) => basename(each)),
      ['a', 'b', 'results'],
    );
    const [a = '', b = ''] = dirs;
    const before = await readFile(join(a, 'job.json'), 'utf8');
    await done(b, { description: (await readDescription(b, rules)).digests[0] });
    await assert.rejects(make({ MEASURE: 'fast' }), /b: job\.json is not what the results there are of/);
    assert.equal(await readFile(join(a, 'job.json'), 'utf8'), before);
    // The image of a job that was run is gone since, its folder is not.
    await assert.rejects(
      (await images('seven', ['a/results/z.fits']))(),
      /inside what the job in .*out\/a has as results/,
    );
  });
});
