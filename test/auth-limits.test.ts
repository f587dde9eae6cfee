/** What one owner may take, and what each has used. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RateLimit } from '#otf/auth/rate.js';
import { bench, kImage } from './service/bench.js';
import { peopled } from './service/people.js';

describe('limits of one owner', () => {
  it('jobs that wait, bytes, priority, requests', async (t) => {
    const policy = { owner_queued: 2, owner_mb: 0.01, owner_priority: 6, owner_requests_per_s: 0 };
    const { b, tokens } = await peopled(t, { hold: true }, { policy });
    b.headers.authorization = `Bearer ${tokens.ada}`;
    await b.create();
    await assert.rejects(b.create(), /503 you have 2 jobs waiting/);
    b.headers.authorization = `Bearer ${tokens.bob}`;
    await assert.rejects(b.create({ PRIORITY: '7' }), /403 PRIORITY=7: the highest you may ask for is 6/);
    const large = new FormData();
    large.append('IMAGE', new Blob([Buffer.alloc(20_000)]), 'a.fits');
    const refused = await b.send('/jobs', { method: 'POST', body: large });
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /you keep 0 of 0.01 MB here: delete jobs/);
    const first = await b.create({ PRIORITY: '6' });
    assert.match(await b.text(`/jobs/${first}/owner`), /bob/);
  });

  it('requests beyond the rate get 429, and when to come again', async (t) => {
    const { tokens, as } = await peopled(t, {}, { policy: { owner_requests_per_s: 5 } });
    const answers = await Promise.all(Array.from({ length: 40 }, () => as(tokens.bob)('/jobs')));
    const statuses = new Set(answers.map(({ status }) => status));
    assert.deepEqual([...statuses].sort(), [200, 429]);
    const late = answers.find(({ status }) => status === 429);
    assert.equal(late?.headers.get('retry-after'), '1');
    assert.equal((await as(tokens.root)('/jobs')).status, 200, 'of others nothing is taken');
  });

  it('a bucket fills with time, and forgets whom it has not seen for long', () => {
    const rate = new RateLimit(2);
    const took = (ms: number) => rate.take('a', ms);
    assert.deepEqual([took(0), took(0), took(0), took(0)], [0, 0, 0, 0]);
    assert.equal(took(0), 1);
    assert.equal(took(500), 0);
    assert.equal(took(500), 1);
    for (let i = 0; i < 20_000; i++) rate.take(`b${i}`, 500);
    assert.equal(took(500), 0);
    assert.equal(new RateLimit(0).take('a'), 0);
  });
});

describe('accounts', () => {
  it('count jobs, tiles, seconds and bytes by owner, through a restart and deletions', async (t) => {
    const { b, tokens, as, id } = await peopled(t);
    b.headers.authorization = `Bearer ${tokens.ada}`;
    await b.until(id, 'COMPLETED');
    b.executor.host.used({ owner: 'ada' }, { items: 12, device: 'gpu', seconds: 1.5 });
    b.executor.host.used({ owner: 'bob' }, { items: 3, device: 'cpu', seconds: 0.25 });
    await b.send(`/jobs/${id}`, { method: 'DELETE' });
    const usage = async (token: string, query = '') =>
      ((await (await as(token)(`/usage${query}`)).json()) as { usage: Record<string, unknown>[] }).usage;
    const [ada, ...none] = await usage(tokens.ada);
    assert.deepEqual(none, []);
    assert.deepEqual([ada?.owner, ada?.jobs, ada?.items, ada?.gpuSeconds, ada?.cpuSeconds], ['ada', 1, 12, 1.5, 0]);
    assert.ok(Number(ada?.bytesIn) === kImage.length && Number(ada?.bytesOut) > 1000, JSON.stringify(ada));
    assert.deepEqual(
      (await usage(tokens.root)).map(({ owner }) => owner),
      ['ada', 'bob'],
    );
    assert.deepEqual(await usage(tokens.root, '?TO=2001-01-01'), []);
    assert.equal((await as(tokens.root)('/usage?FROM=yesterday')).status, 400);
    const metrics = await (await as(tokens.watcher)('/metrics')).text();
    assert.match(metrics, /otf_owner_gpu_seconds\{owner="ada"\} 1\.5/);
    await b.server.stop();
    const again = await bench(t, {}, {}, b.dataDir);
    again.headers.authorization = `Bearer ${tokens.root}`;
    assert.match(await again.text('/usage'), /"owner":"bob","jobs":0,"items":3,"cpuSeconds":0.25/);
  });
});
