/** kill -9, SIGTERM and a full disk: nothing acknowledged is lost, nothing is done twice. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { random } from './soak/random.js';
import { kNoDisks, mounted } from './support/disks.js';
import { startCommand } from './support/peers.js';
import { copyProgram } from './support/program-copy.js';
import { field, isRunning, pause, startTestServer, type TestServer, tempDir } from './support/server.js';

const kSeed = 20_260_101;
const kKills = 10;

/** Submits until told to stop; every id is one that was acknowledged. */
async function submitAll(
  server: TestServer,
  images: Buffer[],
  acknowledged: string[],
  stop: { now: boolean },
): Promise<void> {
  for (let i = 0; !stop.now; i++) {
    try {
      acknowledged.push(await server.submit({ RUNID: `n${i}` }, images[i % images.length]));
    } catch {
      // The server is gone in the middle of the request: not acknowledged.
      return;
    }
  }
}

describe('The end of a server', () => {
  it(`loses nothing to ${kKills} kill -9 under load (seed ${kSeed})`, async (t) => {
    const next = random(kSeed);
    const dataDir = await tempDir(t);
    const images = [await field(dataDir, 300, 1), await field(dataDir, 600, 2)];
    const env = { CIANNA_OTF_POLICY_MAX_QUEUED: '100000' };
    const acknowledged: string[] = [];
    const finished = new Map<string, number>();
    for (let round = 0; round < kKills; round++) {
      const server = await startTestServer(t, { dataDir, env });
      const stop = { now: false };
      const load = [0, 1].map(() => submitAll(server, images, acknowledged, stop));
      await pause(50 + next() * 950);
      // The oldest are the first to be finished.
      for (const id of acknowledged.filter((each) => !finished.has(each)).slice(0, 20)) {
        const job = await server.job(id);
        if (job.phase === 'COMPLETED') finished.set(id, job.endMs);
      }
      const engines = await server.engines();
      await server.stop('SIGKILL');
      stop.now = true;
      await Promise.all(load);
      for (let i = 0; i < 100 && engines.some(isRunning); i++) await pause(20);
      assert.ok(!engines.some(isRunning), 'an engine outlived its server');
    }
    const server = await startTestServer(t, { dataDir, env });
    assert.ok(acknowledged.length >= kKills, `${acknowledged.length} jobs were acknowledged`);
    assert.equal(new Set(acknowledged).size, acknowledged.length);
    const expected = new Map<string, string>();
    for (const id of acknowledged) {
      const job = await server.until(id, 'COMPLETED');
      assert.ok(finished.get(id) === undefined || finished.get(id) === job.endMs, 'a finished job ran again');
      const size = (await server.send(`/jobs/${id}/parameters/IMAGE`)).headers.get('content-length') ?? '';
      const rows = await server.text(`/jobs/${id}/results/csv`);
      assert.equal(rows, expected.get(size) ?? rows);
      expected.set(size, rows);
    }
    assert.equal(expected.size, images.length);
    assert.ok(finished.size > 0, 'some had finished before a kill');
    t.diagnostic(`${acknowledged.length} jobs acknowledged, ${finished.size} seen finished before a kill`);
  });

  it('finishes what runs on SIGTERM, refuses what comes, and takes up the rest afterwards', async (t) => {
    const dataDir = await tempDir(t);
    const large = await field(dataDir, 2500, 7);
    const server = await startTestServer(t, { dataDir });
    const first = await server.submit({}, large);
    await server.until(first, 'EXECUTING');
    const later = await Promise.all([0, 1, 2, 3].map(() => server.submit({}, large)));
    assert.equal(await server.stop(), 0);
    const again = await startTestServer(t, { dataDir });
    assert.equal((await again.job(first)).phase, 'COMPLETED');
    for (const id of later) await again.until(id, 'COMPLETED');
    await again.stop();
    const hasty = await startTestServer(t, { dataDir, env: { CIANNA_OTF_SERVER_SHUTDOWN_S: '0' } });
    const cut = await hasty.submit({}, large);
    await hasty.until(cut, 'EXECUTING');
    assert.equal(await hasty.stop(), 0);
    const last = await startTestServer(t, { dataDir });
    await last.until(cut, 'COMPLETED');
  });

  it('survives a full disk: 503 for what does not fit, transient errors for what was running', {
    skip: kNoDisks,
  }, async (t) => {
    const dataDir = mounted(t, 'size=40m');
    if (dataDir === undefined) return t.skip('mounting is not allowed here');
    const image = await field(await tempDir(t), 1000, 3);
    const server = await startTestServer(t, { dataDir, env: { CIANNA_OTF_STORAGE_RESERVE_MB: '4' } });
    try {
      await submitUntilFull(server, image);
    } finally {
      await server.stop('SIGKILL');
    }
  });

  it('ends with one line for people when a part of itself is broken, and with the rest in its log', async (t) => {
    const copy = await copyProgram(t);
    await writeFile(join(copy, 'dist/run/local/worker.js'), 'throw new Error("a broken worker");\n');
    const program = join(copy, 'bin/cianna-otf.js');
    const args = [program, 'serve', '--port', '0', '--data-dir', join(copy, 'data')];
    const { code, stdout, stderr } = await startCommand(process.execPath, args);
    assert.equal(code, 1);
    assert.match(stderr, /^cianna-otf: internal error: a broken worker .*\n$/);
    const last = JSON.parse(stdout.trim().split('\n').pop() ?? '') as { level: number; err: { stack: string } };
    assert.equal(last.level, 60);
    assert.match(last.err.stack, /worker\.js/);
  });
});

async function submitUntilFull(server: TestServer, image: Buffer): Promise<void> {
  const ids: string[] = [];
  let refused = 0;
  for (let i = 0; i < 40 && refused < 3; i++) {
    const answer = await server.post({}, image);
    if (answer.status === 303) ids.push((answer.headers.get('location') ?? '').split('/').pop() ?? '');
    else {
      assert.equal(answer.status, 503, await answer.text());
      refused++;
    }
  }
  assert.ok(refused === 3 && ids.length > 1);
  const jobs = await Promise.all(ids.map((id) => server.until(id, 'COMPLETED', 'ERROR')));
  assert.ok(jobs.some((job) => job.phase === 'COMPLETED'));
  for (const job of jobs) {
    if (job.phase !== 'ERROR') continue;
    assert.match(job.xml, /errorSummary type="transient"/);
    assert.match(job.error, /disk is full|No space left/);
    assert.ok(!job.error.includes('/'), job.error);
  }
  for (const id of ids.slice(0, -1)) assert.equal((await server.send(`/jobs/${id}`, { method: 'DELETE' })).status, 303);
  const after = await server.until(await server.submit({}, image), 'COMPLETED');
  assert.equal(after.phase, 'COMPLETED');
}
