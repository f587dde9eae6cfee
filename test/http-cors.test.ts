/** Pages of other origins: off unless configured; preflights; every kind of answer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '#otf/config/load.js';
import { bench } from './service/bench.js';

const kPage = 'https://aladin.example.org';
const from = (origin: string, headers: Record<string, string> = {}) => ({ headers: { origin, ...headers } });
const preflight = (origin: string) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,x-requested-with',
  },
});
const allowed = (answer: Response) => answer.headers.get('access-control-allow-origin');

describe('CORS', () => {
  it('is off by default', async (t) => {
    const b = await bench(t);
    const answer = await b.send('/jobs', from(kPage));
    assert.deepEqual([answer.status, allowed(answer), answer.headers.get('vary')], [200, null, null]);
    assert.equal((await b.send('/jobs', preflight(kPage))).status, 405);
  });

  it('lets the pages named read lists, jobs, results, events and errors, and no others', async (t) => {
    const b = await bench(t, {}, { server: { cors_origins: [kPage, 'http://localhost:8888'] } });
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    for (const path of ['/jobs', `/jobs/${id}`, `/jobs/${id}/results/result`, '/jobs/none', `/links?ID=${id}`]) {
      const mine = await b.send(path, from(kPage));
      assert.equal(allowed(mine), kPage, path);
      assert.match(mine.headers.get('vary') ?? '', /Origin/, path);
      assert.match(mine.headers.get('access-control-expose-headers') ?? '', /Location/);
      assert.equal(mine.headers.get('access-control-allow-credentials'), null);
      await mine.arrayBuffer();
      const other = await b.send(path, from('https://evil.example.org'));
      assert.deepEqual([allowed(other), /Origin/.test(other.headers.get('vary') ?? '')], [null, true], path);
      await other.arrayBuffer();
    }
    const job = await b.send(`/jobs/${id}`, from(kPage));
    assert.equal(job.headers.get('vary'), 'Accept, Origin');
    const stop = new AbortController();
    const events = await b.send('/events', { ...from(kPage), signal: stop.signal });
    assert.equal(allowed(events), kPage);
    stop.abort();
    const refused = await b.send('/jobs', {
      method: 'POST',
      body: new URLSearchParams({ IMAGE: 'x' }),
      ...from(kPage),
    });
    assert.deepEqual([refused.status, allowed(refused)], [400, kPage]);
  });

  it('answers preflights of those pages', async (t) => {
    const b = await bench(t, {}, { server: { cors_origins: [kPage] } });
    const yes = await b.send('/jobs', preflight(kPage));
    assert.equal(yes.status, 204);
    assert.equal(allowed(yes), kPage);
    assert.deepEqual(yes.headers.get('access-control-allow-methods')?.split(', ').sort(), ['GET', 'HEAD', 'POST']);
    assert.equal(yes.headers.get('access-control-allow-headers'), 'content-type,x-requested-with');
    const no = await b.send('/jobs', preflight('https://evil.example.org'));
    assert.deepEqual([no.status, allowed(no)], [405, null]);
    assert.equal((await b.send('/nothing/here', preflight(kPage))).status, 404);
    // OPTIONS that are no preflight.
    assert.equal((await b.send('/jobs', { method: 'OPTIONS', ...from(kPage) })).status, 405);
  });

  it('may be open to all', async (t) => {
    const b = await bench(t, {}, { server: { cors_origins: ['*'] } });
    assert.equal(allowed(await b.send('/jobs', from(kPage))), '*');
    assert.equal((await b.send('/jobs', preflight(kPage))).status, 204);
  });

  it('takes origins only', async () => {
    for (const wrong of ['example.org', 'https://example.org/', 'https://example.org/a', 'ftp://a', 'https://A.org']) {
      await assert.rejects(loadConfig({ env: {}, flags: { server: { cors_origins: [wrong] } } }), {
        code: 'OTF_CONFIG_INVALID',
        message: /server\.cors_origins.*origins such as/,
      });
    }
  });
});
