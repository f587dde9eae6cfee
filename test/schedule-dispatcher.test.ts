/** What begins next, where: decisions of src/schedule/dispatcher.ts, in a time of our own. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Place } from '#otf/run/runner.js';
import { Dispatcher, type Suspicious } from '#otf/schedule/dispatcher.js';

const kPolicy = { minJobs: 2, maxBatch: 4, maxWaitMs: 1000, roundRobin: true };

interface Device extends Place {
  hungry: boolean;
  busy: boolean;
  loaded: Set<string>;
  tier: number;
}

/** Idle, with these networks loaded. */
function device(name: string, ...loaded: string[]): Device {
  const networks = new Set(loaded);
  return {
    name,
    loaded: networks,
    tier: 0,
    takes: () => true,
    holds: (key) => networks.has(key),
    hungry: true,
    busy: false,
  };
}

function item(id: string, key = 'a', more: Partial<Suspicious> = {}): Suspicious {
  return { id, key, owner: 'x', priority: 5, sinceMs: 0, attempts: 0, ...more };
}

function dispatcher(...items: Suspicious[]): Dispatcher<Suspicious> {
  const made = new Dispatcher<Suspicious>(kPolicy);
  for (const each of items) made.add(each);
  return made;
}

/** `place: reason ids`, or the milliseconds to wait. */
function next(from: Dispatcher<Suspicious>, nowMs: number, ...places: Place[]): string | number | undefined {
  const decision = from.next(nowMs, places);
  if (!('order' in decision)) return decision.waitMs;
  const { place, reason, items } = decision.order;
  return `${place}: ${reason} ${items.map(({ id }) => id).join(' ')}`;
}

describe('One place', () => {
  it('gets a lone job at once, and nothing more while that is being opened', () => {
    const cpu = device('cpu');
    const d = dispatcher(item('1'));
    assert.equal(next(d, 0, cpu), 'cpu: idle 1');
    d.add(item('2'));
    assert.equal(next(d, 5000, cpu), undefined);
    d.opened('cpu');
    assert.equal(next(d, 5000, cpu), 'cpu: waited 2');
  });

  it('that computes its last tiles gets min_jobs, a whole batch, or what has waited long enough', () => {
    const cpu = device('cpu');
    cpu.busy = true;
    const d = dispatcher(item('1'));
    assert.equal(next(d, 400, cpu), 600);
    d.add(item('2'));
    assert.equal(next(d, 400, cpu), 'cpu: idle 1 2');
    d.opened('cpu');
    for (const id of ['3', '4', '5', '6', '7']) d.add(item(id));
    assert.equal(next(d, 400, cpu), 'cpu: full 3 4 5 6');
    d.opened('cpu');
    assert.equal(next(d, 400, cpu), 600);
    assert.equal(next(d, 1000, cpu), 'cpu: waited 7');
  });

  it('that is full gets nothing, however long it has waited, and keys only it takes wait for it', () => {
    const [gpu, cpu] = [{ ...device('gpu', 'a'), full: true }, device('cpu')];
    const d = dispatcher(item('1'));
    assert.equal(next(d, 9000, gpu), undefined);
    assert.equal(next(d, 9000, gpu, { ...cpu, takes: () => false }), undefined);
    assert.equal(next(d, 9000, { ...gpu, full: false }, { ...cpu, takes: () => false }), 'gpu: waited 1');
  });

  it('with tiles left is joined once max_wait_s has passed since its last batch', () => {
    const cpu = device('cpu');
    const d = dispatcher(item('1'));
    assert.equal(next(d, 0, cpu), 'cpu: idle 1');
    d.opened('cpu');
    [cpu.hungry, cpu.busy] = [false, true];
    for (const id of ['2', '3', '4', '5', '6']) d.add(item(id, 'a', { sinceMs: 10 }));
    assert.equal(next(d, 300, cpu), 700);
    assert.equal(next(d, 1000, cpu), 'cpu: full 2 3 4 5');
    d.opened('cpu');
    assert.equal(next(d, 1500, cpu), 500);
    assert.equal(next(d, 2000, cpu), 'cpu: waited 6');
  });

  it('serves keys in turn, even where one is loaded', () => {
    const cpu = device('cpu', 'a');
    const d = dispatcher(item('1', 'a'), item('2', 'b'), item('3', 'a'), item('4', 'b'));
    assert.equal(next(d, 0, cpu), 'cpu: idle 1 3');
    d.opened('cpu');
    d.add(item('5', 'a'));
    assert.equal(next(d, 0, cpu), 'cpu: idle 2 4');
    d.opened('cpu');
    assert.equal(next(d, 0, cpu), 'cpu: idle 5');
  });

  it('takes owners in turn, an owner by priority, and tells who is where', () => {
    const cpu = device('cpu');
    const d = dispatcher(
      ...['1', '2', '3', '4'].map((id) => item(id, 'a', { owner: 'busy' })),
      item('5', 'a', { owner: 'busy', priority: 9 }),
      item('6', 'a', { owner: 'rare', priority: 0 }),
    );
    assert.deepEqual(
      ['5', '6', '1', '4'].map((id) => d.position(id)),
      [1, 2, 3, 6],
    );
    assert.equal(next(d, 0, cpu), 'cpu: full 5 6 1 2');
    assert.equal(d.remove('3')?.id, '3');
    assert.equal(d.remove('3'), undefined);
    assert.equal(d.position('4'), 1);
    assert.deepEqual([d.size, d.depths()], [1, { a: 1 }]);
  });

  it('gets nothing for a second after something ran short', () => {
    const cpu = device('cpu');
    const d = dispatcher(item('1'));
    d.short(100);
    assert.equal(next(d, 200, cpu), 900);
    assert.equal(next(d, 1100, cpu), 'cpu: waited 1');
  });

  it('is asked about nothing when nothing waits', () => {
    assert.equal(next(dispatcher(), 0, device('cpu')), undefined);
  });
});

describe('Suspects', () => {
  const suspect = (id: string, attempts: number) => item(id, 'a', { attempts });

  it('run one by one, the least tried first, before anything else', () => {
    const cpu = device('cpu');
    const d = dispatcher(item('1'), suspect('s2', 2), suspect('s1', 1));
    assert.deepEqual(
      ['s1', 's2', '1'].map((id) => d.position(id)),
      [1, 2, 3],
    );
    assert.equal(next(d, 0, cpu), 'cpu: alone s1');
    d.opened('cpu');
    // Opened, executing still.
    assert.equal(next(d, 60_000, cpu), undefined);
    d.over('s1');
    assert.equal(next(d, 60_000, cpu), 'cpu: alone s2');
    assert.equal(next(d, 60_000, cpu), undefined);
    // Over before it was opened: its files were broken.
    d.over('s2');
    assert.equal(next(d, 60_000, cpu), undefined);
    d.opened('cpu');
    assert.equal(next(d, 60_000, cpu), 'cpu: waited 1');
  });

  it('wait until everything else that runs is over, wherever it does, and then are alone on every place', () => {
    const places = [device('gpu:0'), device('gpu:1')];
    const d = dispatcher(item('1', 'a'));
    assert.equal(next(d, 0, ...places), 'gpu:0: idle 1');
    d.opened('gpu:0');
    d.add(suspect('s', 1));
    d.add(item('2', 'b'));
    assert.equal(next(d, 60_000, ...places), undefined);
    d.over('1');
    assert.equal(next(d, 60_000, ...places), 'gpu:0: alone s');
    d.opened('gpu:0');
    assert.equal(next(d, 120_000, ...places), undefined);
    d.over('s');
    assert.equal(next(d, 120_000, ...places), 'gpu:0: waited 2');
  });

  it('can be taken back while they wait and while they run', () => {
    const cpu = device('cpu');
    const d = dispatcher(suspect('s1', 1), suspect('s2', 1), item('1'));
    assert.equal(d.remove('s1')?.id, 's1');
    assert.equal(next(d, 0, cpu), 'cpu: alone s2');
    assert.equal(d.remove('s2'), undefined);
    d.over('s2');
    d.opened('cpu');
    assert.equal(next(d, 0, cpu), 'cpu: idle 1');
  });
});

describe('Several places', () => {
  it('a network stays where it is loaded', () => {
    const places = [device('gpu:0', 'b'), device('gpu:1', 'a')];
    const d = dispatcher(item('1', 'a'), item('2', 'b'), item('3', 'a'));
    assert.equal(next(d, 0, ...places), 'gpu:1: idle 1 3');
    assert.equal(next(d, 0, ...places), 'gpu:0: idle 2');
  });

  it('begins elsewhere while its own place is busy, and not where another network is wanted', () => {
    const [first, second, third] = [device('gpu:0', 'a'), device('gpu:1', 'b'), device('gpu:2')];
    [first.hungry, first.busy] = [false, true];
    const d = dispatcher(item('1', 'a'), item('2', 'b'));
    assert.equal(next(d, 0, first, second, third), 'gpu:1: idle 2');
    assert.equal(next(d, 0, first, second, third), 'gpu:2: idle 1');
  });

  it('those that are idle and have the network share what waits', () => {
    const places = [device('gpu:0', 'a'), device('gpu:1', 'a')];
    const d = dispatcher(...['1', '2', '3', '4', '5'].map((id) => item(id)));
    assert.equal(next(d, 0, ...places), 'gpu:0: full 1 2 3');
    assert.equal(next(d, 0, ...places), 'gpu:1: idle 4 5');
  });

  it('a key that had no turn for max_wait_s goes before those whose network is loaded', () => {
    const place = [device('gpu:0', 'a'), device('gpu:1', 'a')] as const;
    const d = dispatcher();
    let turns = 0;
    d.add(item('rare', 'b', { sinceMs: 0 }));
    for (let nowMs = 0; nowMs <= 1000; nowMs += 100) {
      for (let i = 0; i < 16; i++) d.add(item(`${nowMs}-${i}`, 'a', { sinceMs: nowMs }));
      const decision = d.next(nowMs, place);
      assert.ok('order' in decision);
      assert.equal(decision.order.key, nowMs < 1000 ? 'a' : 'b', `at ${nowMs}`);
      d.opened(decision.order.place);
      turns++;
    }
    assert.equal(turns, 11);
  });

  it('a job goes only where it can run', () => {
    const [gpu, cpu] = [device('gpu:0'), device('cpu')];
    cpu.takes = (key) => key !== 'cuda only';
    gpu.hungry = false;
    gpu.busy = true;
    const d = dispatcher(item('0', 'x'));
    assert.equal(next(d, 0, gpu, cpu), 'cpu: idle 0');
    d.opened('cpu');
    d.add(item('1', 'cuda only', { sinceMs: 0 }));
    assert.equal(next(d, 10, gpu, cpu), 990);
    gpu.hungry = true;
    gpu.busy = false;
    assert.equal(next(d, 10, gpu, cpu), 'gpu:0: idle 1');
  });

  it('a slower kind of place gets what the faster ones do not want now, wherever the network is', () => {
    const [cpu, gpu] = [device('cpu', 'a'), device('gpu:0')];
    cpu.tier = 1;
    const d = dispatcher(item('1'));
    assert.equal(next(d, 0, cpu, gpu), 'gpu:0: idle 1');
    d.add(item('2'));
    assert.equal(next(d, 0, cpu, gpu), 'cpu: idle 2');
    for (const place of ['gpu:0', 'cpu']) d.opened(place);
    for (const id of ['3', '4', '5', '6']) d.add(item(id));
    assert.equal(next(d, 0, cpu, gpu), 'gpu:0: full 3 4 5 6', 'they share nothing');
  });

  it('one with nothing to do is preferred to joining one that has', () => {
    const [first, second] = [device('gpu:0', 'a'), device('gpu:1')];
    [first.hungry, first.busy] = [false, true];
    const d = dispatcher(item('1', 'a'));
    assert.equal(next(d, 5000, first, second), 'gpu:1: waited 1');
  });

  it('of two that are alike the one with fewer jobs gets the next, also while those are still being opened', () => {
    const places = [device('gpu:0'), device('gpu:1')];
    const d = dispatcher(item('1'));
    assert.equal(next(d, 0, ...places), 'gpu:0: idle 1');
    // Its image takes long: the place may get others, and has no stream yet.
    d.opened('gpu:0');
    d.add(item('2'));
    assert.equal(next(d, 0, ...places), 'gpu:1: idle 2');
  });

  it('networks are loaded seldom, however the keys come', () => {
    // Four keys on four places under load: a common queue would give every place every key.
    const places = [0, 1, 2, 3].map((n) => device(`gpu:${n}`));
    const d = dispatcher();
    let count = 0;
    let loads = 0;
    for (let step = 0; step < 400; step++) {
      const nowMs = step * 50;
      for (let i = 0; i < 4; i++) d.add(item(`${count}`, `k${(count++ * 7) % 4}`, { sinceMs: nowMs }));
      for (;;) {
        const decision = d.next(nowMs, places);
        if (!('order' in decision)) break;
        const { place, key, items } = decision.order;
        const on = places.find(({ name }) => name === place);
        if (!on?.loaded.has(key)) loads++;
        on?.loaded.add(key);
        for (const { id } of items) d.over(id);
        d.opened(place);
        if (on) on.hungry = false;
      }
      for (const place of places) place.hungry = true;
    }
    assert.equal(loads, 4);
  });
});
