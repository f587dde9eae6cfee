/** Bodies that are read into memory: as they were sent, and nothing of the memory they arrived in is kept. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readBytes, readForm, readJson } from '#otf/http/form.js';
import { ReceiveBuffers } from '#otf/http/receive-buffers.js';
import { JobFolders } from '#otf/jobs/folders.js';
import { tempDir } from './service/bench.js';

/** A body of these pieces, in memory as IncomingBody has it. */
function bodyOf(pieces: readonly string[]) {
  const buffers = new ReceiveBuffers();
  const taken: Buffer[] = [];
  const waiting = pieces.map((piece) => {
    const { buffer, byteOffset, length } = Buffer.from(piece);
    return buffers.copy((buffer as ArrayBuffer).slice(byteOffset, byteOffset + length));
  });
  buffers.close();
  const body = {
    next: async () => {
      const piece = waiting.shift();
      if (piece) taken.push(piece);
      return piece;
    },
    release: () => buffers.release(),
  };
  return { body, memory: () => taken.map(({ buffer }) => buffer) };
}

/** That the next body arrives in. */
function nextMemory(): ArrayBufferLike {
  const buffers = new ReceiveBuffers();
  const { buffer } = buffers.copy(new ArrayBuffer(1));
  buffers.close();
  buffers.release();
  return buffer;
}

describe('bodies read into memory', () => {
  it('are whole, and their memory is that of the next one', async (t) => {
    const uploads = new JobFolders(await tempDir(t), 0);
    const form = async (text: string[], contentType: string) => {
      const { body, memory } = bodyOf(text);
      const rest = { contentLength: '', chunked: true, query: '', uploads, maxBytes: 1 << 20, maxText: 4096 };
      const { parameters } = await readForm({ body, contentType, ...rest, accept: { json: true } });
      return { read: parameters.single('A'), memory };
    };
    const ways: Record<string, () => Promise<{ read: unknown; memory: () => ArrayBufferLike[] }>> = {
      bytes: async () => {
        const { body, memory } = bodyOf(['one ', 'and two']);
        return { read: (await readBytes({ body, maxBytes: 100, announced: 0 })).toString(), memory };
      },
      json: async () => {
        const { body, memory } = bodyOf(['"one ', 'and two"']);
        return { read: await readJson({ body, maxBytes: 100 }), memory };
      },
      urlencoded: () => form(['A=one+', 'and+two'], 'application/x-www-form-urlencoded'),
      'fields in JSON': () => form(['{"A":"one ', 'and two"}'], 'application/json'),
    };
    for (const [name, way] of Object.entries(ways)) {
      const { read, memory } = await way();
      const next = nextMemory();
      assert.equal(read, 'one and two', name);
      assert.deepEqual(
        memory().map((each) => each === next),
        [true, true],
        name,
      );
    }
  });
});
