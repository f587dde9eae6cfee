/** Workers that see the server's data folder themselves: files are not sent. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { field, startTestServer, tempDir } from './support/server.js';
import { until } from './support/until.js';
import { kNoBroker, startSite, TestWorker } from './support/workers.js';

describe('Workers on a shared file system', { skip: kNoBroker }, () => {
  it('read inputs there and leave results there, the same as others send', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 600, 1);
    const { server } = await startSite(t);
    const shared = { CIANNA_OTF_WORKERS_SHARED_DIR: server.dataDir };
    const near = await new TestWorker(t, server, 'near', join(dir, 'cache'), shared).ready();
    const fields = { MEASURE: 'fast', MAPS: 'rms' };
    const id = await server.submit(fields, image);
    await server.until(id, 'COMPLETED');
    const csv = await server.text(`/jobs/${id}/results/csv`);
    assert.equal((await server.text(`/jobs/${id}/results/rms`)).slice(0, 6), 'SIMPLE');
    assert.ok(!(await server.text('/metrics')).includes('route="/work/jobs/'), 'nothing was sent');
    assert.equal((await readdir(join(server.dataDir, 'workers'))).length, 2, 'a folder, and whose it is');
    assert.equal(await near.stop(), 0);
    assert.deepEqual(await readdir(join(server.dataDir, 'workers')), [], 'nothing is left');
    const left = await readdir(join(server.dataDir, 'jobs', id));
    assert.deepEqual(
      left.filter((name) => name.startsWith('part-')),
      [],
    );
    await new TestWorker(t, server, 'far', join(dir, 'cache')).ready();
    const other = await server.submit(fields, image);
    await server.until(other, 'COMPLETED');
    assert.equal(await server.text(`/jobs/${other}/results/csv`), csv);
    assert.ok((await server.text('/metrics')).includes('route="/work/jobs/'));
  });

  it('do not begin with the folder of another server, or one that is none', async (t) => {
    const dir = await tempDir(t);
    const { server } = await startSite(t);
    const { server: other } = await startSite(t);
    const alone = await startTestServer(t);
    for (const [folder, why] of [
      [other.dataDir, /is the data folder of another server/],
      [alone.dataDir, /is not the data folder of the server/],
      [dir, /is not the data folder of the server, or not to be written: no such file or directory/i],
    ] as const) {
      const env = { CIANNA_OTF_WORKERS_SHARED_DIR: folder };
      const worker = new TestWorker(t, server, 'one', join(dir, 'cache'), env);
      await until(() => worker.child.exitCode !== null, 'the worker does not end', 60);
      assert.match(worker.log.join(''), why);
    }
  });
});
