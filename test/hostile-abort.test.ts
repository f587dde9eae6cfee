/** A job that is told to stop stops, whatever it is doing, and leaves nothing that looks like a result. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { field, pause, startTestServer, type TestServer, tempDir } from './support/server.js';

async function tiles(server: TestServer): Promise<number> {
  const text = await server.text('/metrics');
  return [...text.matchAll(/^otf_tiles_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function hashing(t: Parameters<typeof tempDir>[0]) {
  const dir = await tempDir(t);
  await field(dir, 7000, 1);
  const server = await startTestServer(t, { env: { CIANNA_OTF_FETCH_FILE_ROOTS: dir } });
  return { server, image: pathToFileURL(join(dir, 'field-7000-1.fits')).href };
}

describe('A job while its image is read for its checksum', () => {
  it('is aborted for good', async (t) => {
    const { server, image } = await hashing(t);
    const id = await server.submit({ IMAGE: image });
    await server.until(id, 'EXECUTING');
    const answer = await server.send(`/jobs/${id}/phase?PHASE=ABORT`, { method: 'POST' });
    assert.equal(answer.status, 303);
    await pause(3000);
    assert.equal((await server.job(id)).phase, 'ABORTED');
    assert.equal(await tiles(server), 0);
    assert.deepEqual(await readdir(join(server.dataDir, 'jobs', id)), []);
  });

  it('ends with its executionDuration', async (t) => {
    const { server, image } = await hashing(t);
    const id = await server.submit({ IMAGE: image, EXECUTIONDURATION: '1' });
    await server.until(id, 'ABORTED');
    const before = await tiles(server);
    await pause(1500);
    // What a pass had taken up may come to its end.
    assert.ok((await tiles(server)) - before <= 24, 'no more tiles than the passes under way had');
    assert.deepEqual(await readdir(join(server.dataDir, 'jobs', id)), []);
  });
});
