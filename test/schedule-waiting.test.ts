/** What people are told of jobs that wait: Dispatcher.queues of src/schedule/dispatcher.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Place } from '#otf/run/runner.js';
import { Dispatcher, type Suspicious } from '#otf/schedule/dispatcher.js';

const kIdle: Place = { name: 'cpu', tier: 0, takes: () => true, holds: () => false, hungry: true, busy: false };

function item(id: string, key: string, more: Partial<Suspicious> = {}): Suspicious {
  return { id, key, owner: 'x', priority: 5, sinceMs: 0, attempts: 0, ...more };
}

describe('what waits, for people', () => {
  it('is told by key, with the batch that is being formed, when it goes at the latest, and why not now', () => {
    const waiting = new Dispatcher<Suspicious>({ minJobs: 2, maxBatch: 4, maxWaitMs: 1000, roundRobin: true });
    const told = (nowMs: number) => waiting.queues(nowMs).map(({ key, why }) => `${key} ${why}`);
    for (const each of [item('1', 'a'), item('2', 'a'), item('3', 'b', { sinceMs: 300 })]) waiting.add(each);
    assert.deepEqual(waiting.queues(0), [
      { key: 'a', waiting: 2, oldestMs: 0, batch: 2, leavesMs: 1000, why: 'busy' },
      { key: 'b', waiting: 1, oldestMs: 300, batch: 1, leavesMs: 1300, why: 'busy' },
    ]);
    assert.ok('order' in waiting.next(500, [kIdle]));
    assert.deepEqual(told(500), ['b opening']);
    for (const id of ['4', '5', '6', '7', '8']) waiting.add(item(id, 'b', { sinceMs: 400 }));
    const [line] = waiting.queues(500);
    assert.deepEqual([line?.waiting, line?.batch], [6, 4], 'max_batch of them');
    waiting.short(500);
    assert.deepEqual(told(600), ['b short']);
    waiting.add(item('9', 'c', { attempts: 1 }));
    assert.deepEqual(told(5000), ['c alone', 'b alone']);
  });
});
