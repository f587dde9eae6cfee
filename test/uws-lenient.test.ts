/** Requests that are nearly UWS get what they mean, or an error that names the real mistake. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kServer } from '#otf/jobs/access.js';
import { bench, legacyBody } from './service/bench.js';

describe('near-standard requests', () => {
  it('may write phases in small letters', async (t) => {
    const b = await bench(t, { hold: true });
    const created = await b.create({ PHASE: 'run' });
    assert.equal(await b.phase(created), 'QUEUED');
    const pending = await b.create();
    assert.equal((await b.form(`/jobs/${pending}/phase`, { phase: 'run' })).status, 303);
    assert.equal(await b.phase(pending), 'QUEUED');
    assert.match(await b.text('/jobs?PHASE=queued'), new RegExp(pending));
    assert.doesNotMatch(await b.text('/jobs?PHASE=completed'), new RegExp(pending));
    assert.equal((await b.send(`/jobs/${pending}?WAIT=0&PHASE=queued`)).status, 200);
    assert.equal((await b.form(`/jobs/${pending}/phase`, { PHASE: 'abort' })).status, 303);
    assert.equal(await b.phase(pending), 'ABORTED');
    assert.equal((await b.form(`/jobs/${pending}`, { ACTION: 'delete' })).status, 303);
    assert.equal((await b.send(`/jobs/${pending}`)).status, 404);
  });

  it('may send PHASE, times and parameters to the job itself', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.create();
    const answer = await b.form(`/jobs/${id}`, { BOX: '1,1,8,8', RUNID: 'mine', EXECUTIONDURATION: '77' });
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, `${b.url}/jobs/${id}`]);
    const job = b.server.jobs.get(id, kServer);
    assert.deepEqual(
      [job.runId, job.parameters.asked.region, job.executionDurationS],
      ['mine', { box: [1, 1, 8, 8] }, 77],
    );
    assert.equal((await b.form(`/jobs/${id}?PHASE=RUN`, {})).status, 303);
    assert.equal(await b.phase(id), 'QUEUED');
    // Times may be set in any phase, the rest while PENDING only.
    assert.equal((await b.form(`/jobs/${id}`, { DESTRUCTION: '2040-01-01', EXECUTIONDURATION: '8' })).status, 303);
    assert.equal(await b.text(`/jobs/${id}/destruction`), '2040-01-01T00:00:00.000Z');
    assert.equal(await b.text(`/jobs/${id}/executionduration`), '8');
    assert.equal((await b.form(`/jobs/${id}`, { RUNID: 'late' })).status, 403);
    assert.equal((await b.form(`/jobs/${id}`, { phase: 'abort' })).status, 303);
    assert.equal(await b.phase(id), 'ABORTED');
  });

  it('change parameters of a job that has others: what they make together is checked, and what they replace goes', async (t) => {
    const b = await bench(t, { hold: true });
    const url = { IMAGE: 'https://example.org/a.fits', IMAGE_SHA256: 'a'.repeat(64) };
    const answer = await b.form('/jobs', { ...url, MEASURE: 'fast', BOX: '1,1,8,8', NORM_FCT: 'tanh' });
    const id = answer.headers.get('location')?.split('/').pop() ?? '';
    const change = async (fields: Record<string, string>, message?: RegExp) => {
      const { status, text } = await b
        .form(`/jobs/${id}/parameters`, fields)
        .then(async (it) => ({ status: it.status, text: await it.text() }));
      assert.equal(status, message ? 400 : 303, text);
      if (message) assert.match(text, message);
    };
    const { parameters } = b.server.jobs.get(id, kServer);
    await change({ MAPS: 'rms' });
    await change({ MEASURE: 'none' }, /MAPS is of what is measured: give MEASURE=fast/);
    await change({ QUALITY_SEED: '4' }, /QUALITY_SEED goes with QUALITY/);
    await change({ QUALITY: '3' });
    await change({ QUALITY_SEED: '4', MEASURE: 'full', MIN_PIX: '1', MAX_PIX: '99' });
    await change({ RA: '10', DEC: '20', ROI_WIDTH: '30', ROI_HEIGHT: '30' });
    const asked = () => b.server.jobs.get(id, kServer).parameters.asked;
    assert.deepEqual(asked(), {
      ...parameters.asked,
      ...{ maps: ['rms'], quality: 3, qualitySeed: 4, measure: 'full' },
      normalisation: { normFct: ['tanh'], minPix: 1, maxPix: 99 },
      region: { roi: [10, 20, 30, 30] },
    });
    await change({ BOX: '2,2,9,9' });
    assert.deepEqual(asked().region, { box: [2, 2, 9, 9] });
    await change({ NOISE_MAP: 'https://example.org/n.fits' });
    assert.deepEqual(b.server.jobs.get(id, kServer).parameters.checksums, { IMAGE: 'a'.repeat(64) });
    await change({ IMAGE: 'https://example.org/b.fits' });
    assert.deepEqual(b.server.jobs.get(id, kServer).parameters.checksums, {});
    await change({ IMAGE_SHA256: 'b'.repeat(64) });
    assert.deepEqual(b.server.jobs.get(id, kServer).parameters.checksums, { IMAGE: 'b'.repeat(64) });
  });

  it('keep of what another kind was asked its files alone', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.create({ RESPONSEFORMAT: 'reg', MEASURE: 'fast' });
    assert.equal((await b.form(`/jobs/${id}/parameters`, { MODEL: 'demo-transients' })).status, 303);
    const { kind, parameters } = b.server.jobs.get(id, kServer);
    assert.deepEqual([kind, parameters.responseFormat, parameters.asked], ['reconstructor', undefined, {}]);
    assert.deepEqual(Object.keys(parameters.inputs), ['IMAGE']);
  });

  it('of an upload are refused with the checksum of another', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.create();
    const answer = await b.form(`/jobs/${id}/parameters`, { IMAGE_SHA256: 'b'.repeat(64) });
    assert.equal(answer.status, 422);
    assert.match(await answer.text(), /IMAGE_SHA256 says bbbb/);
  });

  it('are told what is wrong with them', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.create();
    const refused = async (path: string, fields: Record<string, string>, message: RegExp) => {
      const answer = await b.form(path, fields);
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), message);
    };
    await refused(`/jobs/${id}/phase`, { STATE: 'RUN' }, /PHASE is missing: the request has STATE/);
    await refused(`/jobs/${id}/phase`, { RUN: '' }, /PHASE is missing: the request has RUN/);
    await refused(`/jobs/${id}/phase`, { PHASE: 'START' }, /PHASE=START cannot be asked for, RUN or ABORT can/);
    await refused(`/jobs/${id}/executionduration`, { DURATION: '5' }, /EXECUTIONDURATION is missing: .* DURATION/);
    await refused(`/jobs/${id}`, { ACTION: 'REMOVE' }, /ACTION=REMOVE: unknown, DELETE is known/);
    await refused(`/jobs/${id}`, { ACTION: 'DELETE', PHASE: 'RUN' }, /ACTION=DELETE alone.* has ACTION, PHASE/);
    await refused(`/jobs/${id}`, { HELLO: '1' }, /this request has HELLO/);
    await refused(`/jobs/${id}`, {}, /this request has nothing/);
    assert.equal(await b.phase(id), 'PENDING');
    for (const fields of [{ ACTION: 'DELETE' }, { PHASE: 'RUN' }, { RUNID: 'x' }] as Record<string, string>[])
      assert.equal((await b.form('/jobs/none', fields)).status, 404);
  });

  it('start a job with everything the same request sets', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.create();
    const fields = { EXECUTIONDURATION: '77', DESTRUCTION: '2040-01-01', PRIORITY: '8', PHASE: 'RUN' };
    assert.equal((await b.form(`/jobs/${id}/parameters`, fields)).status, 303);
    const [started] = b.executor.queue;
    assert.deepEqual(
      [started?.id, started?.executionDurationS, started?.destructionMs, started?.priority],
      [id, 77, Date.UTC(2040, 0, 1), 8],
    );
  });

  it('may ask for a priority from 0 to 9; 5 without', async (t) => {
    const b = await bench(t, { hold: true });
    assert.equal(await b.text(`/jobs/${await b.create()}/parameters/PRIORITY`), '5');
    assert.equal(await b.text(`/jobs/${await b.create({ PRIORITY: '0' })}/parameters/PRIORITY`), '0');
    for (const PRIORITY of ['10', '-1', '5.5', 'high', '']) {
      const answer = await b.form('/jobs', { PRIORITY, IMAGE: 'http://example.org/a.fits' });
      assert.equal(answer.status, 400, PRIORITY);
      assert.match(await answer.text(), /PRIORITY=.*0 to 9/);
    }
  });
});

describe('POST /jobs/ID/abort', () => {
  it('aborts and answers in the JSON of the observatory', async (t) => {
    const b = await bench(t, { hold: true });
    for (const id of [await b.create({ PHASE: 'RUN' }), await b.createLegacy()]) {
      for (let time = 0; time < 2; time++) {
        const answer = await b.send(`/jobs/${id}/abort`, { method: 'POST' });
        assert.equal(answer.status, 200);
        assert.deepEqual(await answer.json(), { job_id: id, aborted: true });
      }
      assert.equal(await b.phase(id), 'ABORTED');
      assert.equal((await b.send(`/jobs/${id}/abort`)).status, 405);
    }
    const done = await b.create({ PHASE: 'RUN' });
    b.executor.release();
    await b.until(done, 'COMPLETED');
    const late = await b.send(`/jobs/${done}/abort`, { method: 'POST' });
    assert.deepEqual(await late.json(), { job_id: done, aborted: false });
    for (const method of ['GET', 'POST', 'DELETE'])
      assert.equal((await b.send('/jobs/none/abort', { method })).status, 404);
  });
});

describe('an error of ours in the words of an older server', () => {
  it('is in the log', async (t) => {
    const b = await bench(t);
    b.executor.admit = () => {
      throw new Error('the queue is upside down');
    };
    const answer = await b.send('/jobs/', { method: 'POST', body: legacyBody('<job><parameters/></job>') });
    assert.equal(answer.status, 500);
    assert.deepEqual(await answer.json(), { error: 'internal error of the server' });
    assert.equal(b.errors.length, 1);
    assert.match(b.errors[0] ?? '', /the queue is upside down/);
  });
});
