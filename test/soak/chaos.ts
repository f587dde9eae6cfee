/**
 * A server with workers under kill -9: of workers, of the broker, of the server, and with networks that are cut between them. Afterwards
 * every job that was acknowledged has ended once, with the one catalogue its image has, or was aborted on purpose.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { field, pause, startTestServer, type TestServer, tempDir } from '../support/server.js';
import { makeSites, type Sites } from '../support/sites.js';
import { startSite, startSiteAt, TestWorker } from '../support/workers.js';
import { random } from './random.js';

export interface ChaosOptions {
  /** It goes on for so long at least, */
  seconds: number;
  /** until so many jobs were acknowledged, */
  jobs: number;
  /** and so much was killed. */
  kills: number;
  seed: number;
  workers: number;
  /** A start of the server would hide jobs that are stuck: it is to be tried without, too. */
  killServer: boolean;
  /** Each worker is at a site of its own, which is cut off now and then; its images are larger. Needs root. */
  cuts: boolean;
  say: (line: string) => void;
}

/** Longest pause between two kills. */
const kPauseMs = 3000;
const kAborted = 0.05;
/** Of the kills of a broker. */
const kWiped = 0.3;
/** Nothing has ended for so long. */
const kPatienceMs = 600_000;
const kSubmitters = 3;
/** Jobs that wait: what is submitted beyond that only waits for the end of the play. */
const kMostWaiting = 150;
const kLookMs = 100;
/** After a kill of broker or server until workers have been heard of again. */
const kCalmMs = 5000;
/** A job may be unlucky more often than it would be given a chance for elsewhere. */
const kEnv = { CIANNA_OTF_POLICY_MAX_QUEUED: '100000', CIANNA_OTF_WORKERS_ATTEMPTS: '100' };
/** Of what happens to workers. */
const kCut = 0.6;
const kCutMs = 8000;
const kFinal = ['COMPLETED', 'ERROR', 'ABORTED'];

export async function chaos(t: TestContext, options: ChaosOptions): Promise<string[]> {
  const { seconds, jobs: most, kills: mostKills, seed, workers: count, killServer, cuts, say } = options;
  const next = random(seed);
  const dir = await tempDir(t);
  const images = await Promise.all((cuts ? [700, 800] : [200, 300]).map((side, index) => field(dir, side, index + 1)));
  const sites = cuts ? new CutSites(makeSites(t, count)) : undefined;
  const site = sites ? await startSiteAt(t, sites.address, kEnv) : { ...(await startSite(t, kEnv)), env: {} };
  const startAgain = 'again' in site ? site.again : () => startTestServer(t, site.options);
  let { server } = site;
  const ends = new Ends(() => server);
  let started = 0;
  const employ = (_: unknown, index: number) =>
    new TestWorker(t, server, `w${started++}`, `${dir}/cache`, site.env, sites?.names[index]);
  const workers = Array.from({ length: count }, employ);
  await Promise.all(workers.map((worker) => worker.ready()));
  const jobs = new Map<string, number>();
  // Each image is sent once: what is tried is the way of jobs, not that of uploads.
  const uploaded: string[] = [];
  for (const [index, image] of images.entries()) {
    const id = await server.submit({ RUNID: `image ${index}` }, image);
    uploaded.push(`job:${id}/IMAGE`);
    jobs.set(id, index);
  }
  const aborted = new Set<string>();
  const kills = { worker: 0, broker: 0, wiped: 0, server: 0 };
  const all = () => kills.worker + kills.broker + kills.server;
  let noticedMs = 0;
  let awayMs = 0;
  let over = false;
  const submit = async () => {
    for (let i = 0; !over; i++) {
      while (!over && i % kSubmitters === 0 && (await waiting(server)) > kMostWaiting) await pause(kLookMs);
      // While the server is being started again nothing is acknowledged.
      const id = await server.submit({ RUNID: `c${i}`, IMAGE: uploaded[i % 2] ?? '' }).catch(() => undefined);
      if (id !== undefined) jobs.set(id, i % 2);
      if (id !== undefined && next() < kAborted) {
        // Whatever the answer: a kill may have taken it, and not the wish.
        aborted.add(id);
        await abort(server, id);
      }
      await pause(id === undefined ? 200 : 30 + next() * 100);
    }
  };
  const submitting = Promise.all(Array.from({ length: kSubmitters }, submit));
  const until = Date.now() + seconds * 1000;
  for (let told = 0; Date.now() < until || jobs.size < most || all() < mostKills; ) {
    await pause(500 + next() * kPauseMs);
    if (Math.floor(jobs.size / 500) > told) {
      told = Math.floor(jobs.size / 500);
      say(`${jobs.size} jobs, ${ends.ended} ended, kills: ${JSON.stringify(kills)}`);
    }
    const what = next();
    const index = Math.floor(next() * count);
    if (what < 0.5 && sites && next() < kCut) {
      sites.cut(index, next() * kCutMs);
    } else if (what < 0.5) {
      const victim = workers[index];
      await victim?.stop('SIGKILL');
      kills.worker++;
      const goneMs = await untilGone(server, victim?.name ?? '');
      // While there is no broker nobody is late.
      if (Date.now() - goneMs - awayMs > kCalmMs) noticedMs = Math.max(noticedMs, goneMs);
      workers[index] = employ(undefined, index);
    } else if (what < 0.8 || !killServer) {
      for (const pid of await server.brokers()) process.kill(pid, 'SIGKILL');
      kills.broker++;
      awayMs = Date.now();
      if (next() < kWiped) {
        // It is being made anew meanwhile.
        await rm(join(server.dataDir, 'broker'), { recursive: true, force: true, maxRetries: 10 });
        kills.wiped++;
      }
    } else {
      await server.stop('SIGKILL');
      await pause(next() * 1000);
      server = await startAgain();
      kills.server++;
      awayMs = Date.now();
    }
  }
  over = true;
  await submitting;
  sites?.mend();
  say(
    `kills: ${JSON.stringify(kills)}; cuts: ${sites?.count ?? 0}; ${jobs.size} jobs, ${aborted.size} of them were to be aborted`,
  );
  say(`a killed worker's jobs were free to begin elsewhere after ${(noticedMs / 1000).toFixed(1)} s at most`);
  const faults = await verdict(server, jobs, aborted, say);
  return [...faults, ...(await ends.stop())];
}

/** Sites that are cut off for a while. */
class CutSites {
  count = 0;
  readonly #sites: Sites;
  readonly #cut = new Map<number, NodeJS.Timeout>();

  constructor(sites: Sites) {
    this.#sites = sites;
  }

  get address(): string {
    return this.#sites.address;
  }

  get names(): readonly string[] {
    return this.#sites.names;
  }

  /** One that is cut already stays so for longer. */
  cut(site: number, ms: number): void {
    this.count++;
    clearTimeout(this.#cut.get(site));
    this.#sites.cut(site);
    this.#cut.set(
      site,
      setTimeout(() => this.#sites.join(site), ms),
    );
  }

  mend(): void {
    for (const [site, timer] of this.#cut) {
      clearTimeout(timer);
      this.#sites.join(site);
    }
  }
}

/** Milliseconds until the server has no such worker any more: what it had is in the queue then. */
async function untilGone(server: TestServer, worker: string): Promise<number> {
  const from = Date.now();
  for (;;) {
    const state = JSON.parse(await server.text('/server')) as { workers: { name: string }[] };
    if (!state.workers.some(({ name }) => name === worker)) return Date.now() - from;
    await pause(kLookMs);
  }
}

/** Hears of every end, from whatever server there is: one more of a job that has ended is a fault. */
class Ends {
  readonly #counts = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #heard: Promise<void>;

  constructor(server: () => TestServer) {
    this.#heard = this.#hear(server);
  }

  get ended(): number {
    return this.#counts.size;
  }

  async #hear(server: () => TestServer): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const { body } = await server().send('/events', { signal: this.#stop.signal });
        let rest = '';
        for await (const piece of body ?? []) {
          const lines = (rest + Buffer.from(piece as Uint8Array).toString()).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) this.#line(line);
        }
      } catch {
        // The server was killed: the next one is asked.
      }
      await pause(kLookMs);
    }
  }

  #line(line: string): void {
    if (!line.startsWith('data: {"type":"phase"')) return;
    const { jobId, phase } = JSON.parse(line.slice('data: '.length)) as { jobId: string; phase: string };
    if (kFinal.includes(phase)) this.#counts.set(jobId, (this.#counts.get(jobId) ?? 0) + 1);
  }

  /** Faults. */
  async stop(): Promise<string[]> {
    this.#stop.abort();
    await this.#heard;
    return [...this.#counts].filter(([, count]) => count > 1).map(([id, count]) => `${id} has ended ${count} times`);
  }
}

/** Jobs in the queue; none while there is no server to ask. */
async function waiting(server: TestServer): Promise<number> {
  const metrics = await server.text('/metrics').catch(() => '');
  return Number(/^otf_jobs\{phase="QUEUED"\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

async function abort(server: TestServer, id: string): Promise<void> {
  const body = new URLSearchParams({ PHASE: 'ABORT' });
  await server.send(`/jobs/${id}/phase`, { method: 'POST', body }).catch(() => undefined);
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
  let untilMs = Date.now() + kPatienceMs;
  for (const [id, image] of jobs) {
    let phase = (await server.text(`/jobs/${id}/phase`)).trim();
    if (kFinal.includes(phase)) untilMs = Date.now() + kPatienceMs;
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
