import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { publicText } from '#otf/errors/public-text.js';
import { JobQueue, type Waiting } from '#otf/schedule/queue.js';

const kPolicy = { minJobs: 2, maxBatch: 4, maxWaitMs: 1000, roundRobin: true };

function item(id: string, key = 'a', owner = 'x', sinceMs = 0, priority = 5): Waiting {
  return { id, key, owner, priority, sinceMs };
}

/** The next batch, as a server with one device takes it. */
function next(queue: JobQueue<Waiting>, nowMs: number, idle: boolean) {
  const [first] = queue.ready(nowMs, idle);
  return first && { key: first.key, reason: first.reason, items: queue.take(first.key, nowMs) };
}

function ids(release: { items: Waiting[] } | undefined): string {
  return release?.items.map((each) => each.id).join(' ') ?? '';
}

describe('The queue', () => {
  it('lets a lone job start at once when the engine is idle, and only then', () => {
    const queue = new JobQueue(kPolicy);
    queue.add(item('1'));
    assert.equal(next(queue, 10, false), undefined);
    assert.equal(queue.waitMs(10), 990);
    assert.deepEqual(next(queue, 10, true), { key: 'a', reason: 'idle', items: [item('1')] });
    assert.equal(queue.size, 0);
    assert.equal(next(queue, 10, true), undefined);
    assert.equal(queue.waitMs(10), undefined);
  });

  it('releases a busy engine a batch when enough wait, a whole one waits, or the oldest waited long enough', () => {
    const queue = new JobQueue(kPolicy);
    for (const id of ['1', '2']) queue.add(item(id));
    assert.equal(next(queue, 10, false)?.reason, 'idle');
    for (const id of ['1', '2', '3', '4', '5']) queue.add(item(id));
    const full = next(queue, 10, false);
    assert.equal(full?.reason, 'full');
    assert.equal(ids(full), '1 2 3 4');
    assert.equal(next(queue, 999, false), undefined);
    assert.equal(next(queue, 1000, false)?.reason, 'waited');
  });

  it('serves keys in turn, or the oldest first', () => {
    for (const roundRobin of [true, false]) {
      const queue = new JobQueue({ ...kPolicy, maxBatch: 1, minJobs: 1, roundRobin });
      for (const id of ['1', '2', '3']) queue.add(item(id, 'a', 'x', Number(id)));
      for (const id of ['4', '5']) queue.add(item(id, 'b', 'x', Number(id)));
      const order = [1, 2, 3, 4, 5].map(() => ids(next(queue, 10, true))).join(' ');
      assert.equal(order, roundRobin ? '1 4 2 5 3' : '1 2 3 4 5');
    }
  });

  it('takes jobs in the order of their places, whoever comes in between', () => {
    const step = fc.oneof(
      fc.record({ owner: fc.constantFrom('x', 'y', 'z'), priority: fc.integer({ min: 4, max: 6 }) }),
      fc.integer({ min: 1, max: 4 }),
    );
    const check = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const queue = new JobQueue(kPolicy);
      for (const [index, each] of steps.entries()) {
        if (typeof each !== 'number') queue.add(item(`${index}`, 'a', each.owner, index, each.priority));
        const places = [...queue.all()].map(({ id }) => id);
        places.sort((a, b) => (queue.position(a) ?? 0) - (queue.position(b) ?? 0));
        if (typeof each === 'number')
          assert.equal(ids({ items: queue.take('a', 0, each) }), places.slice(0, each).join(' '));
      }
    });
    fc.assert(check);
  });

  it('serves owners in turn inside a key, and says who is next', () => {
    const queue = new JobQueue(kPolicy);
    for (const id of ['1', '2', '3', '4', '5']) queue.add(item(id, 'a', 'busy'));
    queue.add(item('6', 'a', 'rare'));
    queue.add(item('7', 'a', 'other'));
    assert.deepEqual(
      ['1', '6', '7', '2', '5'].map((id) => queue.position(id)),
      [1, 2, 3, 4, 7],
    );
    assert.equal(ids(next(queue, 0, true)), '1 6 7 2');
    assert.equal(queue.position('3'), 1);
    assert.equal(queue.position('1'), undefined);
    assert.equal(queue.remove('3')?.id, '3');
    assert.equal(queue.remove('3'), undefined);
    assert.equal(queue.position('4'), 1);
    assert.deepEqual(queue.depths(), { a: 2 });
    assert.equal(ids(next(queue, 0, true)), '4 5');
    assert.deepEqual(queue.depths(), {});
  });
});

describe('Priorities', () => {
  const add = (queue: JobQueue<Waiting>, ...jobs: [string, string, number][]) => {
    for (const [id, owner, priority] of jobs) queue.add(item(id, 'a', owner, 0, priority));
  };

  it('order the jobs of an owner, equal ones as they came', () => {
    const queue = new JobQueue(kPolicy);
    add(queue, ['1', 'x', 5], ['2', 'x', 0], ['3', 'x', 9], ['4', 'x', 5], ['5', 'x', 9]);
    assert.deepEqual(
      ['3', '5', '1', '4', '2'].map((id) => queue.position(id)),
      [1, 2, 3, 4, 5],
    );
    assert.equal(ids(next(queue, 0, true)), '3 5 1 4');
    assert.equal(ids(next(queue, 0, true)), '2');
  });

  it('take no turn from another owner, however often one comes back', () => {
    const queue = new JobQueue({ ...kPolicy, maxBatch: 1, minJobs: 1 });
    add(queue, ['a1', 'a', 5], ['a2', 'a', 5], ['a3', 'a', 5]);
    const order: string[] = [];
    for (let turn = 0; turn < 3; turn++) {
      add(queue, [`b${turn}`, 'b', 9]);
      order.push(ids(next(queue, 0, true)), ids(next(queue, 0, true)));
    }
    assert.deepEqual(order, ['b0', 'a1', 'b1', 'a2', 'b2', 'a3']);
    add(queue, ['a4', 'a', 0], ['b4', 'b', 9], ['b5', 'b', 9], ['c4', 'c', 5]);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => ids(next(queue, 0, true))),
      ['b4', 'c4', 'a4', 'b5'],
    );
  });

  it('do not make a low one forgotten: it counts as waiting from when it came', () => {
    const queue = new JobQueue(kPolicy);
    queue.add(item('low', 'a', 'x', 10, 0));
    queue.add(item('high', 'a', 'x', 900, 9));
    assert.equal(queue.waitMs(900), 110);
    assert.equal(next(queue, 1010, false)?.reason, 'waited');
  });
});

describe('What is told to strangers', () => {
  it('names no folder of this machine, but keeps URLs', () => {
    assert.equal(publicText('cannot read /srv/otf/models/a/weights.dat: gone'), 'cannot read weights.dat: gone');
    assert.equal(publicText("'/home/a b' (/etc/passwd)"), "'a b' (passwd)");
    assert.equal(publicText('from https://example.org/a/b.fits'), 'from https://example.org/a/b.fits');
  });
});
