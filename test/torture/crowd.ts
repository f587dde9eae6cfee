/**
 * So many small tasks, of several kinds and models, with aborts and deletions among them, while the server, its engines and its
 * readers are killed every few seconds. Each that was acknowledged ends once: with its one catalogue, aborted because somebody
 * wanted it, or with a kill as its reason. Towards the end one server lives on, and may not have grown.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Ledger } from '../soak/ledger.js';
import { random } from '../soak/random.js';
import { act, type Stage, watch } from '../soak/soak.js';
import { judge } from '../soak/verdict.js';
import { pause, startTestServer, type TestServer, tempDir } from '../support/server.js';
import type { Outcome, Scene } from './scene.js';
import { idOf, pickWork, repertoire, submitted, type Work } from './works.js';

const kEnv = {
  CIANNA_OTF_POLICY_MAX_QUEUED: '60',
  CIANNA_OTF_POLICY_MAX_PENDING: '200',
  CIANNA_OTF_POLICY_OWNER_SHARE: '1',
};
const kPeople = 4;
/** Of the tasks, while servers are killed. */
const kKilledShare = 0.7;
const [kAborted, kLeft, kDeleted] = [0.05, 0.02, 0.9];
/** A server is killed once it has brought so many on their way or to their end, and so much later at the most. */
const [kProgress, kLifeMs] = [4, 5000];
/** Jobs nobody starts count as waiting, too: who leaves more of them deletes the oldest. */
const kMostLeft = 20;
/** Without a task that begins or ends: what lies still so long would do so for ever. */
const kStandstillMs = 300_000;
const kFinal = new Set(['COMPLETED', 'ERROR', 'ABORTED']);
/** Of the database, its log and what else is beside the jobs. */
const kRestMb = 200;

/** One that was acknowledged and has not been looked at in its end. */
interface Open {
  id: string;
  work: Work;
}

class Crowd {
  readonly ledger = new Ledger();
  readonly stage: Stage = { server: undefined, ending: false, over: false };
  readonly open: Open[] = [];
  readonly ends: Record<string, number> = { COMPLETED: 0, ABORTED: 0, 'ended by kills': 0 };
  readonly kills = { server: 0, engine: 0 };
  readonly #next: () => number;
  readonly #works: readonly Work[];
  readonly #tasks: number;
  readonly #left: string[] = [];
  #moved = { progress: 0, at: performance.now() };

  constructor(next: () => number, works: readonly Work[], tasks: number) {
    this.#next = next;
    this.#works = works;
    this.#tasks = tasks;
  }

  get acknowledged(): number {
    return this.ledger.jobs.size;
  }

  get done(): boolean {
    return this.acknowledged >= this.#tasks && this.open.length === 0;
  }

  get #progress(): number {
    return this.acknowledged + Object.values(this.ends).reduce((sum, count) => sum + count, 0);
  }

  /** Throws when nothing has moved for long. */
  assertMoving(): void {
    const [progress, now] = [this.#progress, performance.now()];
    if (progress !== this.#moved.progress) this.#moved = { progress, at: now };
    if (now - this.#moved.at < kStandstillMs) return;
    const { acknowledged, open } = this;
    throw new Error(`nothing moves: ${acknowledged} of ${this.#tasks} tasks, ${open.length} of them open`);
  }

  people(): Promise<void>[] {
    const next = this.#next;
    const as = (ms: () => number, once: (server: TestServer) => Promise<void>) =>
      act(this.stage, this.ledger, ms, once);
    const crowd: Promise<void>[] = [];
    for (let i = 0; i < kPeople; i++) {
      crowd.push(
        as(
          () => next() * 40,
          (server) => this.#submit(server),
        ),
      );
      crowd.push(
        as(
          () => next() * 10,
          (server) => this.#check(server),
        ),
      );
    }
    crowd.push(
      as(
        () => 1000 + next() * 3000,
        (server) => this.#killChild(server),
      ),
    );
    return crowd;
  }

  async #submit(server: TestServer): Promise<void> {
    if (this.acknowledged >= this.#tasks) return pause(100);
    const [work, left] = [pickWork(this.#works, this.#next()), this.#next() < kLeft];
    const answer = await submitted(server, work, left ? { PHASE: '' } : {});
    const text = await answer.text();
    this.ledger.answered('POST /jobs', answer.status, text);
    if (answer.status !== 303) return pause(200);
    const id = idOf(answer);
    this.ledger.acknowledged(id, false, left);
    // One that nobody starts: it stays, and is what the end of the server has to find again.
    if (left) await this.#leave(server, id);
    else this.open.push({ id, work });
    if (this.#next() >= kAborted) return;
    this.ledger.maybeAborted(id);
    const aborted = await server.send(`/jobs/${id}/phase?PHASE=ABORT`, { method: 'POST' });
    this.ledger.answered('ABORT', aborted.status, await aborted.text());
  }

  async #leave(server: TestServer, id: string): Promise<void> {
    this.#left.push(id);
    const oldest = this.#left.length > kMostLeft ? this.#left.shift() : undefined;
    if (oldest === undefined) return;
    let removed = false;
    try {
      await this.#remove(server, oldest);
      removed = true;
    } finally {
      if (!removed) this.#left.push(oldest);
    }
  }

  /** The oldest one; whoever is not over has its turn again. */
  async #check(server: TestServer): Promise<void> {
    const oldest = this.open.shift();
    if (!oldest) return pause(50);
    let over = false;
    try {
      over = await this.#isOver(server, oldest);
    } finally {
      if (!over) this.open.push(oldest);
    }
    if (over && this.#next() < kDeleted) await this.#remove(server, oldest.id);
  }

  async #isOver(server: TestServer, { id, work }: Open): Promise<boolean> {
    const { phase, error, xml } = await server.job(id);
    this.ledger.seen(id, xml);
    if (!kFinal.has(phase)) {
      if (phase === '') this.ledger.fault(`${id} was acknowledged and is lost: ${xml.slice(0, 200)}`);
      return phase === '';
    }
    if (phase === 'COMPLETED') {
      const rows = await server.text(`/jobs/${id}/results/csv`);
      if (rows !== work.rows) this.ledger.fault(`${id} (${work.name}) has another catalogue: ${rows.slice(0, 200)}`);
    }
    const killed = phase === 'ERROR' && /kill|crash|ended/i.test(error);
    if (phase === 'ERROR' && !killed) this.ledger.fault(`${id} (${work.name}) is in ERROR: ${error}`);
    const end = killed ? 'ended by kills' : phase;
    this.ends[end] = (this.ends[end] ?? 0) + 1;
    return true;
  }

  async #remove(server: TestServer, id: string): Promise<void> {
    this.ledger.maybeDeleted(id);
    const answer = await server.send(`/jobs/${id}`, { method: 'DELETE' });
    this.ledger.answered('DELETE', answer.status, await answer.text());
    if (answer.status === 303) this.ledger.deleted(id);
  }

  async #killChild(server: TestServer): Promise<void> {
    const children = await server.engines();
    const pid = children[Math.floor(this.#next() * children.length)];
    if (pid === undefined || !(await server.engines()).includes(pid)) return;
    process.kill(pid, 'SIGKILL');
    this.kills.engine += 1;
  }

  /** Until most of it is done; gives the server that lives on. */
  async underKills(start: () => Promise<TestServer>): Promise<TestServer> {
    for (;;) {
      const server = await start();
      this.stage.server = server;
      if (this.acknowledged >= kKilledShare * this.#tasks) return server;
      const before = this.#progress;
      while (this.#progress < before + kProgress && !this.done) {
        this.assertMoving();
        await pause(50);
      }
      await pause(this.#next() * kLifeMs);
      this.stage.server = undefined;
      await server.stop('SIGKILL');
      this.kills.server += 1;
    }
  }
}

async function bytesOf(dir: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) sum += (await stat(join(entry.parentPath, entry.name))).size;
  return sum;
}

export const crowd: Scene = async (t: TestContext, { tasks, seed, say }): Promise<Outcome> => {
  const { works, options } = await repertoire(t, kEnv);
  const dataDir = await tempDir(t);
  const play = new Crowd(random(seed), works, tasks);
  const began = performance.now();
  const people = play.people();
  let stop = false;
  const told = (async () => {
    while (!stop) {
      say(`  ${play.acknowledged} of ${tasks}, ${play.open.length} open, kills ${JSON.stringify(play.kills)}`);
      for (let i = 0; i < 100 && !stop; i++) await pause(100);
    }
  })();
  const over = () => {
    play.assertMoving();
    return play.done;
  };
  const { server, samples } = await (async () => {
    try {
      const server = await play.underKills(() => startTestServer(t, { ...options, dataDir }));
      return { server, samples: await watch(server, over) };
    } finally {
      play.stage.over = true;
      stop = true;
    }
  })();
  await Promise.all([...people, told]);
  const minutes = (performance.now() - began) / 60_000;
  const { faults, summary } = await judge(server, play.ledger, samples);
  say(`  ${summary}`);
  const [all, jobs] = [await bytesOf(dataDir), await bytesOf(join(dataDir, 'jobs'))];
  const restMb = (all - jobs) / 1e6;
  if (restMb > kRestMb) faults.push(`${restMb.toFixed(0)} MB lie beside the jobs`);
  const last = samples.at(-1);
  const figures = {
    tasks: play.acknowledged,
    ...play.ends,
    'kills of the server': play.kills.server,
    'kills of engines': play.kills.engine,
    'tasks/s': Number((play.acknowledged / minutes / 60).toFixed(1)),
    'memory MB': Math.round(last?.rssMb ?? 0),
    descriptors: last?.descriptors ?? 0,
    'disk MB of jobs kept': Number((jobs / 1e6).toFixed(1)),
    'disk MB beside': Number(restMb.toFixed(1)),
  };
  return { figures, faults };
};
