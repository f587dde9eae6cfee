/** Results that are brought to where they are wanted: presigned addresses, object stores, WebDAV (RESULTS_TO). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { loadConfig } from '#otf/config/load.js';
import { addressesOf } from '#otf/deliver/addresses.js';
import { Courier } from '#otf/deliver/courier.js';
import type { S3Credentials } from '#otf/fetch/places.js';
import { type PutLimits, putFile } from '#otf/fetch/put.js';
import { kServer } from '#otf/jobs/access.js';
import { type Bench, bench } from './service/bench.js';
import { atEnd } from './support/endings.js';
import { httpServer } from './support/http-server.js';
import { kNoRclone, rcloneDoor } from './support/rclone.js';
import { tempDir } from './support/server.js';
import { until } from './support/until.js';
import { kNoXrootd, webdavDoor } from './support/xrootd.js';

const kText = 'x'.repeat(300_000);
const kSha256 = createHash('sha256').update(kText).digest('hex');
const kStore: S3Credentials = {
  ...{ endpoint: '', region: 'here', accessKey: 'AK', secretKey: 'secret' },
  ...{ buckets: ['out', 'closed'], writable: ['out'], owners: [] },
};

interface Came {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** Notes what comes; `answer` may say something else than 201. */
async function store(t: TestContext, answer?: (came: Came, response: ServerResponse) => boolean) {
  const came: Came[] = [];
  const url = await httpServer(t, async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { method = '', url: path = '', headers } = request;
    const one = { method, path, headers, body: Buffer.concat(pieces).toString() };
    came.push(one);
    if (!answer?.(one, response)) response.writeHead(201).end();
  });
  return { url, came };
}

async function put(t: TestContext, address: string, more: Partial<PutLimits> = {}): Promise<void> {
  const path = join(await tempDir(t), 'file');
  await writeFile(path, kText);
  const file = { path, mime: 'text/plain', size: kText.length, sha256: kSha256 };
  const places = { s3: [], owner: null };
  const limits = { allowPrivate: true, maxRedirects: 2, timeoutMs: 30_000, places, ...more };
  await putFile(address, file, limits, new AbortController().signal);
}

describe('A file that is put', () => {
  it('comes whole to a presigned address, also by way of another machine of the site', async (t) => {
    const last = await store(t);
    const first = await store(t, ({ path }, response) => {
      if (!path.startsWith('/moved')) return false;
      response.writeHead(307, { location: `${last.url}/there?sign=2` }).end();
      return true;
    });
    await put(t, `${first.url}/a/b.vot?sign=1`);
    const [direct] = first.came;
    assert.deepEqual([direct?.method, direct?.path, direct?.body === kText], ['PUT', '/a/b.vot?sign=1', true]);
    assert.deepEqual([direct?.headers['content-type'], direct?.headers['content-length']], ['text/plain', '300000']);
    await put(t, `${first.url}/moved`);
    assert.deepEqual([last.came[0]?.path, last.came[0]?.body === kText], ['/there?sign=2', true]);
  });

  it('is signed for an object store, for buckets that may be written and no others', async (t) => {
    const { url, came } = await store(t);
    const places = { s3: [{ ...kStore, endpoint: url }], owner: null };
    await put(t, 's3://out/a/b.vot', { places, allowPrivate: false });
    assert.equal(came[0]?.path, '/out/a/b.vot');
    assert.equal(came[0]?.headers['x-amz-content-sha256'], kSha256);
    assert.match(came[0]?.headers.authorization ?? '', /^AWS4-HMAC-SHA256 Credential=AK\/\d+\/here\/s3\/aws4_request/);
    assert.equal(came[0]?.body, kText);
    const refused = { code: 'OTF_FETCH_REFUSED', message: /this server may put nothing into that bucket for you/ };
    for (const bucket of ['closed', 'other']) await assert.rejects(put(t, `s3://${bucket}/a`, { places }), refused);
  });

  it('tells what will never be taken from what may be later, and keeps away from private addresses', async (t) => {
    const { url } = await store(t, ({ path }, response) => {
      response.writeHead(Number(path.slice(1))).end();
      return true;
    });
    for (const status of [400, 403, 404, 409, 410]) {
      const message = `cannot send to ${url}/${status}: the server answered ${status}`;
      await assert.rejects(put(t, `${url}/${status}`), { code: 'OTF_FETCH_REFUSED', message });
    }
    for (const status of [408, 429, 500, 503])
      await assert.rejects(put(t, `${url}/${status}`), { code: 'OTF_SEND_FAILED' });
    await assert.rejects(put(t, 'http://127.0.0.1:9/x'), { code: 'OTF_SEND_FAILED', message: /connection refused/ });
    await assert.rejects(put(t, `${url}/200`, { allowPrivate: false }), {
      code: 'OTF_FETCH_REFUSED',
      message: /private/,
    });
  });

  it('makes the folder of WebDAV where there is none', async (t) => {
    let made = false;
    const { url, came } = await store(t, ({ method }, response) => {
      if (method === 'MKCOL') made = true;
      response.writeHead(made ? 201 : 409).end();
      return true;
    });
    await put(t, `${url.replace('http', 'dav')}/runs/7/b.vot`);
    assert.deepEqual(
      came.map(({ method, path }) => `${method} ${path}`),
      ['PUT /runs/7/b.vot', 'MKCOL /runs/7/', 'PUT /runs/7/b.vot'],
    );
  });

  it('comes to a folder that rclone serves, which is made', { skip: kNoRclone }, async (t) => {
    const dir = await tempDir(t);
    await put(t, `dav://${await rcloneDoor(t, dir)}/run/b.vot`);
    assert.equal(await readFile(join(dir, 'run/b.vot'), 'utf8'), kText);
  });

  it('comes to the door of an xrootd', { skip: kNoXrootd }, async (t) => {
    const dir = await tempDir(t);
    const host = await webdavDoor(t, dir);
    await put(t, `dav://${host}/run/b.vot`);
    assert.equal(await readFile(join(dir, 'data/run/b.vot'), 'utf8'), kText);
  });
});

async function courier(t: TestContext, b: Bench, settings: Record<string, string> = {}): Promise<Courier> {
  const env = { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true', ...settings };
  const config = await loadConfig({ env });
  const log = pino({ level: 'silent' });
  const one = new Courier({ config, jobs: b.server.jobs, metrics: new Registry(), log });
  atEnd(t, () => one.close());
  return one;
}

async function delivered(b: Bench, id: string, state: string): Promise<string> {
  const document = () => b.text(`/jobs/${id}`, { headers: { accept: 'application/xml' } });
  await until(async () => (await document()).includes(`<otf:delivery>${state}<`), `the results are not ${state}`);
  return document();
}

describe('Results', () => {
  it('go to where the job wants them, in spite of a place that is away, and what opens it is not shown or kept', async (t) => {
    let times = 0;
    const { url, came } = await store(t, (_, response) => {
      if (times++ > 0) return false;
      response.writeHead(503).end();
      return true;
    });
    const b = await bench(t);
    await courier(t, b);
    const id = await b.create({ PHASE: 'RUN', RESULTS_TO: `${url}/x/c.vot?X-Amz-Signature=Opens` });
    const xml = await delivered(b, id, 'done');
    assert.match(xml, /<otf:delivered>1</);
    assert.ok(xml.includes(`id="RESULTS_TO">${url}/x/c.vot?***<`), xml);
    assert.equal(came.at(-1)?.path, '/x/c.vot?X-Amz-Signature=Opens');
    assert.equal(came.at(-1)?.body, await b.text(`/jobs/${id}/results/result`));
    for (const text of [xml, await b.text(`/jobs/${id}/parameters`), await b.text('/summaries'), b.lines.join('')]) {
      assert.ok(!text.includes('Opens'));
    }
    const files = await readdir(join(b.dataDir, 'jobs', id));
    assert.deepEqual(
      files.filter((name) => name.startsWith('address-')),
      [],
      'the address is not kept any more',
    );
  });

  it('are brought after a start when they were not before, all of them to a folder', async (t) => {
    const { url, came } = await store(t);
    const b = await bench(t);
    const to = `${url.replace('http', 'dav')}/{runid}/{id}/`;
    const id = await b.create({ PHASE: 'RUN', RUNID: 'a b', RESULTS_TO: to });
    await b.until(id, 'COMPLETED');
    assert.deepEqual(b.server.jobs.deliveries.waiting(), [id]);
    assert.match(await delivered(b, id, 'waiting'), /<otf:delivered>0</);
    await courier(t, b);
    await delivered(b, id, 'done');
    assert.deepEqual(b.server.jobs.deliveries.waiting(), []);
    const job = b.server.jobs.get(id, kServer);
    assert.deepEqual(came.map(({ path }) => path).sort(), job.results.map(({ file }) => `/a%20b/${id}/${file}`).sort());
  });

  it('that nobody takes are told of, and are here', async (t) => {
    const { url } = await store(t, (_, response) => {
      response.writeHead(403).end();
      return true;
    });
    const b = await bench(t);
    await courier(t, b);
    const id = await b.create({ PHASE: 'RUN', RESULTS_TO: `${url}/x?sign=Opens` });
    const xml = await delivered(b, id, 'failed');
    assert.match(xml, /<otf:deliveryError>cannot send to .*\/x\?\*\*\*: the server answered 403</);
    assert.match(xml, /<uws:phase>COMPLETED</);
    const late = await b.create({ PHASE: 'RUN', RESULTS_TO: 'http://127.0.0.1:9/x' });
    await b.until(late, 'COMPLETED');
    await b.server.jobs.delete(late, kServer);
    assert.deepEqual(b.server.jobs.deliveries.waiting(), []);
  });

  it('are refused a place that can be none', async (t) => {
    const b = await bench(t);
    for (const [to, why] of [
      ['nowhere', /is no URL/],
      ['file:///tmp/x', /file: URLs are not accepted/],
      ['http://u:p@h/x', /user name/],
      ['https://h/folder/', /takes one result/],
      ['davs://h/folder/?q=1', /a folder has no query/],
    ] as const) {
      const answer = await b.form('/jobs', { RESULTS_TO: to });
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), why);
    }
    const results = [
      { id: 'result', file: 'c.vot' },
      { id: 'log', file: 'job.log' },
    ] as never;
    const job = { id: 'j1', runId: null, results };
    const addresses = (to: string) => addressesOf(job, to).map(({ address }) => address);
    assert.deepEqual(addresses('s3://b/{runid}/{id}.vot'), ['s3://b/j1/j1.vot']);
    assert.deepEqual(addresses('s3://b/x/'), ['s3://b/x/c.vot', 's3://b/x/job.log']);
  });
});
