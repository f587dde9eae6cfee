/** Chains: several jobs with one request; their state, ends, restarts and owners. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { JobStore } from '#otf/jobs/store.js';
import { type Bench, bench, tempDir } from './service/bench.js';
import { made, refused } from './service/requests.js';
import { field, startTestServer } from './support/server.js';

interface State {
  phase: string;
  runId: string;
  steps: { name: string; phase: string; after: string[]; jobs: { id: string; phase: string; message?: string }[] }[];
}

const phasesOf = (state: State) => state.steps.map(({ jobs }) => jobs.map(({ phase }) => phase).join(' ')).join(' / ');

async function chain(b: Bench, document: unknown): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  return made(await b.send('/chains', { method: 'POST', body: JSON.stringify(document), headers }));
}

async function state(b: Bench, id: string): Promise<State> {
  return (await (await b.send(`/chains/${id}`)).json()) as State;
}

async function settled(b: Bench, id: string): Promise<State> {
  for (;;) {
    const now = await state(b, id);
    if (!['EXECUTING', 'QUEUED', 'PENDING', 'HELD'].includes(now.phase)) return now;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a chain', () => {
  const image = 'https://example.org/a.fits';

  it('is made with one request: lists fan out, what takes their files fans out with them, the rest waits for all', async (t) => {
    const b = await bench(t, { hold: true });
    const upload = await b.create();
    const id = await chain(b, {
      runId: 'night <12>',
      steps: [
        { name: 'detect', fields: { MODEL: 'demo-continuum' }, each: { IMAGE: [image, `job:${upload}/IMAGE`, image] } },
        { name: 'again', fields: { IMAGE: 'step:detect/result', PRIORITY: 7 } },
        { name: 'last', after: ['again'], fields: { IMAGE: image } },
      ],
    });
    const begun = await state(b, id);
    assert.equal(begun.runId, 'night <12>');
    assert.equal(begun.phase, 'QUEUED');
    assert.equal(await b.text(`/chains/${id}/phase`), 'QUEUED');
    assert.equal((await b.send(`/chains/${id}/phase`, { method: 'PUT' })).status, 405);
    assert.equal((await b.send('/chains/cnone/phase', { method: 'PUT' })).status, 404);
    assert.equal(phasesOf(begun), 'QUEUED QUEUED QUEUED / HELD HELD HELD / HELD');
    assert.deepEqual(begun.steps[1]?.after, ['detect']);
    b.executor.release();
    while (!phasesOf(await state(b, id)).includes('/ QUEUED QUEUED QUEUED /')) await new Promise(setImmediate);
    assert.equal((await state(b, id)).phase, 'EXECUTING');
    b.executor.release();
    while (!phasesOf(await state(b, id)).endsWith('/ QUEUED')) await new Promise(setImmediate);
    b.executor.release();
    const done = await settled(b, id);
    assert.equal(done.phase, 'COMPLETED');
    for (const [index, { id: jobId }] of (done.steps[1]?.jobs ?? []).entries()) {
      const from = done.steps[0]?.jobs[index]?.id;
      assert.match(await b.text(`/jobs/${jobId}/results/provjson`), new RegExp(`job-${jobId}`));
      const row = b.server.jobs.get(jobId, { owner: null, remote: '', admin: true });
      assert.deepEqual(row.parameters.inputs.IMAGE?.[0], {
        ...row.parameters.inputs.IMAGE?.[0],
        origin: { jobId: from, result: 'result' },
      });
      assert.match(await b.text(`/jobs/${jobId}`), new RegExp(`<otf:chain>${id}</otf:chain>\\s*<otf:chainStep>again<`));
    }
    await b.send(`/chains/${id}`, { method: 'DELETE' });
    assert.equal((await b.send(`/chains/${id}`)).status, 404);
    assert.equal(b.server.jobs.counts().jobs, 1);
  });

  it('waits for all of a step before it, also for more jobs than a request may name', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await chain(b, {
      steps: [
        { name: 'many', each: { IMAGE: Array(130).fill(image) } },
        { name: 'last', after: ['many'], fields: { IMAGE: image } },
      ],
    });
    const { steps } = await state(b, id);
    const [last] = steps[1]?.jobs ?? [];
    const held = await b.text(`/jobs/${last?.id}`);
    for (const { id: other } of steps[0]?.jobs ?? []) assert.ok(held.includes(other), other);
    assert.equal(last?.phase, 'HELD');
    b.executor.release();
    while ((await state(b, id)).steps[1]?.phase !== 'QUEUED') await new Promise(setImmediate);
  });

  it('shows the cause where a step fails, and can be aborted as a whole', async (t) => {
    const b = await bench(t, { hold: true, failure: () => ({ type: 'fatal', message: 'no FITS' }) });
    const steps = [
      { name: 'a', fields: { IMAGE: image } },
      { name: 'b', fields: { IMAGE: 'step:a/result' } },
      { name: 'c', after: ['b'], fields: { IMAGE: image } },
    ];
    const id = await chain(b, { steps });
    b.executor.release();
    const failed = await settled(b, id);
    assert.equal(phasesOf(failed), 'ERROR / ABORTED / ABORTED');
    assert.equal(failed.phase, 'ERROR');
    assert.match(failed.steps[2]?.jobs[0]?.message ?? '', /ended as ABORTED: .*ended as ERROR: no FITS/);
    const other = await chain(b, { steps });
    assert.equal((await b.form(`/chains/${other}/phase`, { PHASE: 'ABORT' })).status, 303);
    assert.equal(phasesOf(await state(b, other)), 'ABORTED / ABORTED / ABORTED');
    await refused(b.form(`/chains/${other}/phase`, { PHASE: 'RUN' }), /ABORT can/);
  });

  it('is made whole or not at all', async (t) => {
    const b = await bench(t, { hold: true });
    const post = (document: unknown) =>
      b.send('/chains', { method: 'POST', body: typeof document === 'string' ? document : JSON.stringify(document) });
    const one = { name: 'a', fields: { IMAGE: image } };
    const bad: [unknown, RegExp][] = [
      ['{', /no JSON/],
      [[], /expected object/],
      [{ steps: [] }, /steps/],
      [{ steps: [one], more: 1 }, /[Uu]nrecognized key/],
      [{ steps: [one, one] }, /two named a/],
      [
        {
          steps: [
            { ...one, after: ['b'] },
            { ...one, name: 'b' },
          ],
        },
        /step a: there is no step b before it/,
      ],
      [{ steps: [one, { name: 'b', fields: { IMAGE: 'step:c/result' } }] }, /no step c before it/],
      [{ steps: [one, { name: 'b', fields: { IMAGE: image, HDU: 'x' } }] }, /step b: HDU=x/],
      [{ steps: [one, { name: 'b', fields: { IMAGE: image, PHASE: 'RUN' } }] }, /step b: PHASE is the chain's/],
      [{ steps: [one, { name: 'b', fields: {} }] }, /step b: IMAGE is missing/],
      [
        { steps: [{ name: 'a', each: { IMAGE: [image, image], HDU: [1] } }] },
        /lists are of different lengths \(2, 1\)/,
      ],
      [{ steps: [{ name: 'a', each: { IMAGE: Array(1001).fill(image) } }] }, /steps\.0\.each/],
      [{ steps: [{ name: '__proto__', fields: { IMAGE: image } }] }, /steps\.0\.name/],
      [{ runId: 'a\u0000', steps: [one] }, /control characters/],
    ];
    for (const [document, pattern] of bad) await refused(await post(document), pattern);
    const unknown = await post({ steps: [one, { name: 'b', fields: { IMAGE: image, MODEL: 'none' } }] });
    assert.equal(unknown.status, 422);
    assert.equal((await post(`"${'x'.repeat(1 << 20)}"`)).status, 413);
    assert.equal(b.server.jobs.counts().jobs, 0);
    assert.deepEqual(await readdir(join(b.dataDir, 'jobs')), []);
    assert.deepEqual(b.errors, []);
  });

  it('goes on after a restart in the middle; half of one that nobody was told of is gone', async (t) => {
    const dataDir = await tempDir(t);
    const b = await bench(t, { hold: true }, {}, dataDir);
    const steps = [
      { name: 'a', each: { IMAGE: [image, image] } },
      { name: 'b', fields: { IMAGE: 'step:a/result' } },
      { name: 'c', after: ['b'], fields: { IMAGE: image } },
    ];
    const id = await chain(b, { steps });
    const [first] = (await state(b, id)).steps[0]?.jobs ?? [];
    const lone = await b.create();
    await b.executor.host.executing(first?.id ?? '', {});
    await b.executor.finish(first?.id ?? '');
    while (!phasesOf(await state(b, id)).includes('/ QUEUED HELD /')) await new Promise(setImmediate);
    await b.server.stop();
    // A crash between the jobs of a chain and its row, and one between its row and their start.
    const store = new JobStore(dataDir);
    const row = store.get(lone);
    assert.ok(row);
    const of = (chainId: string) => ({ ...row.parameters, chain: { id: chainId, step: 'a' } });
    store.load([{ ...row, parameters: of('cnobody') }]);
    store.close();
    const again = await bench(t, {}, {}, dataDir);
    const done = await settled(again, id);
    assert.equal(phasesOf(done), 'COMPLETED COMPLETED / COMPLETED COMPLETED / COMPLETED');
    assert.equal((await again.send(`/jobs/${lone}`)).status, 404);
  });

  it('loses nothing when the server is killed, with real engines', async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const upload = await server.submit({ PHASE: '' }, await field(dir, 600));
    const document = {
      steps: [
        { name: 'a', each: { IMAGE: Array.from({ length: 6 }, () => `job:${upload}/IMAGE`) } },
        { name: 'b', after: ['a'], fields: { IMAGE: `job:${upload}/IMAGE`, BOX: '1,1,300,300' } },
      ],
    };
    const answer = await server.send('/chains', { method: 'POST', body: JSON.stringify(document) });
    const path = new URL(answer.headers.get('location') ?? '').pathname;
    await server.stop('SIGKILL');
    const again = await startTestServer(t, { dataDir: server.dataDir });
    for (;;) {
      const now = (await (await again.send(path)).json()) as State;
      if (now.phase === 'COMPLETED') break;
      assert.ok(['QUEUED', 'EXECUTING', 'HELD'].includes(now.phase), JSON.stringify(now));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  });

  it("is its owner's alone", async (t: TestContext) => {
    const b = await bench(t, { hold: true }, { auth: { owner_header: 'x-user', admins: ['root'] } });
    b.headers['x-user'] = 'ada';
    const id = await chain(b, { steps: [{ name: 'a', fields: { IMAGE: image } }] });
    const [job] = (await state(b, id)).steps[0]?.jobs ?? [];
    b.headers['x-user'] = 'bob';
    for (const method of ['GET', 'DELETE', 'PUT'])
      assert.equal((await b.send(`/chains/${id}`, { method })).status, 404);
    assert.equal((await b.form(`/chains/${id}/phase`, { PHASE: 'ABORT' })).status, 404);
    await refused(b.form('/jobs', { IMAGE: image, AFTER: job?.id ?? '' }), /no such job/);
    b.headers['x-user'] = 'root';
    assert.equal((await state(b, id)).phase, 'QUEUED');
  });
});
