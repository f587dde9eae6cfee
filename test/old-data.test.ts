/** What earlier versions of the program have written is read: test/fixtures/data-0.1.0 is a data folder of 0.1.0. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { kDetectionFormats } from '#otf/tasks/detection/formats.js';
import { kFixtures } from './support/cli.js';
import { startTestServer, tempDir } from './support/server.js';

const kFinished = 'j300b12a84056bb92c73e68d86448d66f';
const kWaiting = 'jabf5b33d26ddbb02ffd0469e89d10c77';
const kFailed = 'j844c94bfec59b2cabf7b6923326629c0';

async function oldData(t: TestContext): Promise<string> {
  const dir = await tempDir(t);
  await cp(join(kFixtures, 'data-0.1.0'), dir, { recursive: true });
  return dir;
}

describe('the data folder of 0.1.0', () => {
  it('is opened: jobs are as they were, their catalogues are given in every format, waiting ones run', async (t) => {
    const dataDir = await oldData(t);
    const server = await startTestServer(t, { dataDir });
    const [finished, waiting, failed] = await Promise.all([kFinished, kWaiting, kFailed].map((id) => server.job(id)));
    assert.deepEqual([finished?.phase, waiting?.phase, failed?.phase], ['COMPLETED', 'PENDING', 'ERROR']);
    assert.match(finished?.xml ?? '', /<uws:runId>finished<.*"PRIORITY">5</s);
    assert.equal(finished?.info.computeType, 'FP32C_FP32A');
    assert.match(failed?.error ?? '', /bad\.fits is not a FITS file/);
    for (const format of Object.keys(kDetectionFormats)) {
      const answer = await server.send(`/jobs/${kFinished}/results/result?RESPONSEFORMAT=${format}`);
      assert.equal(answer.status, 200, format);
      assert.ok((await answer.arrayBuffer()).byteLength > 100, format);
    }
    const { jobs } = (await (await server.send('/summaries')).json()) as { jobs: { id: string; image: string }[] };
    assert.deepEqual(
      new Set(jobs.map(({ image }) => image)),
      new Set(['field.fits', 'bad.fits']),
      JSON.stringify(jobs),
    );
    const csv = await server.text(`/jobs/${kFinished}/results/csv`);
    const rows = csv.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    assert.equal(rows.length, 1 + 4, csv);
    for (const id of ['log', 'provjson', 'provn', 'provxml'])
      assert.equal((await server.send(`/jobs/${kFinished}/results/${id}`)).status, 200, id);

    const start = { method: 'POST', body: new URLSearchParams({ PHASE: 'RUN' }) };
    assert.equal((await server.send(`/jobs/${kWaiting}/phase`, start)).status, 303);
    assert.equal((await server.until(kWaiting, 'COMPLETED')).phase, 'COMPLETED');
    await server.stop();

    // And again, now written by this version.
    const again = await startTestServer(t, { dataDir });
    assert.equal((await again.job(kWaiting)).phase, 'COMPLETED');
    assert.equal((await again.send(`/jobs/${kWaiting}/results/fits`)).status, 200);
    assert.equal((await again.send(`/jobs/${kFinished}/results/fits`)).status, 200);
  });
});
