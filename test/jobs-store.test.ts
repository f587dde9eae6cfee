import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Job } from '#otf/jobs/job.js';
import { listJobs } from '#otf/jobs/lists.js';
import { LogSync } from '#otf/jobs/log-sync.js';
import { JobStore } from '#otf/jobs/store.js';
import { parseFilter } from '#otf/uws/filters.js';
import { Parameters } from '#otf/uws/parameters.js';
import { tempDir } from './service/bench.js';
import { storedJob } from './support/stored-job.js';

/** A disk that answers when it is told to. */
class Disk extends LogSync {
  readonly dir: string;
  #waits = 0;
  #answer: ((failure?: Error) => void) | undefined;

  constructor(dir: string) {
    super(join(dir, 'otf.sqlite'));
    this.dir = dir;
  }

  open(): JobStore {
    return new JobStore(this.dir, this);
  }

  override async wait(): Promise<void> {
    this.#waits++;
    const failure = await new Promise<Error | undefined>((resolve) => {
      this.#answer = resolve;
    });
    if (failure) throw failure;
    await super.wait();
  }

  answer(failure?: Error): void {
    this.#answer?.(failure);
  }

  async waited(times: number): Promise<void> {
    while (this.#waits < times) await pause(1);
  }
}

function all(store: JobStore) {
  return [...store.lists.pages({ of: 'all', limit: 1e6 })].flat();
}

describe('the store', () => {
  // Left by kill -9 of the version before priorities, with better-sqlite3 12.11.1: all of it is still in the WAL.
  it('opens what kill -9 left of an earlier version and another version of the library', async (t) => {
    const dir = await tempDir(t);
    await cp('test/fixtures/jobs-store/killed', dir, { recursive: true });
    const store = new JobStore(dir);
    const plain = { results: [] };
    assert.deepEqual(
      all(store).map(({ id }) => store.get(id)),
      [
        { ...storedJob(2), ...plain },
        {
          ...storedJob(3, 'ERROR'),
          ...plain,
          startedMs: 2,
          failure: { type: 'fatal', message: 'the engine ended: \u03c0' },
        },
        { ...storedJob(4, 'QUEUED'), ...plain },
      ],
    );
    await store.change('j4', () => null);
    store.close();
    const again = new JobStore(dir);
    assert.equal(again.totals.jobs, 2);
    again.close();
  });

  it('gives back after opening again what was committed, in order of creation', async (t) => {
    const dir = await tempDir(t);
    const store = new JobStore(dir);
    store.load([storedJob(2), storedJob(1), storedJob(3)]);
    await store.change('j3', (before) =>
      before ? { ...before, phase: 'ERROR', failure: { type: 'fatal', message: 'm' } } : before,
    );
    await store.change('j1', () => null);
    const again = () => {
      store.close();
      return new JobStore(dir);
    };
    const opened = again();
    assert.deepEqual(
      all(opened).map(({ id }) => id),
      ['j2', 'j3'],
    );
    assert.deepEqual(opened.get('j3'), { ...storedJob(3), phase: 'ERROR', failure: { type: 'fatal', message: 'm' } });
    opened.close();
  });

  it('keeps a change until restart in memory, and on disk with the next lasting one', async (t) => {
    const dir = await tempDir(t);
    const store = new JobStore(dir);
    store.load([storedJob(1, 'QUEUED'), storedJob(2, 'QUEUED'), storedJob(3, 'QUEUED')]);
    const heard: string[] = [];
    store.onChange((after) => heard.push(`${after?.id} ${after?.phase}`));
    const begin = (id: string) => store.changeUntilRestart(id, (before) => before && { ...before, phase: 'EXECUTING' });
    const name = (id: string) => store.change(id, (before) => before && { ...before, runId: `after ${before.phase}` });
    await Promise.all([begin('j1'), begin('j2'), name('j2'), name('j3'), begin('j3')]);
    assert.deepEqual(
      ['j1', 'j2', 'j3'].map((id) => store.get(id)?.phase),
      ['EXECUTING', 'EXECUTING', 'EXECUTING'],
    );
    assert.equal(heard.length, 5);
    store.close();
    const opened = new JobStore(dir);
    const kept = [...opened.active()].map(({ phase, runId }) => `${phase}, ${runId}`);
    assert.deepEqual(kept, ['QUEUED, run 1', 'EXECUTING, after EXECUTING', 'EXECUTING, after QUEUED']);
    opened.close();
  });

  it('runs the changes of one turn one after another, and one refusal does not hurt the others', async (t) => {
    const store = new JobStore(await tempDir(t));
    store.load([storedJob(1, 'QUEUED')]);
    const seen: (string | undefined)[] = [];
    const to = (phase: Job['phase']) =>
      store.change('j1', (before) => {
        seen.push(before?.phase);
        return before ? { ...before, phase } : before;
      });
    const outcomes = await Promise.allSettled([
      to('EXECUTING'),
      store.change('j1', () => {
        throw new Error('no');
      }),
      to('ABORTED'),
      store.change('none', (before) => before),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    );
    assert.deepEqual(seen, ['QUEUED', 'EXECUTING']);
    assert.equal(store.get('j1')?.phase, 'ABORTED');
    store.close();
  });

  it('shows nobody what the disk does not have yet, and takes it all with one wait', async (t) => {
    const disk = new Disk(await tempDir(t));
    const store = disk.open();
    store.load([storedJob(1, 'QUEUED'), storedJob(2)]);
    const heard: (string | undefined)[] = [];
    store.onChange((after, before) => heard.push(after?.id ?? `${before?.id} gone`));
    const changes = [store.change('j3', () => storedJob(3)), store.change('j2', () => null)];
    await disk.waited(1);
    const later = store.change('j1', (before) => before && { ...before, phase: 'ABORTED' });
    const latest = store.changeUntilRestart('j1', (before) => before && { ...before, runId: before.phase });
    await pause(5);
    assert.deepEqual(
      [store.get('j1')?.phase, store.get('j2')?.id, store.has('j2'), store.get('j3'), store.has('j3'), heard.length],
      ['QUEUED', 'j2', true, undefined, false, 0],
    );
    disk.answer();
    await Promise.all(changes);
    assert.deepEqual([store.has('j2'), store.get('j3')?.id, heard], [false, 'j3', ['j3', 'j2 gone']]);
    await disk.waited(2);
    disk.answer();
    await Promise.all([later, latest]);
    assert.equal(store.get('j1')?.runId, 'ABORTED');
    store.close();
  });

  it('takes back what the disk refuses, and what is asked for afterwards is as good as ever', async (t) => {
    const disk = new Disk(await tempDir(t));
    const store = disk.open();
    store.load([storedJob(1, 'QUEUED'), storedJob(2)]);
    const refused = Promise.allSettled([store.change('j1', () => null), store.change('j3', () => storedJob(3))]);
    await disk.waited(1);
    const later = store.change('j2', (before) => before && { ...before, runId: 'kept' });
    disk.answer(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    for (const outcome of await refused) {
      assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'OTF_DISK_FULL');
    }
    await disk.waited(2);
    disk.answer();
    await later;
    store.close();
    const again = new JobStore(disk.dir);
    const rows = all(again).map(({ id }) => `${id} ${again.get(id)?.phase} ${again.get(id)?.runId}`);
    assert.deepEqual(rows, ['j1 QUEUED run 1', 'j2 COMPLETED kept']);
    again.close();
  });

  it('has everything on disk that was asked for before it is closed', async (t) => {
    const disk = new Disk(await tempDir(t));
    const store = disk.open();
    const first = store.change('j1', () => storedJob(1));
    await disk.waited(1);
    const second = store.change('j2', () => storedJob(2));
    store.close();
    disk.answer();
    assert.deepEqual([(await first)?.id, (await second)?.id], ['j1', 'j2']);
    const again = new JobStore(disk.dir);
    assert.equal(again.totals.jobs, 2);
    again.close();
  });

  it('lets a second server on the same folder fail with a reason', async (t) => {
    const dir = await tempDir(t);
    const store = new JobStore(dir);
    assert.throws(() => new JobStore(dir), { code: 'OTF_STORE_UNUSABLE', message: /another server/ });
    store.close();
  });

  it('keeps nothing of what is over in memory but totals, and reads it when asked', async (t) => {
    const dir = await tempDir(t);
    const store = new JobStore(dir);
    const phases = ['COMPLETED', 'ERROR', 'PENDING', 'QUEUED'] as const;
    store.load(Array.from({ length: 10_000 }, (_, index) => storedJob(index, phases[index % 100] ?? 'COMPLETED')));
    store.close();
    const opened = new JobStore(dir);
    assert.equal(opened.totals.jobs, 10_000);
    assert.deepEqual([...opened.active()].length, 200);
    assert.deepEqual(
      [opened.totals.of('ERROR'), opened.totals.of('PENDING'), opened.totals.of('COMPLETED')],
      [100, 100, 9700],
    );
    // Ten results of 0 to 9 bytes each.
    assert.equal(opened.totals.bytes, 10_000 * 45);
    assert.deepEqual(opened.get('j4711'), storedJob(4711));
    const before = opened.totals.bytes;
    await opened.change('j4711', () => null);
    assert.equal(opened.get('j4711'), undefined);
    assert.deepEqual([opened.totals.jobs, opened.totals.bytes], [9999, before - 45]);
    opened.close();
  });

  it('lists in pages, in order, by phase as it is now, and never more than asked for', async (t) => {
    const store = new JobStore(await tempDir(t));
    const phases = ['COMPLETED', 'ERROR', 'QUEUED'] as const;
    // All of ten share a millisecond.
    const jobs = Array.from({ length: 1500 }, (_, index) => ({
      ...storedJob(index, phases[index % 3] ?? 'COMPLETED'),
      createdMs: 1_700_000_000_000 + Math.floor(index / 10),
    }));
    store.load(jobs);
    await store.changeUntilRestart('j2', (before) => before && { ...before, phase: 'EXECUTING' });
    const ids = (query: string, most = 10_000) => {
      const filter = parseFilter(Parameters.fromQuery(query));
      const { expected, pages } = listJobs(store.lists, store.totals, { ...filter, of: 'all' }, most);
      const found = [...pages].flat().map(({ id }) => Number(id.slice(1)));
      assert.ok(found.length <= expected && expected <= most, `${query}: ${found.length} of ${expected}`);
      return found;
    };
    const numbers = Array.from({ length: 1500 }, (_, index) => index);
    assert.deepEqual(ids(''), numbers);
    assert.deepEqual(ids('PHASE=EXECUTING'), [2]);
    assert.deepEqual(
      ids('PHASE=QUEUED'),
      numbers.filter((index) => index % 3 === 2 && index !== 2),
    );
    assert.deepEqual(
      ids('PHASE=ERROR&PHASE=COMPLETED'),
      numbers.filter((index) => index % 3 !== 2),
    );
    assert.deepEqual(ids('PHASE=HELD'), []);
    assert.deepEqual(ids('LAST=700'), numbers.slice(-700).reverse());
    assert.deepEqual(ids('', 100), numbers.slice(-100));
    assert.deepEqual(ids('LAST=5000', 100), numbers.slice(-100).reverse());
    const after = new Date(1_700_000_000_000).toISOString();
    assert.deepEqual(ids(`AFTER=${after}`, 100), numbers.slice(10, 110));
    assert.deepEqual(ids(`AFTER=${after}&LAST=2000`), numbers.slice(10).reverse());
    store.close();
  });
});
