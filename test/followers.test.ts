/** Jobs that follow others: AFTER, results to come, their ends. */
import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';
import { follow, made, refused } from './service/requests.js';

describe('a job that follows another', () => {
  it('is HELD, then takes the file that was made, without a copy, and begins', async (t) => {
    const b = await bench(t, { hold: true });
    const first = await b.create({ PHASE: 'RUN' });
    const second = await follow(b, { IMAGE: `job:${first}/result`, AFTER: first });
    assert.equal(await b.phase(second), 'HELD');
    const held = await b.text(`/jobs/${second}`);
    assert.match(held, new RegExp(`<otf:waitsFor>${first}<`));
    assert.match(held, new RegExp(`byReference="true">job:${first}/result<`));
    assert.match(await b.text('/jobs?PHASE=HELD'), new RegExp(second));
    assert.equal(await b.text(`/jobs/${second}/parameters/AFTER`), first);
    assert.equal((await b.form(`/jobs/${second}/phase`, { PHASE: 'RUN' })).status, 403);
    b.executor.release();
    await b.until(first, 'COMPLETED');
    await b.until(second, 'QUEUED');
    const folder = join(b.dataDir, 'jobs', second);
    const [linked = ''] = (await readdir(folder)).filter((name) => name.startsWith('linked-'));
    const { ino } = await stat(join(folder, linked));
    assert.equal(ino, (await stat(join(b.dataDir, 'jobs', first, 'catalogue.votable'))).ino);
    assert.equal(await b.text(`/jobs/${second}/parameters/IMAGE`), await b.text(`/jobs/${first}/results/result`));
    // What becomes of the other no longer matters.
    await b.send(`/jobs/${first}`, { method: 'DELETE' });
    b.executor.release();
    await b.until(second, 'COMPLETED');
  });

  it('begins at once when the other is done, and waits for all of several', async (t) => {
    const b = await bench(t, { hold: true });
    const [one, two] = [await b.create({ PHASE: 'RUN' }), await b.create()];
    b.executor.release();
    await b.until(one, 'COMPLETED');
    const at = await follow(b, { IMAGE: `job:${one}/IMAGE`, AFTER: one });
    assert.equal(await b.phase(at), 'QUEUED');
    const both = await follow(b, { IMAGE: `job:${one}/IMAGE`, AFTER: `${one}, ${b.url}/jobs/${two}/` });
    assert.equal(await b.phase(both), 'HELD');
    await b.send(`/jobs/${one}`, { method: 'DELETE' });
    await b.form(`/jobs/${two}/phase`, { PHASE: 'RUN' });
    assert.equal(await b.phase(both), 'HELD');
    b.executor.release();
    await b.until(both, 'QUEUED');
  });

  it('never waits for itself, be it by way of others', async (t) => {
    const b = await bench(t, { hold: true });
    const [one, two, three] = [await b.create(), await b.create(), await b.create()];
    const after = (id: string, ...ids: string[]) => b.form(`/jobs/${id}/parameters`, { AFTER: ids.join(',') });
    const circle = new RegExp(`the job would wait for itself: ${one}`);
    await refused(after(one, one), circle);
    await refused(b.form(`/jobs/${one}/parameters`, { IMAGE: `job:${one}/result` }), circle);
    assert.equal((await after(three, two)).status, 303);
    assert.equal((await after(two, one)).status, 303);
    await refused(after(one, three), circle);
    await refused(b.form(`/jobs/${one}`, { AFTER: `${two}`, PHASE: 'RUN' }), circle);
    assert.equal((await after(three, one, two)).status, 303, 'two ways there are no circle');
    assert.deepEqual(await Promise.all([one, two, three].map((id) => b.phase(id))), Array(3).fill('PENDING'));
  });

  it('is aborted with the cause when the other fails, is aborted, deleted, or has no such file', async (t) => {
    const b = await bench(t, {
      hold: true,
      failure: ({ runId }) => (runId === 'bad' ? { type: 'fatal', message: 'no FITS' } : undefined),
    });
    const ends: [string, (id: string) => Promise<unknown>, RegExp][] = [
      ['bad', async () => b.executor.release(), /which it follows, ended as ERROR: no FITS/],
      ['stopped', (id) => b.form(`/jobs/${id}/phase`, { PHASE: 'ABORT' }), /which it follows, ended as ABORTED/],
      ['gone', (id) => b.send(`/jobs/${id}`, { method: 'DELETE' }), /which it follows, was deleted/],
    ];
    for (const [runId, end, pattern] of ends) {
      const first = await b.create({ PHASE: 'RUN', RUNID: runId });
      const second = await follow(b, { IMAGE: `job:${first}/IMAGE`, AFTER: first });
      const third = await follow(b, { IMAGE: `job:${first}/IMAGE`, AFTER: second });
      await end(first);
      await b.until(third, 'ABORTED');
      assert.match(await b.text(`/jobs/${second}/error`), pattern);
      assert.match(await b.text(`/jobs/${second}`), /<uws:errorSummary type="fatal"/);
      assert.match(
        await b.text(`/jobs/${third}/error`),
        new RegExp(`job ${second}, which it follows, ended as ABORTED: job ${first}`),
      );
    }
    const fine = await b.create({ PHASE: 'RUN' });
    const wants = await follow(b, { IMAGE: `job:${fine}/nothing` });
    b.executor.release();
    await b.until(wants, 'ABORTED');
    assert.match(
      await b.text(`/jobs/${wants}/error`),
      /job:j\w+\/nothing cannot be had: .*neither a result nor an upload/,
    );
  });

  it('is refused when what it follows is not there, has failed, or is too much', async (t) => {
    const b = await bench(t, { hold: true });
    const first = await b.create();
    await b.form(`/jobs/${first}/phase`, { PHASE: 'ABORT' });
    const image = { IMAGE: 'https://example.org/a.fits' };
    await refused(b.form('/jobs', { ...image, AFTER: 'j0' }), /AFTER=j0: no such job/);
    await refused(b.form('/jobs', { ...image, AFTER: first }), /that job is ABORTED/);
    await refused(b.form('/jobs', { IMAGE: `job:${first}/result` }), /the job is ABORTED: it has no results/);
    const many = Array.from({ length: 101 }, (_, index) => `j${index}`).join(',');
    await refused(b.form('/jobs', { ...image, AFTER: many }), /more than 100 jobs/);
    assert.equal(b.server.jobs.counts().jobs, 1);
  });

  it('stays HELD while the queue is full, links once, and begins when there is room', async (t) => {
    const b = await bench(t, { hold: true, maxQueued: 1 });
    const first = await b.create({ PHASE: 'RUN' });
    const second = await follow(b, { IMAGE: `job:${first}/result` });
    // It ends, and its place in the queue is not free yet.
    await b.executor.host.executing(first, {});
    await b.executor.finish(first);
    const linked = async () =>
      (await readdir(join(b.dataDir, 'jobs', second))).some((name) => name.startsWith('linked-'));
    while (!(await linked())) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal(await b.phase(second), 'HELD');
    b.executor.queue.length = 0;
    await b.until(second, 'QUEUED');
    const files = await readdir(join(b.dataDir, 'jobs', second));
    assert.equal(files.filter((name) => name.startsWith('linked-')).length, 1);
  });

  it('can be aborted and deleted while it waits, and started when it was only made', async (t) => {
    const b = await bench(t, { hold: true });
    const first = await b.create();
    const image = { IMAGE: `job:${first}/IMAGE`, AFTER: first };
    const second = await follow(b, image);
    assert.equal((await b.form(`/jobs/${second}/phase`, { PHASE: 'ABORT' })).status, 303);
    assert.equal(await b.phase(second), 'ABORTED');
    const third = await made(await b.form('/jobs', image));
    assert.equal(await b.phase(third), 'PENDING');
    await b.form(`/jobs/${third}/phase`, { PHASE: 'RUN' });
    assert.equal(await b.phase(third), 'HELD');
    assert.equal((await b.send(`/jobs/${third}`, { method: 'DELETE' })).status, 303);
    await b.form(`/jobs/${first}/phase`, { PHASE: 'RUN' });
    b.executor.release();
    await b.until(first, 'COMPLETED');
    assert.deepEqual(b.errors, []);
  });
});
