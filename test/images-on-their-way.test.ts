/** Detection begins while rows of a large image still arrive (src/run/local/fetching.ts); nothing counts before all of it is here. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { OtfError } from '#otf/errors/catalogue.js';
import { Arrival } from '#otf/run/local/arrival.js';
import { MemoryBudget } from '#otf/run/local/memory.js';
import { runCli, scratchDir } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { httpServer } from './support/http-server.js';
import { field, startTestServer, type TestServer, tempDir } from './support/server.js';
import { until } from './support/until.js';
import { kNoBroker, startSite, TestWorker } from './support/workers.js';

const kEnv = { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' };
const kSizePx = 1300;
/** Of its bytes, what comes at once: some rows of tiles, not all. */
const kFirst = 0.6;

/** A byte now and then: a transfer that stands still is given up after a while. */
const kTrickleMs = 500;

function trickle(response: ServerResponse, bytes: Buffer): { sent: number; stop: () => void } {
  const state = { sent: Math.floor(bytes.length * kFirst), stop: () => clearInterval(timer) };
  response.write(bytes.subarray(0, state.sent));
  const timer = setInterval(() => response.write(bytes.subarray(state.sent, ++state.sent)), kTrickleMs);
  response.on('close', state.stop);
  return state;
}

/** A file that comes in two parts, the second when the test says so. */
class Source {
  url = '';
  /** Ranges asked for, one for each request. */
  readonly asked: (string | undefined)[] = [];
  #open!: (answer: (response: ServerResponse, sent: number) => void) => void;
  readonly #opened = new Promise<(response: ServerResponse, sent: number) => void>((resolve) => {
    this.#open = resolve;
  });

  /** `later`: what every request after the first gets. */
  static async start(
    t: TestContext,
    bytes: Buffer,
    announced = bytes.length,
    later: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end(bytes),
  ): Promise<Source> {
    const source = new Source();
    const origin = await httpServer(t, async (request, response) => {
      source.asked.push(request.headers.range);
      if (source.asked.length > 1) return later(request, response);
      response.writeHead(200, { 'content-length': announced, etag: '"1"' });
      const state = trickle(response, bytes);
      const answer = await source.#opened;
      state.stop();
      answer(response, state.sent);
    });
    source.url = `${origin}/far.fits`;
    return source;
  }

  finish(bytes: Buffer): void {
    this.#open((response, sent) => response.end(bytes.subarray(sent)));
  }

  breakOff(): void {
    this.#open((response) => response.destroy());
  }
}

/** Tiles have been through the network. */
function begun(server: TestServer, id: string): Promise<void> {
  return until(async () => Number((await server.job(id)).info.tilesDone ?? 0) > 0, 'it does not begin', 60);
}

/** Names of what the job has left beside what it was given. */
async function leftOf(dataDir: string, id: string): Promise<string[]> {
  return (await readdir(join(dataDir, 'jobs', id))).filter((name) => !/^(job\.log|error|sealed)/.test(name));
}

describe('what has begun with an image on its way', () => {
  const begin = () => {
    const told: string[] = [];
    const parts = { stop: () => told.push('stop'), takeBack: (why: string) => told.push(why) };
    return { told, arrival: new Arrival(parts) };
  };

  it('goes on with the bytes it needs, and ends with all of them', async () => {
    const { told, arrival } = begin();
    arrival.came(10);
    await arrival.reach(10, 60_000);
    const [more, all] = [arrival.reach(20, 60_000), arrival.reach(Number.POSITIVE_INFINITY, 60_000)];
    assert.ok(!arrival.has(20));
    arrival.came(25);
    await more;
    assert.ok(!arrival.has(Number.POSITIVE_INFINITY));
    arrival.ended({ IMAGE: [] });
    await all;
    assert.deepEqual(await arrival.whole, { IMAGE: [] });
    assert.equal(arrival.callOff('too late'), false);
    arrival.drop();
    assert.deepEqual(told, []);
  });

  it('is taken back, once, when they do not come; the transfer goes on until nobody wants it', async (t) => {
    // Patience alone keeps no process.
    const alive = setInterval(() => undefined, 1000);
    atEnd(t, () => clearInterval(alive));
    const { told, arrival } = begin();
    await arrival.reach(10, 1);
    assert.deepEqual(told, ['the rest of its image is slow']);
    assert.equal(arrival.callOff('again'), true);
    await assert.rejects(arrival.whole, { code: 'OTF_CANCELLED' });
    await arrival.reach(20, 60_000);
    assert.equal(told.length, 1);
    const other = begin();
    const waiting = other.arrival.reach(1, 60_000);
    other.arrival.drop();
    assert.deepEqual(other.told, ['stop']);
    other.arrival.failed(new OtfError('OTF_FETCH_FAILED', 'gone'));
    await waiting;
    await assert.rejects(other.arrival.whole, { code: 'OTF_FETCH_FAILED' });
  });

  it('takes no more than half of the memory for images', () => {
    const memory = new MemoryBudget(100);
    const first = memory.takeSpare(40);
    assert.ok(first);
    assert.equal(memory.takeSpare(20), undefined);
    assert.ok(memory.takeNow(60));
    first.release();
    assert.equal(memory.takeSpare(1), undefined, 'others have more than half');
  });
});

describe('an image on its way', () => {
  let image: Buffer;
  let small: Buffer;
  let catalogue: string;
  before(async () => {
    const dir = scratchDir();
    image = await field(dir, kSizePx, 3);
    small = await field(dir, 300, 4);
    const args = ['detect', join(dir, `field-${kSizePx}-3.fits`), '--format', 'csv', '-o', 'far.csv'];
    const { code, stderr } = runCli(args, dir);
    assert.equal(code, 0, stderr);
    catalogue = await readFile(join(dir, 'far.csv'), 'utf8');
  });

  it('is searched before its last byte is sent, with the catalogue of detect; others go on meanwhile', async (t) => {
    const server = await startTestServer(t, { env: kEnv });
    const source = await Source.start(t, image);
    const sha256 = createHash('sha256').update(image).digest('hex');
    const id = await server.submit({ IMAGE: source.url, IMAGE_SHA256: sha256 });
    await begun(server, id);
    const mate = await server.submit({}, small);
    await server.until(mate, 'COMPLETED');
    assert.equal((await server.job(id)).phase, 'EXECUTING');
    source.finish(image);
    await server.until(id, 'COMPLETED');
    assert.equal(await server.text(`/jobs/${id}/results/csv`), catalogue);
    assert.ok((await server.text(`/jobs/${id}/results/provjson`)).includes(sha256));
    assert.match(await server.text(`/jobs/${id}/results/log`), /while the rest of its image is on its way/);
    assert.equal(source.asked.length, 1);
    assert.ok(!(await leftOf(server.dataDir, id)).some((name) => name.startsWith('fetched')));
  });

  it('that breaks off goes on where it was, or from its beginning, as the server can', async (t) => {
    const server = await startTestServer(t, { env: kEnv });
    const rest = (request: IncomingMessage, response: ServerResponse) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0]);
      const range = `bytes ${from}-${image.length - 1}/${image.length}`;
      response.writeHead(206, { 'content-range': range, 'content-length': image.length - from });
      response.end(image.subarray(from));
    };
    for (const later of [rest, undefined]) {
      const source = await Source.start(t, image, image.length, later);
      const id = await server.submit({ IMAGE: source.url });
      await begun(server, id);
      source.breakOff();
      await server.until(id, 'COMPLETED');
      assert.equal(await server.text(`/jobs/${id}/results/csv`), catalogue);
      assert.equal(source.asked.length, 2);
      assert.match(source.asked[1] ?? '', /^bytes=\d+-$/);
      if (later) continue;
      assert.match(await server.text(`/jobs/${id}/results/log`), /it begins when all of it is here/);
    }
  });

  it('that never comes whole, or is not what it should be, fails with that alone, and leaves nothing', async (t) => {
    const server = await startTestServer(t, { env: kEnv });
    const gone = (_: IncomingMessage, response: ServerResponse) => response.writeHead(404).end();
    const cases: [Source, Record<string, string>, (source: Source) => void, RegExp][] = [
      [
        await Source.start(t, image, image.length, gone),
        {},
        (source) => source.breakOff(),
        /far\.fits: the server answered 404/,
      ],
      [
        await Source.start(t, image),
        { IMAGE_SHA256: '0'.repeat(64) },
        (source) => source.finish(image),
        /sha256 .* IMAGE_SHA256 says 000000000000\.\.\.: it was changed or damaged/,
      ],
      // Announced longer than it is.
      [await Source.start(t, image, image.length + 1, gone), {}, (source) => source.finish(image), /answered 404/],
    ];
    for (const [source, fields, go, says] of cases) {
      const id = await server.submit({ IMAGE: source.url, ...fields });
      await begun(server, id);
      const mate = await server.submit({}, small);
      go(source);
      const { error } = await server.until(id, 'ERROR');
      assert.match(error, says);
      assert.equal(error.split('\n').length, 1);
      assert.deepEqual(await leftOf(server.dataDir, id), []);
      await server.until(mate, 'COMPLETED');
    }
    // Announced, and sent, shorter than its header says: found as of any file.
    const short = image.subarray(0, Math.floor(image.length * 0.9));
    const source = await Source.start(t, short);
    source.finish(short);
    const { error } = await server.until(await server.submit({ IMAGE: source.url }), 'ERROR');
    assert.match(error, /the header promises \d+ bytes of data, the file holds \d+/);
  });

  it('that is not wanted any more is not fetched to its end', async (t) => {
    const server = await startTestServer(t, { env: kEnv });
    let closed = false;
    const origin = await httpServer(t, (_, response) => {
      response.on('close', () => {
        closed = true;
      });
      response.writeHead(200, { 'content-length': image.length });
      trickle(response, image);
    });
    const id = await server.submit({ IMAGE: `${origin}/far.fits` });
    await begun(server, id);
    await server.send(`/jobs/${id}/phase`, { method: 'POST', body: new URLSearchParams({ PHASE: 'ABORT' }) });
    await server.until(id, 'ABORTED');
    await until(() => closed, 'the transfer goes on');
    await until(async () => (await leftOf(server.dataDir, id)).length === 0, 'something is left');
    assert.equal(await server.stop(), 0);
  });

  it('at a worker, too', { skip: kNoBroker }, async (t) => {
    const { server } = await startSite(t, kEnv);
    await new TestWorker(t, server, 'one', join(await tempDir(t), 'cache'), kEnv).ready();
    const source = await Source.start(t, image);
    const id = await server.submit({ IMAGE: source.url });
    await begun(server, id);
    source.finish(image);
    await server.until(id, 'COMPLETED');
    assert.equal(await server.text(`/jobs/${id}/results/csv`), catalogue);
  });
});
