import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';

describe('UWS: the life of a job', () => {
  it('goes from PENDING over QUEUED and EXECUTING to COMPLETED, with its times', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.create({ RUNID: 'a & b <c>' });
    assert.match(id, /^[A-Za-z_][\w.-]*$/);
    assert.equal(await b.phase(id), 'PENDING');
    const pending = await b.text(`/jobs/${id}`);
    assert.match(pending, /<uws:runId>a &amp; b &lt;c&gt;<\/uws:runId>/);
    assert.match(pending, /<uws:startTime xsi:nil="true"\/>/);
    assert.match(pending, /<uws:results>\s*<\/uws:results>/);
    const run = await b.form(`/jobs/${id}/phase`, { PHASE: 'RUN' });
    assert.equal(run.status, 303);
    assert.equal(run.headers.get('location'), `${b.url}/jobs/${id}`);
    assert.equal(await b.phase(id), 'QUEUED');
    assert.match(await b.text(`/jobs/${id}`), /<otf:queuePosition>1</);
    assert.match(await b.text(`/jobs/${id}/quote`), /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/);
    b.executor.release();
    await b.until(id, 'COMPLETED');
    const done = await b.text(`/jobs/${id}`);
    for (const name of ['creationTime', 'startTime', 'endTime']) {
      assert.match(done, new RegExp(`<uws:${name}>\\d{4}-\\d\\d-\\d\\dT[\\d:]{8}\\.\\d{3}Z</uws:${name}>`));
    }
    assert.match(done, /<otf:tilesDone>4</);
    assert.equal(await b.text(`/jobs/${id}/quote`), '');
  });

  it('writes the children of a job and of a jobref in the order of the schema', async (t) => {
    const failure = { type: 'fatal' as const, message: 'bad', detail: 'worse' };
    const b = await bench(t, { failure: () => failure });
    const id = await b.create({ PHASE: 'RUN', RUNID: 'r' });
    await b.until(id, 'ERROR');
    const document = await b.text(`/jobs/${id}`);
    const order = ['jobId', 'runId', 'ownerId', 'phase', 'creationTime', 'startTime', 'endTime', 'executionDuration'];
    order.push('destruction', 'parameters', 'results', 'errorSummary', 'jobInfo');
    const positions = order.map((name) => document.indexOf(`<uws:${name}`));
    assert.ok(
      positions.every((at) => at > 0),
      JSON.stringify(positions),
    );
    assert.deepEqual(
      positions,
      [...positions].sort((a, c) => a - c),
    );
    assert.match(document, /<uws:errorSummary type="fatal" hasDetail="true"><uws:message>bad</);
    assert.equal(await b.text(`/jobs/${id}/error`), 'bad\n\nworse\n');
    const list = await b.text('/jobs');
    assert.match(
      list,
      /<uws:jobref [^>]*><uws:phase>ERROR<\/uws:phase><uws:runId>r<\/uws:runId><uws:ownerId xsi:nil="true"\/><uws:creationTime>/,
    );
  });

  it('aborts from PENDING, QUEUED and EXECUTING, and lets late work not overwrite ABORTED', async (t) => {
    const b = await bench(t, { hold: true, delayMs: Number.POSITIVE_INFINITY });
    const pending = await b.create();
    const queued = await b.create({ PHASE: 'RUN' });
    assert.equal((await b.form(`/jobs/${pending}/phase`, { PHASE: 'ABORT' })).status, 303);
    assert.equal((await b.form(`/jobs/${queued}/phase`, { PHASE: 'ABORT' })).status, 303);
    const executing = await b.create({ PHASE: 'RUN' });
    b.executor.release();
    await b.until(executing, 'EXECUTING');
    await b.form(`/jobs/${executing}/phase`, { PHASE: 'ABORT' });
    for (const id of [pending, queued, executing]) {
      assert.equal(await b.phase(id), 'ABORTED');
      assert.match(await b.text(`/jobs/${id}`), /<uws:endTime>2/);
      assert.equal((await b.form(`/jobs/${id}/phase`, { PHASE: 'RUN' })).status, 403);
      assert.equal((await b.form(`/jobs/${id}/phase`, { PHASE: 'ABORT' })).status, 303);
    }
    assert.deepEqual(
      b.executor.aborted.map(({ id }) => id),
      [queued, executing],
    );
    assert.equal(await b.executor.finish(executing), false);
    assert.equal(await b.phase(executing), 'ABORTED');
  });

  it('ends as ABORTED when executionDuration is exceeded', async (t) => {
    const b = await bench(t, { delayMs: Number.POSITIVE_INFINITY });
    const id = await b.create({ EXECUTIONDURATION: '1', PHASE: 'RUN' });
    await b.until(id, 'EXECUTING');
    await b.until(id, 'ABORTED');
    assert.deepEqual(b.executor.aborted, [{ id, why: 'duration' }]);
    assert.equal(await b.text(`/jobs/${id}/error`), 'it took longer than EXECUTIONDURATION=1 s\n');
  });

  it('deletes by DELETE, by ACTION=DELETE and at the destruction time; everything below is 404 then', async (t) => {
    const b = await bench(t, { delayMs: Number.POSITIVE_INFINITY });
    const first = await b.create({ PHASE: 'RUN' });
    await b.until(first, 'EXECUTING');
    const deleted = await b.send(`/jobs/${first}`, { method: 'DELETE' });
    assert.equal(deleted.status, 303);
    assert.equal(deleted.headers.get('location'), `${b.url}/jobs`);
    assert.deepEqual(b.executor.aborted, [{ id: first, why: 'deleted' }]);
    const second = await b.create();
    assert.equal((await b.form(`/jobs/${second}`, { ACTION: 'DELETE' })).status, 303);
    const third = await b.create();
    const soon = new Date(Date.now() + 300).toISOString();
    assert.equal((await b.form(`/jobs/${third}/destruction`, { DESTRUCTION: soon })).status, 303);
    assert.equal(await b.text(`/jobs/${third}/destruction`), soon);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    for (const id of [first, second, third]) {
      for (const path of ['', '/phase', '/results', '/results/result', '/parameters/IMAGE', '/owner?x=1', '?WAIT=5']) {
        assert.equal((await b.send(`/jobs/${id}${path}`)).status, 404, path);
      }
    }
  });

  it('changes parameters while PENDING only, uploads too', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.create({ MODEL: 'demo' });
    const body = new FormData();
    body.append('RUNID', 'second');
    body.append('image', new Blob(['new bytes']), 'other.fits');
    assert.equal((await b.send(`/jobs/${id}/parameters`, { method: 'POST', body })).status, 303);
    assert.equal(await b.text(`/jobs/${id}/parameters/IMAGE`), 'new bytes');
    const document = await b.text(`/jobs/${id}/parameters`);
    assert.match(document, /<uws:parameter id="MODEL">demo</);
    assert.match(
      document,
      new RegExp(`<uws:parameter id="IMAGE" byReference="true">${b.url}/jobs/${id}/parameters/IMAGE<`),
    );
    assert.match(await b.text(`/jobs/${id}`), /<uws:runId>second</);
    await b.form(`/jobs/${id}/phase`, { PHASE: 'RUN' });
    assert.equal((await b.form(`/jobs/${id}/parameters`, { MODEL: 'demo' })).status, 403);
  });

  it('ends in ERROR when run without an image, and refuses to be created so with PHASE=RUN', async (t) => {
    const b = await bench(t);
    const created = await b.form('/jobs', { RUNID: 'x' });
    assert.equal(created.status, 303);
    const id = (created.headers.get('location') ?? '').split('/').pop() ?? '';
    await b.form(`/jobs/${id}/phase`, { PHASE: 'RUN' });
    assert.equal(await b.phase(id), 'ERROR');
    assert.match(await b.text(`/jobs/${id}/error`), /IMAGE/);
    assert.equal((await b.form('/jobs', { PHASE: 'RUN' })).status, 400);
  });

  it('says 503 with Retry-After when the queue is full, and keeps nothing of what it refused', async (t) => {
    const b = await bench(t, { hold: true, maxQueued: 2 });
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => b.create({ PHASE: 'RUN' })));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 2);
    const refused = await b.form('/jobs', { PHASE: 'RUN', IMAGE: 'https://example.org/a.fits' });
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '7');
    assert.equal(b.server.jobs.counts().jobs, 2);
    const { readdir } = await import('node:fs/promises');
    assert.equal((await readdir(`${b.dataDir}/jobs`)).length, 2);
  });
});
