/** Whoever reads slowly gets all of it: the server has to stop many times within an answer, and to go on as often. */

import uWebSockets, { type HttpResponse } from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { createGunzip } from 'node:zlib';
import { Outflow, type Writer } from '#otf/http/outflow.js';
import { bench } from './service/bench.js';
import { atEnd } from './support/endings.js';

/** More than the kernel keeps for one who does not read, by far; no compressor makes it small. */
const kText = randomBytes(24 << 20).toString('base64');
const kPieceBytes = 1 << 18;
const kReadBytes = 1 << 20;
const kPauseMs = 5;
/** Those who read at once leave buffers to the next ones, who are read for in several pieces. */
const kAtOnce = 12;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function asked(address: string, encoding: string): Promise<IncomingMessage> {
  const headers = { 'accept-encoding': encoding };
  return new Promise((resolve, reject) => get(address, { headers, agent: false }, resolve).on('error', reject));
}

/** With a pause after each so many bytes. */
async function readSlowly(response: IncomingMessage): Promise<{ bytes: number; sha256: string }> {
  const encoded = response.headers['content-encoding'] === 'gzip';
  const plain = encoded ? createGunzip() : undefined;
  const hash = createHash('sha256');
  let [bytes, before] = [0, 0];
  const take = (piece: Buffer) => {
    bytes += piece.length;
    hash.update(piece);
  };
  const ended = new Promise<void>((resolve, reject) => {
    (plain ?? response).on('end', resolve).on('error', reject);
    response.on('error', reject).on('aborted', () => reject(new Error(`cut after ${bytes} bytes`)));
  });
  plain?.on('data', take);
  response.on('data', (piece: Buffer) => {
    if (plain) plain.write(piece);
    else take(piece);
    before += piece.length;
    if (before < kReadBytes) return;
    before = 0;
    response.pause();
    setTimeout(() => response.resume(), kPauseMs);
  });
  response.on('end', () => plain?.end());
  await ended;
  return { bytes, sha256: hash.digest('hex') };
}

async function readAtOnce(response: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const piece of response) bytes += (piece as Buffer).length;
  return bytes;
}

/** Answers by uWebSockets.js alone, as `send` does. Gives their address. */
async function answering(t: TestContext, send: (flow: Outflow, res: HttpResponse) => Promise<void>): Promise<string> {
  const app = uWebSockets.App().get('/*', (res) => {
    let onGone = () => {};
    let gone = false;
    const writer: Writer = {
      get gone() {
        return gone;
      },
      send: (write) => {
        if (!gone) res.cork(() => write(res));
      },
      onWriterGone: (callback) => {
        onGone = callback;
      },
    };
    res.onAborted(() => {
      gone = true;
      onGone();
    });
    // Its reader sees that it was cut.
    send(new Outflow(writer), res).catch(() => res.close());
  });
  const port = await new Promise<number>((resolve) => {
    app.listen('127.0.0.1', 0, (socket) => {
      if (!socket) throw new Error('no port');
      atEnd(t, () => uWebSockets.us_listen_socket_close(socket));
      resolve(uWebSockets.us_socket_local_port(socket));
    });
  });
  return `http://127.0.0.1:${port}/`;
}

/** As they are sent: each as soon as the one before has been taken, within the same turn of the event loop. */
function piecesOf(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / kPieceBytes) }, (_, at) =>
    bytes.subarray(at * kPieceBytes, (at + 1) * kPieceBytes),
  );
}

describe('A slow reader', () => {
  it('gets all of what is in memory, of known and of unknown length', { timeout: 60_000 }, async (t) => {
    const whole = { bytes: kText.length, sha256: sha256(kText) };
    const known = await answering(t, async (flow) => {
      for (const piece of piecesOf(kText)) await flow.part(piece, kText.length);
    });
    assert.deepEqual(await readSlowly(await asked(known, 'identity')), whole, 'known');
    const unknown = await answering(t, async (flow, res) => {
      for (const piece of piecesOf(kText)) await flow.piece(piece);
      res.cork(() => res.end());
    });
    assert.deepEqual(await readSlowly(await asked(unknown, 'identity')), whole, 'unknown');
  });

  it('gets all of a file, as it is and in gzip', { timeout: 60_000 }, async (t) => {
    const b = await bench(t, { catalogue: kText });
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    const address = `${b.url}/jobs/${id}/results/result`;
    const first = await Promise.all(Array.from({ length: kAtOnce }, () => asked(address, 'identity').then(readAtOnce)));
    assert.deepEqual(new Set(first), new Set([kText.length]));
    for (const encoding of ['identity', 'gzip']) {
      const response = await asked(address, encoding);
      assert.equal(response.headers['content-encoding'], encoding === 'gzip' ? 'gzip' : undefined);
      assert.deepEqual(await readSlowly(response), { bytes: kText.length, sha256: sha256(kText) }, encoding);
    }
    assert.deepEqual(b.errors, []);
  });
});
