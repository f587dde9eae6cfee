import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';

describe('restart', () => {
  it('hands QUEUED and EXECUTING jobs to the executor again, leaves finished ones, sweeps leftovers', async (t) => {
    const b = await bench(t, { hold: true, delayMs: Number.POSITIVE_INFINITY });
    const done = await b.create({ PHASE: 'RUN' });
    const executing = await b.create({ PHASE: 'RUN' });
    b.executor.release();
    await b.until(executing, 'EXECUTING');
    await b.executor.finish(done);
    const queued = await b.create({ PHASE: 'RUN' });
    const pending = await b.create();
    const before = await b.text(`/jobs/${done}`);
    // As kill -9 leaves it: nothing is requeued, the database is only closed so that this process can open it again.
    b.executor.running.clear();
    b.server.jobs.close();
    await mkdir(`${b.dataDir}/jobs/jhalf`);
    await writeFile(`${b.dataDir}/jobs/jhalf/upload`, 'x');
    const again = await bench(t, { hold: true, delayMs: Number.POSITIVE_INFINITY }, {}, b.dataDir);
    assert.deepEqual(again.executor.submitted, [executing, queued]);
    assert.equal(await again.phase(executing), 'QUEUED');
    assert.equal(await again.phase(pending), 'PENDING');
    assert.equal((await again.text(`/jobs/${done}`)).replaceAll(again.url, b.url), before);
    assert.equal((await readdir(`${b.dataDir}/jobs`)).length, 4);
    again.executor.release();
    await again.until(executing, 'EXECUTING');
    assert.equal(await again.executor.finish(executing), true);
    assert.equal(await again.executor.finish(executing), false);
  });
});
