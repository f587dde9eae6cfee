import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RateHistory } from '#otf/http/rate-history.js';
import { bench } from './service/bench.js';

describe('Throughput of the last hour', () => {
  it('keeps an hour of it, the oldest first, and no more', (t) => {
    let rate = 0;
    const history = new RateHistory(() => rate++);
    t.after(() => history.stop());
    assert.equal(history.samples.length, 0);
    for (let times = 0; times < 400; times++) history.sample();
    assert.equal(history.samples.length, 360);
    assert.equal(history.samples[0]?.itemsPerSecond, 40);
    assert.equal(history.samples.at(-1)?.itemsPerSecond, 399);
  });

  it('is a part of what the server says of itself', async (t) => {
    const b = await bench(t);
    const state = JSON.parse(await b.text('/server')) as { history: unknown };
    assert.deepEqual(state.history, []);
  });
});
