/** The executor between its host and a runner that does what it is told (src/schedule/executor.ts). */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { loadConfig } from '#otf/config/load.js';
import { OtfError } from '#otf/errors/catalogue.js';
import type { ExecutorHost } from '#otf/jobs/executor.js';
import type { Job } from '#otf/jobs/job.js';
import type { Batch, Place, RunHost, Runner } from '#otf/run/runner.js';
import { BatchExecutor } from '#otf/schedule/executor.js';
import { atEnd } from './support/endings.js';
import { until } from './support/until.js';

const kWeek = 7 * 86_400_000;

function job(id: string, more: Partial<Job> = {}): Job {
  return {
    id,
    kind: 'detector',
    style: 'standard',
    phase: 'QUEUED',
    owner: null,
    remote: '127.0.0.1',
    runId: null,
    createdMs: 0,
    queuedMs: 0,
    startedMs: null,
    endedMs: null,
    executionDurationS: 0,
    destructionMs: kWeek,
    modelId: 'm',
    quantization: 'FP32C_FP32A',
    priority: 5,
    parameters: { inputs: {}, asked: {} },
    results: [],
    failure: null,
    info: {},
    ...more,
  };
}

/** Begins what it is given; the test says how it ends. */
class ToldRunner implements Runner {
  readonly environment = {};
  readonly batches: Batch[] = [];
  readonly aborted: string[] = [];
  readonly places: Place[];
  host!: RunHost;
  /** Of fetches under way. */
  readonly arriving = new Map<string, (here: boolean) => void>();
  left: string[] = [];
  closed = false;
  togetherMs?: number;

  constructor(...names: string[]) {
    this.places = names.map((name) => ({
      name,
      tier: 0,
      takes: () => true,
      holds: () => false,
      hungry: true,
      busy: false,
    }));
  }

  async start(host: RunHost): Promise<void> {
    this.host = host;
  }

  room = () => this.places;
  needsFetching = ({ id }: Job) => id.startsWith('far');
  fetch = ({ id }: Job) => new Promise<boolean>((resolve) => this.arriving.set(id, resolve));
  represent = () => Promise.reject(new Error('not asked for'));
  status = () => ({ ready: true, notes: ['m on fake (nothing)'] });
  state = () => ({ devices: [], gpus: [], itemsPerSecond: 0 });

  async begin(batch: Batch): Promise<void> {
    this.batches.push(batch);
  }

  abort(jobId: string): void {
    this.aborted.push(jobId);
  }

  async stop(): Promise<void> {
    for (const id of this.left) await this.host.requeued(id);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  get begun(): string {
    return this.batches.map(({ jobs }) => jobs.map(({ id }) => id).join('+')).join(' ');
  }
}

const kUsed = { items: 1, device: 'cpu', seconds: 0 } as const;

async function rig(t: TestContext, runner: ToldRunner, policy: Record<string, number> = {}) {
  const told: string[] = [];
  const kept = async (what: string) => {
    told.push(what);
    return true;
  };
  const host: ExecutorHost = {
    config: await loadConfig({ flags: { policy } }),
    metrics: new Registry(),
    job: () => undefined,
    deleting: () => false,
    folder: () => assert.fail('no file is wanted'),
    assertRoom: () => undefined,
    readOnly: false,
    executing: (id) => kept(`executing ${id}`),
    progress: () => undefined,
    closing: () => undefined,
    completed: (id) => kept(`completed ${id}`),
    failed: (id, { message }) => kept(`failed ${id}: ${message}`),
    requeued: (id) => kept(`requeued ${id}`),
    used: () => undefined,
    log: (id, level, message) => {
      told.push(`log ${id} ${level} ${message}`);
    },
    internal: (thrown) => assert.fail(String(thrown)),
  };
  const executor = new BatchExecutor(runner);
  await executor.start(host);
  atEnd(t, () => executor.stop(0));
  /** A job that is begun comes to its end. */
  const end = async (id: string) => {
    runner.host.over(job(id), kUsed);
    await runner.host.completed(id, { results: [], written: [], info: {}, endedMs: 0 });
    await settled();
  };
  return { executor, told, end };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const suspect = (id: string, attempts: number) => job(id, { info: { attempts } });

describe('The executor', () => {
  it('begins a job as a batch of a place, and another once that is open', async (t) => {
    const runner = new ToldRunner('cpu');
    const { executor, end } = await rig(t, runner);
    executor.submit(job('1'));
    executor.submit(job('2'));
    executor.submit(job('3'));
    assert.equal(runner.begun, '1');
    assert.deepEqual([executor.position('2'), executor.position('3'), executor.position('1')], [1, 2, undefined]);
    assert.deepEqual(executor.stats().queued, { 'm/FP32C_FP32A': 2 });
    await settled();
    assert.equal(runner.begun, '1 2+3');
    const [, batch] = runner.batches;
    assert.deepEqual([batch?.place, batch?.key, batch?.reason], ['cpu', 'm/FP32C_FP32A', 'idle']);
    assert.equal(executor.stats().executing, 3);
    for (const id of ['1', '2', '3']) await end(id);
    assert.deepEqual([executor.stats().executing, executor.stats().note], [0, 'm on fake (nothing)']);
  });

  it('decides at once, and after that no more often than a runner of many places wants', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const runner = new ToldRunner('cpu');
    runner.togetherMs = kWeek;
    const { executor, end } = await rig(t, runner);
    executor.submit(job('1'));
    assert.equal(runner.begun, '1');
    executor.submit(job('2'));
    executor.submit(job('3'));
    await end('1');
    assert.equal(runner.begun, '1');
    t.mock.timers.tick(kWeek);
    assert.equal(runner.begun, '1 2+3');
  });

  it('runs suspects alone, also when what was begun before them ends without another sign', async (t) => {
    const runner = new ToldRunner('cpu');
    const { executor, told, end } = await rig(t, runner);
    executor.submit(job('older'));
    executor.submit(suspect('s', 1));
    executor.submit(job('younger'));
    await settled();
    assert.equal(runner.begun, 'older');
    await end('older');
    assert.equal(runner.begun, 'older s');
    assert.ok(told.some((line) => line.startsWith('log s warn the server ended while')));
    await end('s');
    assert.equal(runner.begun, 'older s younger');
  });

  it('puts a job back that something ran short for, and begins nothing for a while', async (t) => {
    const runner = new ToldRunner('cpu');
    const { executor, told } = await rig(t, runner);
    const first = job('1');
    executor.submit(first);
    await settled();
    executor.submit(job('2'));
    await settled();
    assert.equal(runner.begun, '1 2');
    runner.host.short(first, new OtfError('OTF_SHORTAGE', 'no descriptors'));
    runner.host.over(job('1'), kUsed);
    runner.host.over(job('2'), kUsed);
    await settled();
    assert.ok(
      told.includes('requeued 1') && told.includes('log 1 warn no descriptors: the job waits and is run again'),
    );
    assert.equal(runner.begun, '1 2');
    assert.equal(executor.position('1'), 1);
  });

  it('begins again after a while, whatever the clock on the wall was set to meanwhile', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1e12 });
    const runner = new ToldRunner('cpu');
    const { executor } = await rig(t, runner);
    executor.submit(job('1'));
    await settled();
    runner.host.short(job('1'), new OtfError('OTF_SHORTAGE', 'no descriptors'));
    runner.host.over(job('1'), kUsed);
    await settled();
    t.mock.timers.setTime(1e12 - 3_600_000);
    // Somebody looks again: not before it is time, and then by a clock that nobody sets.
    runner.host.changed();
    await until(() => runner.begun === '1 1', 'the job that was put back is begun again');
  });

  it('fetches before it queues, in phase EXECUTING, and forgets who is aborted meanwhile', async (t) => {
    const runner = new ToldRunner('cpu');
    const { executor, told } = await rig(t, runner);
    for (const id of ['far-1', 'far-2', 'far-3']) executor.submit(job(id));
    await settled();
    assert.deepEqual(told, ['executing far-1', 'executing far-2', 'executing far-3']);
    assert.equal(executor.stats().executing, 3);
    executor.abort('far-2', 'aborted');
    for (const [id, arrive] of runner.arriving) arrive(id !== 'far-3');
    await settled();
    assert.equal(runner.begun, 'far-1', 'of one that could not be fetched the runner has told the host');
    assert.deepEqual(runner.aborted, ['far-2']);
  });

  it('fetches again, but not at once, what something ran short for', async (t) => {
    const runner = new ToldRunner('cpu');
    const { executor, told } = await rig(t, runner);
    const far = job('far');
    executor.submit(far);
    await settled();
    runner.host.short(far, new OtfError('OTF_SHORTAGE', 'no descriptors'));
    runner.arriving.get('far')?.(false);
    runner.arriving.clear();
    await settled();
    assert.ok(told.includes('requeued far'));
    assert.equal(executor.position('far'), 1);
    assert.equal(runner.arriving.size, 0, 'it waits');
    for (let i = 0; i < 500 && runner.arriving.size === 0; i++) await pause(10);
    assert.equal(runner.arriving.size, 1);
  });

  it('fetches few at a time, and fewer of one owner', async (t) => {
    const runner = new ToldRunner('cpu');
    const { executor } = await rig(t, runner);
    for (let i = 0; i < 6; i++) executor.submit(job(`far-a${i}`, { owner: 'a' }));
    executor.submit(job('far-b', { owner: 'b' }));
    await settled();
    assert.deepEqual([...runner.arriving.keys()], ['far-a0', 'far-a1', 'far-a2', 'far-a3', 'far-b']);
    assert.equal(executor.position('far-a4'), 1);
    // Two wait to be fetched.
    assert.deepEqual(executor.stats().queued, { 'm/FP32C_FP32A': 2 });
    runner.arriving.get('far-a1')?.(false);
    await settled();
    assert.deepEqual([...runner.arriving.keys()].at(-1), 'far-a4');
  });

  it('fetches a few batches ahead of each owner and key, and goes on when some of it has begun', async (t) => {
    const runner = new ToldRunner();
    const { executor, end } = await rig(t, runner, { max_batch: 2 });
    // Four at once of an owner; nothing begins here: two more may wait.
    for (let i = 0; i < 20; i++) executor.submit(job(`far-a${i}`, { owner: 'a' }));
    const arrived = new Set<string>();
    const fetchAll = async () => {
      for (;;) {
        const coming = [...runner.arriving].filter(([id]) => !arrived.has(id));
        if (coming.length === 0) return arrived.size;
        for (const [id, arrive] of coming) arrive(Boolean(arrived.add(id)));
        await settled();
        await settled();
      }
    };
    await settled();
    assert.equal(await fetchAll(), 6);
    assert.deepEqual([executor.idle('far-a0'), executor.idle('far-a19')], [true, false]);
    // Nobody else waits for that, nor what goes before it.
    executor.submit(job('far-b', { owner: 'b' }));
    executor.submit(job('far-other', { owner: 'a', modelId: 'other' }));
    executor.submit(job('far-first', { owner: 'a', priority: 9 }));
    await settled();
    assert.equal(await fetchAll(), 9);
    assert.ok(['far-b', 'far-other', 'far-first'].every((id) => arrived.has(id)));
    executor.abort('far-a1', 'deleted');
    executor.abort('far-a2', 'aborted');
    await settled();
    assert.equal(await fetchAll(), 10, 'one more of those that go after it');
    runner.places.push({ name: 'cpu', tier: 0, takes: () => true, holds: () => false, hungry: true, busy: false });
    runner.host.changed();
    for (let i = 0; i < 40 && arrived.size < 23; i++) {
      for (const { jobs } of runner.batches) for (const { id } of jobs) await end(id);
      await fetchAll();
    }
    assert.equal(arrived.size, 23, 'all are fetched in the end');
    assert.equal(executor.idle('far-a19'), false);
  });

  it('refuses jobs beyond max_queued, those admitted a moment ago counted', async (t) => {
    const runner = new ToldRunner();
    const { executor } = await rig(t, runner, { max_queued: 3 });
    executor.submit(job('far'));
    executor.submit(job('2'));
    assert.deepEqual(executor.admit(0), { accepted: true });
    const refused = executor.admit(1);
    assert.ok(!refused.accepted);
    assert.match(refused.reason, /queue holds 2 of 3 jobs/);
    executor.abort('2', 'deleted');
    assert.deepEqual(executor.admit(1), { accepted: true });
  });

  it('says when a job should be done once it has been measured', async (t) => {
    const runner = new ToldRunner('cpu');
    const { executor } = await rig(t, runner);
    const first = job('1');
    executor.submit(first);
    executor.submit(job('2'));
    assert.equal(executor.remainingMs('1'), undefined);
    runner.host.opened(first, 10);
    runner.host.passDone('m/FP32C_FP32A', 5, 1);
    runner.host.progress('1', { done: 5, total: 10, unit: 'tiles' });
    assert.equal(executor.remainingMs('1'), 1000);
    assert.equal(executor.remainingMs('2'), 3000);
    assert.equal(executor.remainingMs('unknown'), undefined);
  });

  it('on its end queues again what was fetched and what was cut short, then closes the runner', async (t) => {
    const runner = new ToldRunner();
    const { executor, told } = await rig(t, runner);
    for (const id of ['far-1', 'far-2', 'near']) executor.submit(job(id));
    await settled();
    runner.arriving.get('far-1')?.(true);
    await settled();
    runner.left = ['running'];
    await executor.stop(0);
    assert.deepEqual(told.filter((line) => line.startsWith('requeued')).sort(), [
      'requeued far-1',
      'requeued far-2',
      'requeued running',
    ]);
    assert.equal(runner.closed, true);
    assert.equal(executor.stats().ready, false);
  });
});
