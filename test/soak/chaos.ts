/**
 * A server with workers under kill -9: of workers, of the broker, of the server. Afterwards every job that was acknowledged has
 * ended once, with the one catalogue its image has, or was aborted on purpose.
 */
import type { TestContext } from 'node:test';
import { field, pause, startTestServer, type TestServer, tempDir } from '../support/server.js';
import { startSite, TestWorker } from '../support/workers.js';
import { random } from './random.js';

export interface ChaosOptions {
  seconds: number;
  seed: number;
  workers: number;
  /** A start of the server would hide jobs that are stuck: it is to be tried without, too. */
  killServer: boolean;
  say: (line: string) => void;
}

/** Longest pause between two kills. */
const kPauseMs = 3000;
const kAborted = 0.05;
const kPatienceMs = 240_000;
const kFinal = ['COMPLETED', 'ERROR', 'ABORTED'];

export async function chaos(t: TestContext, options: ChaosOptions): Promise<string[]> {
  const { seconds, seed, workers: count, killServer, say } = options;
  const next = random(seed);
  const dir = await tempDir(t);
  const images = [await field(dir, 600, 1), await field(dir, 900, 2)];
  const site = await startSite(t, { CIANNA_OTF_POLICY_MAX_QUEUED: '100000' });
  let { server } = site;
  let started = 0;
  const employ = () => new TestWorker(t, server, `w${started++}`, `${dir}/cache`);
  const workers = Array.from({ length: count }, employ);
  await Promise.all(workers.map((worker) => worker.ready()));
  const jobs = new Map<string, number>();
  const aborted = new Set<string>();
  const kills = { worker: 0, broker: 0, server: 0 };
  let over = false;
  const submit = async () => {
    for (let i = 0; !over; i++) {
      // While the server is being started again nothing is acknowledged.
      const id = await server.submit({ RUNID: `c${i}` }, images[i % 2]).catch(() => undefined);
      if (id !== undefined) jobs.set(id, i % 2);
      if (id !== undefined && next() < kAborted && (await abort(server, id))) aborted.add(id);
      await pause(id === undefined ? 200 : 30 + next() * 100);
    }
  };
  const submitting = submit();
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until) {
    await pause(500 + next() * kPauseMs);
    const what = next();
    if (what < 0.5) {
      const index = Math.floor(next() * count);
      await workers[index]?.stop('SIGKILL');
      workers[index] = employ();
      kills.worker++;
    } else if (what < 0.8 || !killServer) {
      for (const pid of await server.brokers()) process.kill(pid, 'SIGKILL');
      kills.broker++;
    } else {
      await server.stop('SIGKILL');
      await pause(next() * 1000);
      server = await startTestServer(t, site.options);
      kills.server++;
    }
  }
  over = true;
  await submitting;
  say(`kills: ${JSON.stringify(kills)}; ${jobs.size} jobs, ${aborted.size} of them aborted`);
  return verdict(server, jobs, aborted, say);
}

async function abort(server: TestServer, id: string): Promise<boolean> {
  const body = new URLSearchParams({ PHASE: 'ABORT' });
  const answer = await server.send(`/jobs/${id}/phase`, { method: 'POST', body }).catch(() => undefined);
  return answer?.status === 303;
}

async function verdict(
  server: TestServer,
  jobs: ReadonlyMap<string, number>,
  aborted: ReadonlySet<string>,
  say: (line: string) => void,
): Promise<string[]> {
  const faults: string[] = [];
  const catalogues = new Map<number, string>();
  const phases = new Map<string, number>();
  const untilMs = Date.now() + kPatienceMs;
  for (const [id, image] of jobs) {
    let phase = (await server.text(`/jobs/${id}/phase`)).trim();
    while (!kFinal.includes(phase) && Date.now() < untilMs) {
      await pause(200);
      phase = (await server.text(`/jobs/${id}/phase`)).trim();
    }
    phases.set(phase, (phases.get(phase) ?? 0) + 1);
    if (phase === 'ABORTED' && aborted.has(id)) continue;
    // Its end may have come before the wish.
    if (phase !== 'COMPLETED') {
      faults.push(`${id} is ${phase}: ${(await server.text(`/jobs/${id}/error`)).trim()}`);
      continue;
    }
    const rows = await server.text(`/jobs/${id}/results/csv`);
    const first = catalogues.get(image) ?? rows;
    catalogues.set(image, first);
    if (rows !== first || !rows.includes('\n')) faults.push(`${id} has another catalogue than its image`);
  }
  say(`phases: ${JSON.stringify(Object.fromEntries(phases))}`);
  const metrics = await server.text('/metrics');
  for (const [line] of metrics.matchAll(/^otf_worker_(?:lost|back|adopted|refused|garbled)_total \d+$/gm)) say(line);
  return faults;
}
