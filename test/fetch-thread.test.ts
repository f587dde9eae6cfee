/** Images are received in a thread of their own (src/run/local/fetch-thread.ts), as if it were here. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { OtfError } from '#otf/errors/catalogue.js';
import type { FetchLimits, TransferWatch } from '#otf/fetch/fetch-image.js';
import { FetchThread } from '#otf/run/local/fetch-thread.js';
import { tempDir } from './service/bench.js';
import { httpServer } from './support/http-server.js';

const kLimits: FetchLimits = { allowPrivate: true, maxBytes: 64 << 20, maxRedirects: 2, timeoutMs: 60_000 };
const kBytes = randomBytes(9 << 20);
const kSha256 = createHash('sha256').update(kBytes).digest('hex');

describe('the thread that receives images', () => {
  let thread: FetchThread;
  before(async () => {
    thread = new FetchThread();
    await thread.ready;
  });
  after(() => thread.close());
  const never = () => new AbortController().signal;

  it('gives what fetchImage gives, several at once, and tells of it on the way', async (t) => {
    const url = await httpServer(t, (_, response) => {
      response.writeHead(200, { 'content-length': kBytes.length }).end(kBytes);
    });
    const dir = await tempDir(t);
    const each = async (name: string) => {
      const told: (number | undefined)[] = [];
      const watch: TransferWatch = {
        restarts: () => {
          told.push(0);
        },
        came: (bytes, total) => told.push(total, bytes),
      };
      const image = await thread.fetch([url], `${dir}/${name}`, { ...kLimits, watch }, never());
      assert.deepEqual(image, { size: kBytes.length, sha256: kSha256, index: 0 });
      assert.ok((await readFile(`${dir}/${name}`)).equals(kBytes));
      assert.deepEqual(told.slice(0, 3), [0, 0, kBytes.length]);
    };
    await Promise.all([each('a'), each('b'), each('c')]);
  });

  it('throws by code what fetchImage throws', async (t) => {
    const url = await httpServer(t, (request, response) => {
      if (request.url === '/404') response.writeHead(404).end();
      else response.end('another file');
    });
    const path = `${await tempDir(t)}/i`;
    const rejects = (at: string, code: string, limits: Partial<FetchLimits> = {}) =>
      assert.rejects(thread.fetch([at], path, { ...kLimits, ...limits }, never()), (error) => {
        return error instanceof OtfError && error.code === code;
      });
    await rejects(`${url}/404`, 'OTF_FETCH_FAILED');
    await rejects(`${url}/file`, 'OTF_FETCH_REFUSED', { allowPrivate: false });
    await rejects(`${url}/file`, 'OTF_IMAGE_CHECKSUM', { digests: { sha256: kSha256 } });
    await rejects(`${url}/file`, 'OTF_FETCH_TOO_LARGE', { maxBytes: 3 });
  });

  it('ends a transfer that is not wanted, for which there is no room, or of which nobody can be told', async (t) => {
    let gone: Promise<unknown> = Promise.resolve();
    const url = await httpServer(t, (_, response) => {
      gone = once(response, 'close');
      response.writeHead(200, { 'content-length': 2 * kBytes.length }).write(kBytes);
    });
    const path = `${await tempDir(t)}/i`;
    const full = new OtfError('OTF_DISK_FULL', 'no room');
    const assertRoom = () => {
      throw full;
    };
    await assert.rejects(thread.fetch([url], path, { ...kLimits, assertRoom }, never()), full);
    await gone;
    const came = () => assertRoom();
    await assert.rejects(
      thread.fetch([url], path, { ...kLimits, watch: { restarts: () => undefined, came } }, never()),
      full,
    );
    await gone;
    const job = new AbortController();
    const aborted = new Error('job aborted');
    const watch = { restarts: () => undefined, came: () => job.abort(aborted) };
    await assert.rejects(thread.fetch([url], path, { ...kLimits, watch }, job.signal), aborted);
    await gone;
    await assert.rejects(thread.fetch([url], path, kLimits, job.signal), aborted);
  });

  it('empties the file of a transfer that comes anew only when whoever reads it knows', async (t) => {
    const path = `${await tempDir(t)}/i`;
    const answers: ServerResponse[] = [];
    const url = await httpServer(t, (_, response) => {
      answers.push(response);
      response.writeHead(200, { 'content-length': kBytes.length });
      if (answers.length > 1) response.end(kBytes);
      else response.write(kBytes.subarray(0, 1 << 20));
    });
    const sizes: number[] = [];
    const watch = {
      restarts: async () => {
        if (answers.length < 2) return;
        // Time in which it must not happen.
        await pause(50);
        sizes.push((await stat(path)).size);
      },
      came: () => answers[0]?.destroy(),
    };
    const { sha256 } = await thread.fetch([url], path, { ...kLimits, watch }, never());
    assert.equal(sha256, kSha256);
    assert.equal(sizes.length, 1);
    assert.ok((sizes[0] ?? 0) > 0, 'it was empty already');
    assert.ok((await readFile(path)).equals(kBytes));
  });
});
