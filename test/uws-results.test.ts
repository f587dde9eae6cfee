import assert from 'node:assert/strict';
import { get } from 'node:http';
import { describe, it } from 'node:test';
import { OtfError } from '#otf/errors/catalogue.js';
import { kRoutes } from '#otf/http/routes.js';
import { type Bench, bench } from './service/bench.js';
import { kCatalogue } from './service/fake-executor.js';

async function completed(b: Bench, fields: Record<string, string> = {}): Promise<string> {
  const id = await b.create({ PHASE: 'RUN', ...fields });
  await b.until(id, 'COMPLETED');
  return id;
}

/** Without fetch's own decoding of gzip. */
function plainGet(
  url: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    }).on('error', reject);
  });
}

describe('results', () => {
  it('are listed with the size and type their download has', async (t) => {
    const b = await bench(t);
    const id = await completed(b);
    const list = await b.text(`/jobs/${id}/results`);
    const rows = [
      ...list.matchAll(/<uws:result id="([^"]+)"[^>]*xlink:href="([^"]+)" size="(\d+)" mime-type="([^"]+)"/g),
    ];
    const ids = rows.map(([, rid]) => rid);
    assert.deepEqual([...ids].sort(), ['log', 'provjson', 'provn', 'provxml', 'raw', 'result']);
    for (const [, rid, href = '', size, mime] of rows) {
      const { status, headers, body } = await plainGet(href, {});
      assert.equal(status, 200);
      assert.deepEqual(
        [headers['content-length'], headers['content-type'], body.length],
        [size, mime, Number(size)],
        rid,
      );
    }
  });

  it('answer RESPONSEFORMAT and Accept, at creation too', async (t) => {
    const b = await bench(t);
    const id = await completed(b);
    const type = async (query: string, accept = '*/*') => {
      const answer = await b.send(`/jobs/${id}/results/result${query}`, { headers: { accept } });
      return answer.status === 200 ? (answer.headers.get('content-type') ?? '') : answer.status;
    };
    assert.match(String(await type('')), /serialization=TABLEDATA/);
    assert.match(String(await type('?RESPONSEFORMAT=votable/b2')), /BINARY2/);
    assert.match(String(await type('?responseformat=csv')), /^text\/csv/);
    assert.match(String(await type('', 'text/csv')), /^text\/csv/);
    assert.match(String(await type('', 'application/x-votable+xml;serialization=BINARY2')), /BINARY2/);
    assert.match(String(await type('', 'application/xml')), /TABLEDATA/);
    assert.equal(await b.text(`/jobs/${id}/results/csv`), 'id,ra\n1,2\n');
    const made = b.executor.represented.sort();
    assert.deepEqual(made, [`${id} csv`, `${id} votable-binary2`], 'each is made once, and only when asked for');
    assert.equal(await type('?RESPONSEFORMAT=gif'), 400);
    assert.equal(await type('?RESPONSEFORMAT=fits'), 404);
    const csv = await completed(b, { RESPONSEFORMAT: 'csv' });
    assert.equal(await b.text(`/jobs/${csv}/results/result`), 'id,ra\n1,2\n');
    assert.match(await b.text(`/jobs/${csv}/results`), /id="result"[^>]*mime-type="text\/csv/);
    assert.equal((await b.send(`/jobs/${id}/results/nope`)).status, 404);
  });

  it('that are to be made, and cannot be written, may be had later: 503, and no name of a file of ours', async (t) => {
    const b = await bench(t);
    const id = await completed(b);
    const full = new OtfError('OTF_OUTPUT_UNWRITABLE', 'cannot write filtered-0a1b.csv.tmp: the disk is full');
    b.executor.represent = () => Promise.reject(full);
    for (const query of ['KEEP=ra 1 2', 'RESPONSEFORMAT=csv']) {
      const answer = await b.send(`/jobs/${id}/results/result?${query}`);
      assert.equal(answer.status, 503, query);
      assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
      assert.match(await answer.text(), /^the (votable|csv) cannot be written now: try again later\n$/);
    }
  });

  it('come as ranges, with ETag, 304, and gzip where asked', async (t) => {
    const b = await bench(t);
    const id = await completed(b);
    const url = `${b.url}/jobs/${id}/results/result`;
    const whole = await plainGet(url, {});
    const etag = String(whole.headers.etag);
    assert.match(etag, /^"[0-9a-f]{32}"$/);
    const range = (value: string, more: Record<string, string> = {}) => plainGet(url, { range: value, ...more });
    const part = await range('bytes=10-19');
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], `bytes 10-19/${whole.body.length}`);
    assert.deepEqual(part.body, whole.body.subarray(10, 20));
    assert.deepEqual((await range('bytes=-5')).body, whole.body.subarray(-5));
    assert.deepEqual((await range('bytes=100-', { 'accept-encoding': 'gzip' })).body, whole.body.subarray(100));
    const outside = await range(`bytes=${whole.body.length}-`);
    assert.deepEqual([outside.status, outside.headers['content-range']], [416, `bytes */${whole.body.length}`]);
    assert.equal((await range('bytes=0-1,3-4')).status, 200);
    assert.equal((await range('bytes=0-1', { 'if-range': '"other"' })).status, 200);
    assert.equal((await range('bytes=0-1', { 'if-range': etag })).status, 206);
    assert.deepEqual([(await plainGet(url, { 'if-none-match': etag })).status], [304]);
    const zipped = await plainGet(url, { 'accept-encoding': 'gzip, deflate' });
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.notEqual(zipped.headers.etag, etag);
    const { gunzipSync } = await import('node:zlib');
    assert.equal(gunzipSync(zipped.body).toString(), kCatalogue);
  });

  it('come as they are, many at once, of one piece or several, from any byte to any', async (t) => {
    const catalogue = Array.from({ length: 170_000 }, (_, index) => `${index} `).join('');
    const b = await bench(t, { catalogue });
    const id = await completed(b);
    const [piece, size] = [1 << 18, catalogue.length];
    assert.ok(size > 4 * piece && size % piece !== 0);
    const ranges = [
      ...[0, 1, piece - 1, piece, 3 * piece + 7].map((start) => [start, size - 1] as const),
      ...[1, piece, 2 * piece + 1, size - 1].map((length) => [11, Math.min(size, 11 + length) - 1] as const),
    ];
    // Buffers are kept from one to the next: the second time there are more.
    for (let round = 0; round < 2; round++) {
      await Promise.all(
        ranges.map(async ([first, last]) => {
          const headers = { range: `bytes=${first}-${last}` };
          const text = await b.text(`/jobs/${id}/results/result`, { headers });
          assert.ok(text === catalogue.slice(first, last + 1), `${first} to ${last}: ${text.length} bytes`);
        }),
      );
      assert.ok((await b.text(`/jobs/${id}/results/result`)) === catalogue);
    }
  });

  it('stream large files to a slow reader without keeping them in memory', async (t) => {
    const catalogue = 'x'.repeat(64 << 20);
    const b = await bench(t, { catalogue });
    const id = await completed(b);
    let bytes = 0;
    const before = process.memoryUsage().rss;
    await new Promise<void>((resolve, reject) => {
      get(`${b.url}/jobs/${id}/results/result`, (response) => {
        response.pause();
        setTimeout(() => response.resume(), 500);
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('end', resolve);
      }).on('error', reject);
    });
    assert.equal(bytes, catalogue.length);
    assert.ok(process.memoryUsage().rss - before < 48 << 20);
  });
});

describe('operation', () => {
  it('describes every route in /openapi.json, and each is there', async (t) => {
    const b = await bench(t);
    const id = await completed(b);
    const document = JSON.parse(await b.text('/openapi.json')) as { paths: Record<string, Record<string, unknown>> };
    const expected = kRoutes.map(({ path }) => path.replace(/:(\w+)/g, '{$1}'));
    assert.deepEqual(Object.keys(document.paths).sort(), expected.sort());
    const page = await b.text('/', { headers: { accept: 'text/html,application/xhtml+xml' } });
    const file = /page\/([\w.-]+\.js)/.exec(page)?.[1] ?? '';
    const values: Record<string, string> = { id, file, name: 'CIANNA_models.xml', result: 'result' };
    for (const [path, item] of Object.entries(document.paths)) {
      let real = path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '1');
      if (path.includes('/parameters/')) real = `/jobs/${id}/parameters/MODEL`;
      if (path.endsWith('/error') || path === '/events') continue;
      const answer = await b.send(real);
      // What is described is what comes; that there is nothing is said of no address of the table.
      const told = Object.keys((item.get as { responses: object } | undefined)?.responses ?? { 405: '' });
      assert.ok(told.includes(String(answer.status)), `${real}: ${answer.status}, described are ${told}`);
      assert.doesNotMatch(await answer.text(), /there is nothing here/, real);
      const without = answer.status <= 400 ? 405 : answer.status;
      for (const method of ['put', 'post', 'delete'] as const) {
        if (method in item) continue;
        // A method that is not there is refused before anything is looked up, or after: either may be.
        const { status } = await b.send(real, { method: method.toUpperCase() });
        assert.ok([without, 405].includes(status), `${method} ${real}: ${status}, not ${without} or 405`);
      }
    }
  });

  it('tells health, metrics, availability and capabilities', async (t) => {
    const b = await bench(t, { hold: true });
    await b.create({ PHASE: 'RUN' });
    assert.deepEqual(JSON.parse(await b.text('/healthz')), { live: true, ready: true });
    assert.equal((await b.send('/healthz/ready')).status, 200);
    const metrics = await b.text('/metrics');
    for (const line of metrics.split('\n')) assert.match(line, /^(#|otf_|$)/);
    assert.match(metrics, /otf_jobs\{phase="QUEUED"\} 1/);
    assert.match(metrics, /otf_http_request_duration_seconds_count\{method="POST",route="\/jobs",status="303"\} 1/);
    assert.match(metrics, /otf_upload_bytes_total \d{4}/);
    assert.match(await b.text('/availability'), /<vosi:available>true</);
    const capabilities = await b.text('/capabilities');
    assert.match(
      capabilities,
      new RegExp(`UWS#rest-1.1">\\s*<interface xsi:type="vs:ParamHTTP"[^>]*>\\s*<accessURL use="base">${b.url}/jobs<`),
    );
    b.executor.ready = false;
    assert.equal((await b.send('/healthz/ready')).status, 503);
    assert.match(await b.text('/availability'), /<vosi:available>false</);
  });

  it('sends phases and progress as events, also after a long silence', async (t) => {
    const b = await bench(t, { hold: true });
    const answer = await b.send('/events');
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    const until = async (pattern: RegExp) => {
      while (!pattern.test(text)) {
        const { value, done } = await reader.read();
        assert.ok(!done, 'the stream ended');
        text += Buffer.from(value).toString();
      }
    };
    await until(/(still here[\s\S]*){3}/);
    const id = await b.create({ PHASE: 'RUN' });
    b.executor.release();
    await until(new RegExp(`event: phase\ndata: {[^\n]*"${id}","phase":"COMPLETED"`));
    assert.match(
      text,
      new RegExp(`event: progress\ndata: {"type":"progress","jobId":"${id}","done":1,"total":4,"unit":"tiles"`),
    );
    await reader.cancel();
  });

  it('links a job to its catalogue, image and documentation', async (t) => {
    const b = await bench(t);
    const id = await completed(b);
    const answer = await b.send(`/links?ID=${encodeURIComponent(`${b.url}/jobs/${id}`)}&ID=nope`);
    assert.equal(answer.headers.get('content-type'), 'application/x-votable+xml;content=datalink');
    const document = await answer.text();
    assert.match(
      document,
      new RegExp(
        `<TD>${b.url}/jobs/${id}/results/result</TD><TD></TD><TD></TD><TD>source catalogue</TD><TD>#this</TD>`,
      ),
    );
    assert.match(document, new RegExp(`<TD>${b.url}/jobs/${id}/parameters/IMAGE</TD>.*#progenitor`));
    assert.match(document, /NotFoundFault: nope/);
  });

  it('counts the ends of jobs, whatever becomes of the jobs', async (t) => {
    const failure = ({ runId }: { runId: string | null }) =>
      runId === 'bad' ? { type: 'fatal' as const, message: 'no FITS' } : undefined;
    const b = await bench(t, { failure });
    const ends = async () => (await b.text('/metrics')).match(/^otf_jobs_ended_total.*$/gm);
    const of = (...counts: number[]) =>
      ['COMPLETED', 'ERROR', 'ABORTED'].map((phase, at) => `otf_jobs_ended_total{phase="${phase}"} ${counts[at]}`);
    assert.deepEqual(await ends(), of(0, 0, 0));
    const bad = await b.create({ PHASE: 'RUN', RUNID: 'bad' });
    await b.until(bad, 'ERROR');
    await b.until(await b.create({ PHASE: 'RUN' }), 'COMPLETED');
    await b.form(`/jobs/${await b.create()}/phase`, { PHASE: 'ABORT' });
    assert.deepEqual(await ends(), of(1, 1, 1));
    await b.send(`/jobs/${bad}`, { method: 'DELETE' });
    assert.deepEqual(await ends(), of(1, 1, 1));
  });

  it('names in the provenance of a job where its model is', async (t) => {
    const b = await bench(t);
    const id = await completed(b);
    const text = await b.text(`/jobs/${id}/results/provjson`);
    const places = [...new Set(text.match(/http[^"]*\/model-files\/[^"]+/g))];
    assert.equal(places.length, 2, places.join(' '));
    for (const place of places) assert.equal((await fetch(place)).status, 200, place);
  });

  it('refuses new work, answers waiters and queues running work again when it is stopped', async (t) => {
    const b = await bench(t, { delayMs: Number.POSITIVE_INFINITY });
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'EXECUTING');
    const waiting = b.text(`/jobs/${id}?WAIT=-1`);
    while (b.server.jobs.waiting < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const started = Date.now();
    await b.server.stop();
    assert.match(await waiting, /<uws:phase>(EXECUTING|QUEUED)/);
    assert.ok(b.executor.stopped);
    assert.ok(Date.now() - started < 20_000, 'less than shutdown_s');
    const again = await bench(t, { hold: true }, {}, b.dataDir);
    assert.deepEqual(again.executor.submitted, [id]);
    assert.equal(await again.phase(id), 'QUEUED');
  });
});
