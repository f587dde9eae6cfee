import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';

describe('WAIT', () => {
  /** Less than any WAIT=30 below takes when nothing ends it, more than any machine needs to answer. */
  const kLongMs = 25_000;
  const timed = async <T>(work: Promise<T>): Promise<[T, number]> => {
    const started = performance.now();
    return [await work, performance.now() - started];
  };

  it('blocks until RUN, ABORT, completion, failure or deletion, and not where nothing will change', async (t) => {
    const b = await bench(t, { hold: true, delayMs: 50 });
    const id = await b.create();
    const waiting = (query: string) => timed(b.text(`/jobs/${id}?${query}`));
    const phaseOf = (document: string) => /<uws:phase>(\w+)/.exec(document)?.[1];
    const [pending, atOnce] = await waiting('WAIT=30&PHASE=QUEUED');
    assert.ok(atOnce < kLongMs, 'at once');
    assert.equal(phaseOf(pending), 'PENDING');
    const [, second] = await waiting('WAIT=1');
    assert.ok(second >= 990 && second < kLongMs, String(second));
    const run = waiting('WAIT=30&PHASE=PENDING');
    await new Promise((resolve) => setTimeout(resolve, 30));
    await b.form(`/jobs/${id}/phase`, { PHASE: 'RUN' });
    assert.equal(phaseOf((await run)[0]), 'QUEUED');
    const executing = waiting('WAIT=-1');
    await new Promise((resolve) => setTimeout(resolve, 30));
    b.executor.release();
    assert.equal(phaseOf((await executing)[0]), 'EXECUTING');
    const [done] = await waiting('WAIT=-1&PHASE=EXECUTING');
    assert.equal(phaseOf(done), 'COMPLETED');
    assert.ok((await waiting('WAIT=30'))[1] < kLongMs, 'at once');
    const other = await b.create();
    const gone = b.send(`/jobs/${other}?WAIT=30`);
    const aborted = b.text(`/jobs/${await b.create()}?WAIT=0`);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await b.send(`/jobs/${other}`, { method: 'DELETE' });
    assert.equal((await gone).status, 404);
    assert.equal(phaseOf(await aborted), 'PENDING');
    for (const query of ['WAIT=x', 'WAIT=-2', 'WAIT=1.5', 'WAIT=', 'WAIT=1&WAIT=2', 'WAIT=1&PHASE=nope']) {
      assert.equal((await b.send(`/jobs/${other}?${query}`)).status, 404);
      assert.equal((await b.send(`/jobs/${id}?${query}`)).status, 400, query);
    }
  });

  it('keeps a thousand waiters without delaying others, past the idle time of the socket library', async (t) => {
    const b = await bench(t, { hold: true }, { server: { max_wait_s: 13 } });
    const id = await b.create();
    const { Agent, get } = await import('node:http');
    const agent = new Agent({ maxSockets: 1000 });
    const wait = () =>
      new Promise<number>((resolve, reject) => {
        get(`${b.url}/jobs/${id}?WAIT=-1`, { agent }, (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        }).on('error', reject);
      });
    const started = performance.now();
    const waiters = Array.from({ length: 1000 }, wait);
    while (b.server.jobs.waiting < 1000) await new Promise((resolve) => setTimeout(resolve, 10));
    await b.phase(id);
    assert.equal(b.server.jobs.waiting, 1000, 'answered before any of them');
    const statuses = await Promise.all(waiters);
    assert.ok(performance.now() - started > 12_500);
    assert.deepEqual([...new Set(statuses)], [200]);
    assert.equal(b.server.jobs.waiting, 0);
    agent.destroy();
  });

  it('forgets waiters that went away', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.create();
    const controller = new AbortController();
    const wait = b.send(`/jobs/${id}?WAIT=30`, { signal: controller.signal });
    while (b.server.jobs.waiting < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    await assert.rejects(wait);
    const end = Date.now() + 3000;
    while (b.server.jobs.waiting > 0) {
      assert.ok(Date.now() < end);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
});
