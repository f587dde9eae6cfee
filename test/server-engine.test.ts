/** What happens when the engine process dies, hangs or is killed: only who is to blame fails. */
import assert from 'node:assert/strict';
import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { kRoot } from './support/cli.js';
import { crashModels } from './support/crash-models.js';
import { header, imageCards, skyCards } from './support/fits-writer.js';
import { field, pause, startTestServer, type TestServer, tempDir } from './support/server.js';

/** First values of an item that make the debug engine end its process (native/engine/host/crash_engine.h). */
const kExit = 1e30;
const kAbort = 2e30;
const kHang = 3e30;
const kFail = 5e30;
const kSide = 256;

/** One tile of faint noise whose first pixel is `first`, at the tile's first value. */
function tile(first: number): Buffer {
  const head = header([...imageCards([kSide, kSide]), ...skyCards(128)]);
  const pixels = Buffer.alloc(Math.ceil((kSide * kSide * 4) / 2880) * 2880);
  for (let i = 0; i < kSide * kSide; i++) pixels.writeFloatBE(((i * 7919) % 1000) * 1e-9, i * 4);
  pixels.writeFloatBE(first, 0);
  return Buffer.concat([head, pixels]);
}

/** A server on the debug engine with a model that normalises nothing away. */
async function crashServer(t: TestContext, env: Record<string, string> = {}): Promise<TestServer> {
  return startTestServer(t, {
    models: await crashModels(t),
    env: { OTF_DEBUG_ENGINES: '1', CIANNA_OTF_ENGINE_DEFAULT: 'crash', CIANNA_OTF_POLICY_MAX_WAIT_S: '0.3', ...env },
  });
}

async function restarts(server: TestServer): Promise<number> {
  const metrics = await server.text('/metrics');
  return Number(/^otf_engine_restarts\{[^}]*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

describe('Engine processes', () => {
  it('fails the task that ends the engine, with its last words, and no other of the batch', async (t) => {
    const server = await crashServer(t);
    // Behind a job under way for longer than a batch may wait, so that the rest are few batches.
    const first = await server.submit({}, await field(await tempDir(t), 6000, 1));
    await server.until(first, 'EXECUTING');
    const values = [0, 0, kExit, 0, kFail, 0, kAbort, 0];
    const ids = await Promise.all(values.map((value) => server.submit({}, tile(value))));
    const jobs = await Promise.all(ids.map((id) => server.until(id, 'COMPLETED', 'ERROR')));
    await server.until(first, 'COMPLETED');
    assert.deepEqual(
      jobs.map((job) => job.phase),
      values.map((value) => (value === 0 ? 'COMPLETED' : 'ERROR')),
    );
    assert.match(jobs[2]?.error ?? '', /exited with code 3/);
    assert.match(jobs[4]?.error ?? '', /exited with code 1: ERROR: the crash engine fails as it was told/);
    assert.match(jobs[6]?.error ?? '', /SIGABRT/);
    const error = await server.text(`/jobs/${jobs[2]?.id}/error`);
    assert.match(error, /the crash engine exits as it was told/);
    assert.ok(!error.includes('/'), error);
    assert.match(jobs[2]?.xml ?? '', /errorSummary type="fatal"/);
    assert.ok((await restarts(server)) >= 3);
    assert.ok(
      jobs.some((job) => Number(job.info.batchSize) > 3),
      'several shared a batch',
    );
    const log = await server.text(`/jobs/${jobs[3]?.id}/results/log`);
    assert.match(log, /sources in 1 tiles/);
    // And the server goes on as before.
    await server.until(await server.submit({}, tile(0)), 'COMPLETED');
  });

  it('ends an engine that hangs, and the task that hangs it', async (t) => {
    const server = await crashServer(t, { CIANNA_OTF_ENGINE_HANG_S: '0.7' });
    for (let i = 0; i < 3; i++) await server.until(await server.submit({}, tile(0)), 'COMPLETED');
    const values = [0, kHang, 0];
    const ids = await Promise.all(values.map((value) => server.submit({}, tile(value))));
    const jobs = await Promise.all(ids.map((id) => server.until(id, 'COMPLETED', 'ERROR')));
    assert.deepEqual(
      jobs.map((job) => job.phase),
      ['COMPLETED', 'ERROR', 'COMPLETED'],
    );
    assert.match(jobs[1]?.error ?? '', /hung/);
  });

  it('ends one that hangs in its first pass, of which nothing has been measured yet', async (t) => {
    const server = await crashServer(t, { CIANNA_OTF_ENGINE_FIRST_S: '1' });
    const job = await server.until(await server.submit({}, tile(kHang)), 'ERROR');
    assert.match(job.error, /hung/);
    await server.until(await server.submit({}, tile(0)), 'COMPLETED');
  });

  it('survives kill -9 of the engine in the middle of a batch without anybody noticing', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 4000, 7);
    const server = await startTestServer(t);
    const whole = await server.until(await server.submit({}, image), 'COMPLETED');
    const ids = await Promise.all([0, 1].map(() => server.submit({}, image)));
    await server.until(ids[0] ?? '', 'EXECUTING');
    // One that has nothing to do at that moment is no loss to anybody: the next one is killed, too.
    for (let i = 0; i < 20 && (await restarts(server)) === 0; i++) {
      for (const pid of await server.engines()) process.kill(pid, 'SIGKILL');
      await pause(100);
    }
    const expected = await server.text(`/jobs/${whole.id}/results/csv`);
    for (const id of ids) {
      await server.until(id, 'COMPLETED');
      assert.equal(await server.text(`/jobs/${id}/results/csv`), expected);
    }
    assert.ok((await restarts(server)) >= 1);
    const logs = await Promise.all(ids.map((id) => server.text(`/jobs/${id}/results/log`)));
    assert.match(logs.join(''), /ended by SIGKILL .*; the tiles are run again/);
  });

  it('starts an engine on first use, keeps it warm, and ends it when idle', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 8);
    const server = await startTestServer(t, { env: { CIANNA_OTF_ENGINE_IDLE_S: '1' } });
    assert.deepEqual(await server.engines(), []);
    await server.until(await server.submit({}, image), 'COMPLETED');
    const [pid] = await server.engines();
    assert.ok(pid);
    await server.until(await server.submit({}, image), 'COMPLETED');
    assert.deepEqual(await server.engines(), [pid]);
    for (let i = 0; i < 200 && (await server.engines()).length > 0; i++) await pause(25);
    assert.deepEqual(await server.engines(), []);
    await server.until(await server.submit({}, image), 'COMPLETED');
  });

  it('computes with what its card names, also after another start: what is another file by then fails the job', async (t) => {
    const models = join(await tempDir(t), 'models');
    const weights = join(models, 'demo-continuum/weights.dat');
    await cp(join(kRoot, 'models/demo-continuum'), dirname(weights), { recursive: true });
    const image = await field(await tempDir(t), 300, 8);
    const server = await startTestServer(t, { models, env: { CIANNA_OTF_ENGINE_IDLE_S: '1' } });
    const catalogue = async () => {
      const { id } = await server.until(await server.submit({}, image), 'COMPLETED');
      return server.text(`/jobs/${id}/results/csv`);
    };
    const expected = await catalogue();
    for (let i = 0; i < 200 && (await server.engines()).length > 0; i++) await pause(25);
    const whole = await readFile(weights);
    // A network that could be computed with: one weight is another.
    const other = Buffer.from(whole);
    other.writeFloatLE(0.5, other.length - 4096);
    await writeFile(`${weights}.new`, other);
    await rename(`${weights}.new`, weights);
    const job = await server.until(await server.submit({}, image), 'ERROR');
    assert.match(job.error, /network file weights\.dat has changed since its card was read.*restart the server/);
    assert.ok(!job.error.includes(models), job.error);
    await writeFile(weights, whole);
    const rows = (text: string) => text.split('\n').filter((line) => !line.startsWith('#'));
    assert.deepEqual(rows(await catalogue()), rows(expected));
  });

  it('ends the least recently used engine when memory is short', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 8);
    const server = await startTestServer(t, { env: { CIANNA_OTF_ENGINE_MEMORY_MB: '1' } });
    await server.until(await server.submit({ QUANTIZATION: 'FP32C_FP32A' }, image), 'COMPLETED');
    await server.until(await server.submit({ QUANTIZATION: 'BF16C_FP32A' }, image), 'COMPLETED');
    for (let i = 0; i < 200 && (await server.engines()).length > 1; i++) await pause(25);
    assert.ok((await server.engines()).length <= 1);
  });

  it('says why when no engine can be started', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 8);
    const broken = await startTestServer(t, { env: { OTF_ENGINE_PROGRAM: '/bin/false' } });
    const other = await broken.until(await broken.submit({}, image), 'ERROR');
    assert.match(other.error, /cannot be started.*exited with code 1/);
  });
});
