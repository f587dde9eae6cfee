/** Threads that do not come back, and memory that is promised before it is taken. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MemoryBudget } from '#otf/run/local/memory.js';
import { Workers } from '#otf/run/local/workers.js';
import { Crew } from '#otf/threads/crew.js';
import { pause, tempDir } from './support/server.js';

describe('A crew', () => {
  it('replaces a thread that is over its time, and counts it until it comes back', async (t) => {
    const dir = await tempDir(t);
    const [fifo, file] = [join(dir, 'fifo'), join(dir, 'file')];
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
    await writeFile(file, 'abc');
    const crew = new Crew({
      entry: new URL(import.meta.resolve('#otf/run/local/worker-entry.cjs')),
      threads: 1,
      each: 1,
    });
    await crew.ready;
    // Nobody writes into it: the work waits for ever.
    const late = new Promise<void>((resolve) => {
      crew.run({ stage: 'hash', request: fifo } as never, 100, resolve).catch(() => undefined);
    });
    await late;
    assert.equal(crew.stuck, 1);
    assert.equal(crew.works, true);
    const answer = (await crew.run({ stage: 'hash', request: file } as never, 60_000, () => undefined)) as {
      value?: { size: number };
    };
    assert.equal(answer.value?.size, 3);
    await (await open(fifo, 'w')).close();
    for (let i = 0; i < 200 && crew.stuck > 0; i++) await pause(20);
    assert.equal(crew.stuck, 0);
    await crew.destroy();
  });
});

describe('Pieces of a pass', () => {
  it('have an answer each, in their order, in one visit to a thread or several', async () => {
    const workers = new Workers(() => undefined);
    await workers.ready;
    const pieces = [111, 112, 113].map((handle) => ({
      ...{ kind: 'detector', handle, first: 0, count: 1, slots: 7, slot: 0, item: 0 },
    }));
    for (const bytes of [0, 1e9]) {
      const errors = await workers.pieces('fill', pieces, bytes);
      assert.deepEqual(
        errors.map((error) => `${error?.code} ${error?.message}`),
        pieces.map(({ handle }) => `OTF_INVALID_ARGUMENT no task ${handle}`),
      );
    }
    assert.equal(await workers.close(10_000), true);
    const [closed] = await workers.pieces('consume', pieces, 0);
    assert.equal(closed?.code, 'OTF_CANCELLED');
  });
});

describe('A budget of memory', () => {
  it('lets wait who wants more than is left, in the order of asking', async () => {
    const budget = new MemoryBudget(100);
    const order: string[] = [];
    const take = async (name: string, bytes: number) => {
      const held = await budget.take(bytes);
      order.push(name);
      return held;
    };
    const first = await take('first', 60);
    const second = take('second', 50);
    const third = take('third', 10);
    await pause(5);
    assert.deepEqual(order, ['first'], 'the small one does not overtake');
    first.release();
    first.release();
    (await second).release();
    (await third).release();
    assert.deepEqual(order, ['first', 'second', 'third']);
    assert.equal(budget.taken, 0);
  });

  it('gives more than there is to one that is alone', async () => {
    const budget = new MemoryBudget(100);
    const held = await budget.take(1000);
    assert.equal(budget.taken, 1000);
    held.release();
    assert.equal(budget.taken, 0);
  });

  it('gives at once only what nobody waits for, and what is not kept to those who wait', async () => {
    const budget = new MemoryBudget(100);
    const first = budget.takeNow(80);
    assert.equal(budget.takeNow(30), undefined, 'there is not so much');
    const second = budget.take(50);
    assert.equal(budget.takeNow(10), undefined, 'somebody waits');
    first?.shrink(20);
    first?.shrink(60);
    (await second).release();
    assert.equal(budget.taken, 20);
    first?.release();
    first?.release();
    assert.equal(budget.taken, 0);
  });
});
