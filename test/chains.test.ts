/** Jobs that follow others: AFTER, results to come, chains; their ends, restarts and owners. */
import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { JobStore } from '#otf/jobs/store.js';
import { type Bench, bench, tempDir } from './service/bench.js';
import { field, startTestServer } from './support/server.js';

async function made(answer: Response): Promise<string> {
  if (answer.status !== 303) throw new Error(`${answer.status} ${await answer.text()}`);
  return (answer.headers.get('location') ?? '').split('/').pop() ?? '';
}

async function follow(b: Bench, fields: Record<string, string>): Promise<string> {
  return made(await b.form('/jobs', { PHASE: 'RUN', ...fields }));
}

async function refused(answer: Promise<Response> | Response, pattern: RegExp): Promise<void> {
  const { status } = await answer;
  const text = await (await answer).text();
  assert.equal(status, 400, text);
  assert.match(text, pattern);
}

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
