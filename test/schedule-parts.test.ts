/** The parts of the scheduler that only count, order and try again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OtfError } from '#otf/errors/catalogue.js';
import type { JobFailure } from '#otf/jobs/job.js';
import { Turns } from '#otf/run/local/turns.js';
import { Estimates } from '#otf/schedule/estimate.js';
import { type Keeper, Persistence } from '#otf/schedule/persistence.js';

describe('Estimates', () => {
  it('say nothing before something was measured', () => {
    const estimates = new Estimates();
    assert.equal(estimates.tilesSeconds('a', 10), undefined);
    assert.equal(estimates.jobSeconds('a'), undefined);
    estimates.passDone('a', 4, 2);
    assert.equal(estimates.tilesSeconds('a', 10), 5);
    assert.equal(estimates.jobSeconds('a'), undefined, 'how many tiles a job has is not known');
    estimates.jobOpened('a', 6);
    assert.equal(estimates.jobSeconds('a'), 3);
    assert.equal(estimates.tilesSeconds('b', 1), undefined, 'another network is another matter');
  });

  it('follow what changes, a fifth of the way each time', () => {
    const estimates = new Estimates();
    estimates.passDone('a', 1, 1);
    estimates.passDone('a', 1, 2);
    assert.equal(estimates.tilesSeconds('a', 1), 1.2);
    for (let i = 0; i < 100; i++) estimates.passDone('a', 2, 4);
    assert.ok(Math.abs((estimates.tilesSeconds('a', 1) ?? 0) - 2) < 1e-6);
  });
});

/** A pass that lasts until it is told to end. */
function held() {
  let end: (error?: Error) => void = () => undefined;
  const over = new Promise<void>((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve());
  });
  return { over, end };
}

describe('Turns on a device', () => {
  function rig() {
    const turns = new Turns();
    const begun: string[] = [];
    const pass = (name: string, engine: object) => {
      const { over, end } = held();
      const done = turns.run(engine, () => {
        begun.push(name);
        return over;
      });
      done.catch(() => undefined);
      return { done, end };
    };
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    return { turns, begun, pass, settle };
  }

  it('two passes of one engine are with it, a third waits', async () => {
    const { turns, begun, pass, settle } = rig();
    const a = {};
    const [first, second] = [pass('1', a), pass('2', a)];
    pass('3', a);
    await settle();
    assert.deepEqual(begun, ['1', '2']);
    assert.equal(turns.busy, true);
    second.end();
    await settle();
    assert.deepEqual(begun, ['1', '2', '3']);
    first.end();
  });

  it('of two engines one computes at a time, and neither overtakes the other', async () => {
    const { turns, begun, pass, settle } = rig();
    const [a, b] = [{}, {}];
    const a1 = pass('a1', a);
    const b1 = pass('b1', b);
    const a2 = pass('a2', a);
    await settle();
    assert.deepEqual(begun, ['a1'], 'a2 would join, but b1 was there first');
    a1.end();
    await settle();
    assert.deepEqual(begun, ['a1', 'b1']);
    b1.end();
    await settle();
    a2.end();
    await a2.done;
    assert.deepEqual(begun, ['a1', 'b1', 'a2']);
    assert.equal(turns.busy, false);
  });

  it('a pass that fails gives its turn back', async () => {
    const { turns, begun, pass, settle } = rig();
    const a1 = pass('a1', {});
    const b1 = pass('b1', {});
    a1.end(new Error('died'));
    await assert.rejects(a1.done, /died/);
    await settle();
    assert.deepEqual(begun, ['a1', 'b1']);
    b1.end();
    await b1.done;
    assert.equal(turns.busy, false);
  });
});

const kFull = () => new OtfError('OTF_DISK_FULL', 'the disk is full');

/** A host that is told what to throw next, and tells what it was told. */
function hostThat(...faults: (Error | undefined)[]) {
  const told: string[] = [];
  const tell = async (what: string) => {
    told.push(what);
    const fault = faults.shift();
    if (fault) throw fault;
    return true;
  };
  const host: Keeper = {
    executing: (id) => tell(`executing ${id}`),
    completed: (id) => tell(`completed ${id}`),
    failed: (id, failure: JobFailure) => tell(`failed ${id}: ${failure.message}`),
    requeued: (id) => tell(`requeued ${id}`),
    log: (id, level) => {
      told.push(`log ${id} ${level}`);
    },
    readOnly: false,
  };
  return { host, told };
}

const kOutcome = { results: [], written: [], info: {}, endedMs: 0 };

describe('What is told to the host', () => {
  it('is told again while the disk is full, half a second later each time', async () => {
    const { host, told } = hostThat(kFull(), kFull());
    const pauses: number[] = [];
    const persist = new Persistence(host, async (ms) => pauses.push(ms));
    assert.equal(await persist.executing('j', {}), true);
    assert.deepEqual(told, ['executing j', 'executing j', 'executing j']);
    assert.deepEqual(pauses, [500, 500]);
  });

  it('is not told again when something else is wrong', async () => {
    const { host, told } = hostThat(new OtfError('OTF_INTERNAL', 'broken'));
    const persist = new Persistence(host, () => assert.fail('waited'));
    await assert.rejects(persist.requeued('j'), { code: 'OTF_INTERNAL' });
    assert.deepEqual(told, ['requeued j']);
  });

  it('a failure that cannot be kept is in the log, and nothing is thrown', async () => {
    const { host, told } = hostThat(new OtfError('OTF_INTERNAL', 'broken'));
    const persist = new Persistence(host, () => assert.fail('waited'));
    assert.equal(await persist.failed('j', { type: 'fatal', message: 'no FITS' }), false);
    assert.deepEqual(told, ['failed j: no FITS', 'log j error']);
  });

  it('a job whose end does not fit the disk has failed, with the reason', async () => {
    const { host, told } = hostThat(kFull(), kFull());
    const persist = new Persistence(host, async () => undefined);
    assert.equal(await persist.completed('j', kOutcome), true);
    assert.deepEqual(told, ['completed j', 'log j error', 'failed j: the disk is full', 'failed j: the disk is full']);
  });

  it('a job whose end a read-only disk does not take is told again, and completes', async () => {
    const readOnly = () => new OtfError('OTF_DISK_READ_ONLY', 'the disk is read-only');
    const { host, told } = hostThat(readOnly(), readOnly());
    const persist = new Persistence(host, async () => undefined);
    assert.equal(await persist.completed('j', kOutcome), true);
    assert.deepEqual(told, ['completed j', 'completed j', 'completed j']);
    // Nobody waits for the disk of a job of a batch system.
    const alone = hostThat(readOnly());
    await new Persistence({ ...alone.host, readOnly: undefined }, () => assert.fail('waited')).completed('j', kOutcome);
    assert.deepEqual(alone.told, ['completed j', 'log j error', 'failed j: the disk is read-only']);
  });

  it('what is no business of strangers is not in that reason', async () => {
    const { host, told } = hostThat(new Error('cannot read properties of undefined'));
    const persist = new Persistence(host, async () => undefined);
    await persist.completed('j', kOutcome);
    assert.equal(told.at(-1), 'failed j: the results could not be kept');
  });

  it('stops waiting for the disk at the end of the server, after what is under way', async () => {
    const { host } = hostThat(kFull(), kFull());
    const { over, end } = held();
    const persist = new Persistence(host, () => over);
    const refused = assert.rejects(persist.executing('j', {}), { code: 'OTF_DISK_FULL' });
    // It pauses by now.
    await new Promise((resolve) => setImmediate(resolve));
    let stopped = false;
    const stopping = persist.stop().then(() => {
      stopped = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stopped, false, 'it is still being told');
    end();
    await refused;
    await stopping;
  });
});
