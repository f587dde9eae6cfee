import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kRoot, runCli } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { field, pause, startTestServer, type TestServer, tempDir } from './support/server.js';
import { until } from './support/until.js';

/** Rows of a catalogue, without what says when and for whom it was made. */
async function rows(server: TestServer, id: string): Promise<string> {
  return server.text(`/jobs/${id}/results/csv`);
}

async function twin(models: string, id: string): Promise<void> {
  const from = join(kRoot, 'models/demo-continuum');
  await mkdir(join(models, id), { recursive: true });
  const card = await readFile(join(from, 'model.toml'), 'utf8');
  const named = card.replace('id = "demo-continuum"', `id = "${id}"`).replace(/^aliases = .*$/m, 'aliases = []');
  await writeFile(join(models, id, 'model.toml'), named);
  for (const name of ['weights.dat', 'int8-ranges.txt'])
    await writeFile(join(models, id, name), await readFile(join(from, name)));
}

describe('A job on a real server', () => {
  it('gives the catalogue that detect gives, in every format, and leaves nothing of its own lying about', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 700, 3);
    const server = await startTestServer(t);
    const id = await server.submit({ RUNID: 'life' }, image);
    const job = await server.until(id, 'COMPLETED');
    const detect = runCli(['detect', join(dir, 'field-700-3.fits'), '--format', 'csv', '-o', 'own.csv'], dir);
    assert.equal(detect.code, 0, detect.stderr);
    const own = await readFile(join(dir, 'own.csv'), 'utf8');
    assert.ok(own.split('\n').length > 50, 'a field with sources');
    assert.equal(await rows(server, id), own);
    const listed = [...job.xml.matchAll(/<uws:result id="(\w+)"/g)].map(([, name]) => name).sort();
    assert.deepEqual(listed, ['log', 'provjson', 'provn', 'provxml', 'result']);
    const formats = { 'votable-binary2': '<?xml', fits: 'SIMPLE', json: '{', reg: '# Region', votable: '<?xml' };
    for (const [format, begin] of Object.entries(formats)) {
      const answer = await server.text(`/jobs/${id}/results/result?RESPONSEFORMAT=${format}`);
      assert.ok(answer.startsWith(begin), `${format}: ${answer.slice(0, 40)}`);
    }
    assert.equal(job.info.tilesDone, '9');
    assert.equal(job.info.batchReason, 'idle');
    assert.equal(job.info.computeType, 'FP32C_FP32A');
    for (const name of ['result', 'log', 'provjson', 'json']) {
      assert.ok(!(await server.text(`/jobs/${id}/results/${name}`)).includes(server.dataDir), `${name} names a path`);
    }
    const files = await readdir(join(server.dataDir, 'jobs', id));
    assert.deepEqual(
      files.filter((file) => file.endsWith('.tmp')),
      [],
    );
    assert.equal(await server.stop(), 0);
  });

  it('runs regions as asked, in FITS pixels and on the sky', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 700, 3);
    const server = await startTestServer(t);
    const boxed = await server.until(await server.submit({ BOX: '101,51,300,280' }, image), 'COMPLETED');
    const detect = runCli(
      ['detect', join(dir, 'field-700-3.fits'), '--box', '101,51,300,280', '--format', 'csv', '-o', 'own.csv'],
      dir,
    );
    assert.equal(detect.code, 0, detect.stderr);
    assert.equal(await rows(server, boxed.id), await readFile(join(dir, 'own.csv'), 'utf8'));
    const outside = await server.until(await server.submit({ BOX: '5000,5000,10,10' }, image), 'ERROR');
    assert.match(outside.error, /field\.fits|region|image/);
  });

  it('keeps the raw network output for older clients', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 4);
    const server = await startTestServer(t);
    const body = new FormData();
    const xml =
      '<job><phase>QUEUING</phase><parameters><parameter id="ModelName">demo-continuum.dat</parameter></parameters></job>';
    body.append('xml', new Blob([xml]), 'parameters.xml');
    body.append('fits', new Blob([new Uint8Array(image)]), 'image.fits');
    const created = await server.send('/jobs/', { method: 'POST', body });
    assert.equal(created.status, 303);
    const id = (created.headers.get('location') ?? '').split('/').pop() ?? '';
    await server.until(id, 'COMPLETED');
    const answer = await server.send(`/jobs/${id}/results`);
    assert.match(answer.headers.get('content-disposition') ?? '', new RegExp(`net0_rts_${id}.dat`));
    const values = new Float32Array(await answer.arrayBuffer());
    // 2 x 2 tiles, 16 x 16 cells, 5 boxes of 8 + 5 planes.
    assert.equal(values.length, 4 * 16 * 16 * 5 * 13);
    assert.ok(values.some((value) => value !== 0) && values.every(Number.isFinite));
  });

  it('runs two models and two compute types at once, and each says which it was', async (t) => {
    const dir = await tempDir(t);
    const models = join(dir, 'models');
    await twin(models, 'demo-continuum');
    await twin(models, 'twin');
    const image = await field(dir, 400, 5);
    const server = await startTestServer(t, { models });
    const wanted = ['demo-continuum', 'twin'].flatMap((MODEL) =>
      ['FP32C_FP32A', 'BF16C_FP32A'].flatMap((QUANTIZATION) => [0, 1, 2].map(() => ({ MODEL, QUANTIZATION }))),
    );
    const ids = await Promise.all(wanted.map((fields) => server.submit(fields, image)));
    const jobs = await Promise.all(ids.map((id) => server.until(id, 'COMPLETED')));
    const exact = await rows(server, ids[0] ?? '');
    for (const [index, job] of jobs.entries()) {
      assert.equal(job.info.model, wanted[index]?.MODEL);
      assert.equal(job.info.quantization, wanted[index]?.QUANTIZATION);
      if (wanted[index]?.QUANTIZATION === 'FP32C_FP32A') assert.equal(await rows(server, job.id), exact);
    }
    assert.equal((await server.engines()).length, 4);
    const batches = new Map<string, string>();
    for (const [index, job] of jobs.entries()) {
      const key = `${wanted[index]?.MODEL}/${wanted[index]?.QUANTIZATION}`;
      const known = batches.get(job.info.batchId ?? '') ?? key;
      assert.equal(known, key, 'a batch is of one key');
      batches.set(job.info.batchId ?? '', key);
    }
  });

  it('serves owners in turn: many jobs of one do not hold up the other', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 250, 6);
    // The plain engine: slow enough on any machine for a queue to be there.
    const env = {
      CIANNA_OTF_AUTH_OWNER_HEADER: 'x-remote-user',
      CIANNA_OTF_AUTH_ADMINS: 'root',
      CIANNA_OTF_POLICY_MAX_BATCH: '2',
      CIANNA_OTF_ENGINE_DEFAULT: 'reference',
    };
    const server = await startTestServer(t, { env });
    server.headers = { 'x-remote-user': 'root' };
    const busy: string[] = [];
    for (let i = 0; i < 16; i++) busy.push(await server.submit({}, image, { 'x-remote-user': 'busy' }));
    const rare = await Promise.all([0, 1].map(() => server.submit({}, image, { 'x-remote-user': 'rare' })));
    const ends = (await Promise.all(busy.map((id) => server.until(id, 'COMPLETED'))))
      .map((job) => job.endMs)
      .sort((a, b) => a - b);
    for (const id of rare) {
      const { endMs } = await server.until(id, 'COMPLETED');
      assert.ok(endMs <= (ends[11] ?? 0), 'ended before the last four of the busy owner');
    }
  });

  it('lets small images through beside a large one', async (t) => {
    const dir = await tempDir(t);
    const large = await field(dir, 4000, 7);
    const small = await field(dir, 300, 8);
    const server = await startTestServer(t, { env: { CIANNA_OTF_POLICY_MAX_WAIT_S: '0.2' } });
    const big = await server.submit({}, large);
    await server.until(big, 'EXECUTING');
    const ids = await Promise.all([0, 1, 2].map(() => server.submit({}, small)));
    for (const id of ids) await server.until(id, 'COMPLETED');
    assert.equal((await server.job(big)).phase, 'EXECUTING');
    await server.until(big, 'COMPLETED');
  });

  it('lets a bad image fail alone, with a line about it', async (t) => {
    const dir = await tempDir(t);
    const good = await field(dir, 500, 9);
    const server = await startTestServer(t);
    const cut = good.subarray(0, good.length / 2);
    const cases = [good, cut, good, Buffer.from('no FITS at all'), good];
    const ids = await Promise.all(cases.map((image) => server.submit({}, image)));
    const jobs = await Promise.all(ids.map((id) => server.until(id, 'COMPLETED', 'ERROR')));
    assert.deepEqual(
      jobs.map((job) => job.phase),
      ['COMPLETED', 'ERROR', 'COMPLETED', 'ERROR', 'COMPLETED'],
    );
    for (const job of [jobs[1], jobs[3]]) {
      assert.match(job?.error ?? '', /field\.fits/);
      assert.ok(!job?.error.includes('/'), job?.error);
    }
  });

  it('aborts in every phase and honours executionDuration', async (t) => {
    const dir = await tempDir(t);
    const large = await field(dir, 2000, 7);
    const small = await field(dir, 250, 8);
    // The plain engine is slow enough on any machine, one tile at a time soon over.
    const server = await startTestServer(t, {
      env: {
        CIANNA_OTF_POLICY_MAX_WAIT_S: '30',
        CIANNA_OTF_ENGINE_DEFAULT: 'reference',
        CIANNA_OTF_ENGINE_BATCH: '1',
      },
    });
    const abort = (id: string) =>
      server.send(`/jobs/${id}/phase`, { method: 'POST', body: new URLSearchParams({ PHASE: 'ABORT' }) });
    const pending = await server.submit({ PHASE: '' }, small);
    await abort(pending);
    assert.equal((await server.job(pending)).phase, 'ABORTED');
    const executing = await server.submit({}, large);
    await server.until(executing, 'EXECUTING');
    const queued = await server.submit({}, small);
    assert.equal((await server.job(queued)).phase, 'QUEUED');
    await abort(queued);
    assert.equal((await server.job(queued)).phase, 'ABORTED');
    await abort(executing);
    assert.equal((await server.job(executing)).phase, 'ABORTED');
    const timed = await server.submit({ EXECUTIONDURATION: '1' }, large);
    const after = await server.until(timed, 'ABORTED');
    assert.ok(after.endMs - after.startMs >= 1000, `${after.endMs - after.startMs} ms`);
    // What was aborted holds nothing up.
    await server.until(await server.submit({}, small), 'COMPLETED');
    assert.equal((await server.job(executing)).phase, 'ABORTED');
  });

  it('fetches an image while EXECUTING, checks it, and can be aborted there', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 8);
    let held = 0;
    const source = createServer((request, response) => {
      if (request.url === '/slow.fits') {
        held++;
        response.writeHead(200, { 'content-length': image.length }).write(image.subarray(0, 5000));
      } else if (request.url === '/field.fits') createReadStream(join(dir, 'field-300-8.fits')).pipe(response);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
    atEnd(t, () => {
      source.closeAllConnections();
      source.close();
    });
    const address = source.address();
    const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const refusing = await startTestServer(t);
    const refused = await refusing.until(await refusing.submit({ IMAGE: `${base}/field.fits` }), 'ERROR');
    assert.match(refused.error, /private addresses/);
    const server = await startTestServer(t, { env: { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' } });
    const slow = await server.submit({ IMAGE: `${base}/slow.fits` });
    const fetched = await server.until(await server.submit({ IMAGE: `${base}/field.fits` }), 'COMPLETED');
    const uploaded = await server.until(await server.submit({}, image), 'COMPLETED');
    assert.equal(await rows(server, fetched.id), await rows(server, uploaded.id));
    const wrong = { IMAGE: `${base}/field.fits`, IMAGE_SHA256: 'a'.repeat(64) };
    assert.match((await server.until(await server.submit(wrong), 'ERROR')).error, /sha256/);
    assert.match((await server.until(await server.submit({ IMAGE: `${base}/none.fits` }), 'ERROR')).error, /404/);
    assert.equal((await server.job(slow)).phase, 'EXECUTING');
    assert.equal(held, 1);
    await server.send(`/jobs/${slow}/phase`, { method: 'POST', body: new URLSearchParams({ PHASE: 'ABORT' }) });
    assert.equal((await server.job(slow)).phase, 'ABORTED');
    const kept = () => readdir(join(server.dataDir, 'jobs', slow));
    for (let i = 0; i < 100 && (await kept()).length > 0; i++) await pause(20);
    assert.deepEqual(await kept(), []);
  });

  it('answers 503 with Retry-After when the queue is full, and keeps nothing of it', async (t) => {
    const dir = await tempDir(t);
    const large = await field(dir, 4000, 7);
    const small = await field(dir, 300, 8);
    // The plain engine is busy for long enough on any machine.
    const env = {
      CIANNA_OTF_POLICY_MAX_QUEUED: '3',
      CIANNA_OTF_POLICY_MAX_WAIT_S: '30',
      CIANNA_OTF_ENGINE_DEFAULT: 'reference',
      CIANNA_OTF_ENGINE_BATCH: '1',
    };
    const server = await startTestServer(t, { env });
    const busy = await server.submit({}, large);
    // Not only begun: until its tiles are there the engine is free for others.
    await until(async () => Number((await server.job(busy)).info.tilesDone) > 0, 'no tile was done');
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.post({}, small)));
    const full = answers.filter((answer) => answer.status === 503);
    assert.equal(answers.filter((answer) => answer.status === 303).length, 3);
    assert.equal(full.length, 5);
    for (const answer of full) assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    assert.equal((await readdir(join(server.dataDir, 'jobs'))).length, 4);
    await server.send(`/jobs/${busy}`, { method: 'DELETE' });
  });
});
