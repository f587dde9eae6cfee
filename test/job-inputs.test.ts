/** IMAGE=job:ID/NAME: what a job works on may be a file of another one. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { runCli, scratchDir } from './support/cli.js';
import { field, startTestServer } from './support/server.js';

describe('an input that is a file of another job', () => {
  let image: Buffer;
  before(async () => {
    image = await field(scratchDir(), 300, 5);
  });

  it('gives what the file itself would, outlives that job, and is one entity in the provenance of both', async (t) => {
    const server = await startTestServer(t);
    const first = await server.submit({ RESPONSEFORMAT: 'csv' }, image);
    await server.until(first, 'COMPLETED');
    const [wanted, records] = [await server.text(`/jobs/${first}/results/csv`), await provenance(first)];
    const second = await server.submit({ PHASE: '', IMAGE: `job:${first}/IMAGE`, RESPONSEFORMAT: 'csv' });
    const beam = await server.submit({ IMAGE: `job:${first}/image`, BEAM: `JOB:${first}/IMAGE` });
    assert.equal((await server.send(`/jobs/${first}`, { method: 'DELETE' })).status, 303);

    const start = { method: 'POST', body: new URLSearchParams({ PHASE: 'RUN' }) };
    assert.equal((await server.send(`/jobs/${second}/phase`, start)).status, 303);
    await server.until(second, 'COMPLETED');
    assert.equal(await server.text(`/jobs/${second}/results/csv`), wanted);
    const given = await server.send(`/jobs/${second}/parameters/IMAGE`);
    assert.ok(Buffer.from(await given.arrayBuffer()).equals(image));
    await server.until(beam, 'COMPLETED');
    assert.match(await server.text(`/jobs/${beam}/results/csv`), /flux_corrected,primary_beam/);

    const entity = `otf:job-${first}-image`;
    const own = await provenance(second);
    assert.ok(entity in records.entity && entity in own.entity);
    assert.deepEqual(own.entity[entity]?.['prov:location'], records.entity[entity]?.['prov:location']);
    const derived = Object.values(own.wasDerivedFrom).map((each) => each['prov:usedEntity']);
    assert.deepEqual(derived, [entity]);

    // And a third of the second: still the file of the first.
    const third = await server.submit({ IMAGE: `job:${second}/IMAGE` });
    await server.until(third, 'COMPLETED');
    assert.ok(entity in (await provenance(third)).entity);

    async function provenance(id: string) {
      return JSON.parse(await server.text(`/jobs/${id}/results/provjson`)) as Record<
        'entity' | 'wasDerivedFrom',
        Record<string, Record<string, unknown>>
      >;
    }
  });

  it('may be a result in any format; what is no image is the job that fails of it', async (t) => {
    const server = await startTestServer(t);
    const first = await server.submit({}, image);
    await server.until(first, 'COMPLETED');
    const table = await server.until(await server.submit({ IMAGE: `job:${first}/fits` }), 'ERROR');
    assert.match(table.error, /no image|no two-dimensional image/i);
    const text = await server.until(await server.submit({ IMAGE: `job:${first}/log` }), 'ERROR');
    assert.match(text.error, /job\.log is not a FITS file/);
    const pending = await server.submit({ PHASE: '' }, image);
    const change = { method: 'POST', body: new URLSearchParams({ BEAM: `job:${first}/IMAGE`, PHASE: 'RUN' }) };
    assert.equal((await server.send(`/jobs/${pending}/parameters`, change)).status, 303);
    await server.until(pending, 'COMPLETED');
    assert.match(await server.text(`/jobs/${pending}/results/csv`), /flux_corrected/);
  });

  it('is refused when there is none, and nothing of the request is kept', async (t) => {
    const server = await startTestServer(t);
    const pending = await server.submit({ PHASE: '' }, image);
    const refused = async (value: string, says: RegExp) => {
      const answer = await server.post({ IMAGE: value });
      assert.equal(answer.status, 400, value);
      assert.match(await answer.text(), says);
    };
    await refused('job:nobody/IMAGE', /job:nobody\/IMAGE: no such job/);
    const ended = await server.submit({ PHASE: '' }, image);
    await server.send(`/jobs/${ended}/phase`, { method: 'POST', body: new URLSearchParams({ PHASE: 'ABORT' }) });
    await refused(`job:${ended}/result`, /the job is ABORTED: it has no results/);
    await refused(`job:${pending}/../otf.sqlite`, /neither a file, nor param:NAME, nor job:ID\/RESULT, nor a URL|job:/);
    await refused(`job:${pending}`, /URLs are not accepted|nor job:ID/);
    const done = await server.submit({}, image);
    await server.until(done, 'COMPLETED');
    await refused(`job:${done}/BEAM`, /neither a result nor an upload "BEAM"/);
    await refused(`job:${done}/constructor`, /neither a result nor an upload/);
    const jobs = [...(await server.text('/jobs')).matchAll(/<uws:jobref/g)];
    assert.equal(jobs.length, 3);
  });

  it('is named to submit as to the server', async (t) => {
    const server = await startTestServer(t);
    const first = await server.submit({}, image);
    await server.until(first, 'COMPLETED');
    const args = ['submit', `job:${first}/IMAGE`, '--server', server.url, '--box', '1,1,200,200', '--wait'];
    const { code, stderr } = runCli(args, scratchDir());
    assert.equal(code, 0, stderr);
  });
});
