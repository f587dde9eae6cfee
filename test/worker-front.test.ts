/** What a worker asks its server for, over a network that loses the ends of connections. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { OtfError } from '#otf/errors/catalogue.js';
import { Front, isShutOut } from '#otf/run/worker/front.js';
import { tempDir } from './service/bench.js';
import { httpServer } from './support/http-server.js';

const kStallMs = 300;
const kBytes = randomBytes(3 << 20);
const kSha256 = createHash('sha256').update(kBytes).digest('hex');

type Answerer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** `answerers`: of each request, one after the other. */
async function front(t: TestContext, ...answerers: Answerer[]) {
  return frontWith(t, async () => undefined, ...answerers);
}

async function frontWith(t: TestContext, token: () => Promise<string | undefined>, ...answerers: Answerer[]) {
  let asked = 0;
  const url = await httpServer(t, (request, response) => {
    const body: Buffer[] = [];
    const answerer = answerers[asked++];
    request.on('data', (piece: Buffer) => body.push(piece));
    request.on('end', () => answerer?.(request, response, Buffer.concat(body)));
  });
  return { asks: new Front({ server: url, token, stallMs: kStallMs }), asked: () => asked };
}

const errand = () => ({ attempt: 'x', signal: new AbortController().signal });

describe('A worker whose connection is cut', () => {
  it('behind the last byte of a file asks for no more', async (t) => {
    const { asks, asked } = await front(t, (_, response) => {
      response.write(kBytes, () => setTimeout(() => response.destroy(), kStallMs / 3));
    });
    const path = join(await tempDir(t), 'file');
    await asks.download('/file', path, { size: kBytes.length, sha256: kSha256 }, errand());
    assert.equal(asked(), 1);
    assert.ok((await readFile(path)).equals(kBytes));
  });

  it('asks for all of a file again of which it does not know how long it is', async (t) => {
    const ranges: (string | undefined)[] = [];
    const { asks } = await front(
      t,
      (_, response) => {
        response.write(kBytes, () => setTimeout(() => response.destroy(), kStallMs / 3));
      },
      (request, response) => {
        ranges.push(request.headers.range);
        response.end(kBytes.subarray(1));
      },
    );
    const path = join(await tempDir(t), 'file');
    await asks.download('/file', path, {}, errand());
    assert.deepEqual(ranges, [undefined]);
    assert.ok((await readFile(path)).equals(kBytes.subarray(1)));
  });
});

describe('A worker whose server says nothing any more', () => {
  it('asks for the rest of a file again', async (t) => {
    const half = kBytes.length >> 1;
    let range: string | undefined;
    const { asks, asked } = await front(
      t,
      () => undefined,
      (_, response) => response.writeHead(200, { 'content-length': kBytes.length }).write(kBytes.subarray(0, half)),
      (request, response) => {
        range = request.headers.range;
        const from = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
        response.writeHead(206, { 'content-range': `bytes ${from}-${kBytes.length - 1}/${kBytes.length}` });
        response.end(kBytes.subarray(from));
      },
    );
    const path = join(await tempDir(t), 'file');
    await asks.download('/file', path, { size: kBytes.length, sha256: kSha256 }, errand());
    assert.equal(range, `bytes=${half}-`);
    assert.equal(asked(), 3);
    assert.ok((await readFile(path)).equals(kBytes));
  });

  it('brings a file, and tells how a run has ended, again', async (t) => {
    const came: Buffer[] = [];
    const take: Answerer = (_, response, body) => {
      came.push(body);
      response.end('{"counts":true}');
    };
    const { asks, asked } = await front(
      t,
      () => undefined,
      take,
      () => undefined,
      take,
    );
    const path = join(await tempDir(t), 'file');
    await writeFile(path, kBytes);
    await asks.upload('/file', path, kBytes.length, errand());
    assert.deepEqual(await asks.end('a', kBytes, errand()), { counts: true });
    assert.equal(asked(), 4);
    assert.equal(came.length, 2);
    for (const body of came) assert.ok(body.equals(kBytes));
  });

  it('waits for one who is slow', async (t) => {
    const pieces = 8;
    const { asks, asked } = await front(t, (_, response) => {
      response.writeHead(200, { 'content-length': kBytes.length });
      const size = kBytes.length / pieces;
      let at = 0;
      const timer = setInterval(() => {
        response.write(kBytes.subarray(at, at + size));
        at += size;
        if (at < kBytes.length) return;
        clearInterval(timer);
        response.end();
      }, kStallMs / 3);
    });
    const path = join(await tempDir(t), 'file');
    await asks.download('/file', path, { size: kBytes.length, sha256: kSha256 }, errand());
    assert.equal(asked(), 1);
  });
});

describe('A worker whose token opens nothing any more', () => {
  const refuse: Answerer = (_request, response) => response.writeHead(401).end('this token was revoked');

  it('reads it again, and goes on with the one that is there then', async (t) => {
    const dir = await tempDir(t);
    const said: (string | undefined)[] = [];
    const open: Answerer = (request, response) => {
      said.push(request.headers.authorization);
      response.end('bytes');
    };
    const tokens = ['old', 'new'];
    const { asks } = await frontWith(t, async () => tokens.shift(), refuse, open);
    await asks.download('/f', join(dir, 'f'), { size: 5 }, errand());
    assert.deepEqual(said, ['Bearer new']);
    assert.equal(await readFile(join(dir, 'f'), 'utf8'), 'bytes');
  });

  it('says so where there is no other, and is no fault of the job', async (t) => {
    const { asks, asked } = await frontWith(t, async () => 'old', refuse);
    const shutOut = (thrown: OtfError) =>
      isShutOut(thrown) && /answers 401: this token was revoked/.test(thrown.message);
    await assert.rejects(asks.end('a', Buffer.from('x'), errand()), shutOut);
    assert.equal(asked(), 1);
  });
});
