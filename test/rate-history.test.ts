import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '#otf/config/load.js';
import { RateHistory } from '#otf/http/rate-history.js';
import { Feed } from '#otf/http/server-state.js';
import type { JobService } from '#otf/jobs/service.js';
import { bench } from './service/bench.js';
import { atEnd } from './support/endings.js';

describe('Throughput of the last hour', () => {
  it('keeps an hour of it, the oldest first, and no more', (t) => {
    let rate = 0;
    const history = new RateHistory(() => rate++);
    atEnd(t, () => history.stop());
    assert.equal(history.samples.length, 0);
    for (let times = 0; times < 400; times++) history.sample();
    assert.equal(history.samples.length, 360);
    assert.equal(history.samples[0]?.itemsPerSecond, 40);
    assert.equal(history.samples.at(-1)?.itemsPerSecond, 399);
  });

  it('is taken of a server that has started, however long that takes', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let started = false;
    const state = () => {
      if (!started) throw new Error('asked before it was started');
      return { itemsPerSecond: 5 };
    };
    const jobs = { executor: { state } } as unknown as JobService;
    const feed = new Feed(jobs, await loadConfig({}), 0);
    t.mock.timers.tick(100_000);
    started = true;
    feed.begin();
    t.mock.timers.tick(10_000);
    assert.deepEqual(
      feed.history().map(({ itemsPerSecond }) => itemsPerSecond),
      [5],
    );
    feed.stop();
    t.mock.timers.tick(100_000);
    assert.equal(feed.history().length, 1);
    const b = await bench(t);
    t.mock.timers.tick(10_000);
    assert.equal((JSON.parse(await b.text('/server')) as { history: unknown[] }).history.length, 1);
  });

  it('is a part of what the server says of itself', async (t) => {
    const b = await bench(t);
    const state = JSON.parse(await b.text('/server')) as { history: unknown };
    assert.deepEqual(state.history, []);
  });
});
