/** One history's machine: its disk, and the server that runs on it, starts, stops, is killed, and starts again. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '#otf/config/load.js';
import { type RunningServer, startServer } from '#otf/http/server.js';
import { LocalRunner } from '#otf/run/local/runner.js';
import { RemoteRunner } from '#otf/run/remote/runner.js';
import { termsOf } from '#otf/run/remote/terms.js';
import { BatchExecutor } from '#otf/schedule/executor.js';
import { type Cut, Disk, real } from './disk.js';
import { closeAll, type Faults } from './files.js';
import type { MachineFaults, Machines } from './machines.js';
import type { Machine, Sim } from './sim.js';
import { type SimAnswer, SimApp, type SimRequest } from './sockets.js';
import { Workers } from './workers.js';

/** What there is one of for all histories. */
export interface Fixed {
  native: { clear: (machine?: Machine) => void };
  databases: { closeAll: () => void };
  models: string;
  /** Jobs run on so many workers; undefined: on the server's machine. */
  workers?: { count: number; cache: string } | undefined;
}

const kBroker = { url: 'nats://the.history:4222' };

const kError = 50;
/** Of a disk that is not slow. */
export const kSyncMs = 5;
const kForwardMs = 40;
/** So long a worker may be silent. */
export const kLeaseMs = 4000;
/** A run lasts about as long. */
const kWorkersForwardMs = 2500;
/** A server that has not begun by then, or not ended, never will. */
const kPatienceMs = 30 * 60_000;
/** What a graceful end may take of running jobs. */
const kShutdownS = 5;

export class World implements Machines {
  readonly sim: Sim;
  disk: Disk;
  readonly faults: Faults = { ioErrors: 0, shortWrites: 0.05, syncMs: kSyncMs };
  readonly machineFaults: MachineFaults = { engineDies: 0, engineHangs: 0, threadDies: 0 };
  /** A fault of some kind was possible since the server was started. */
  troubled = false;
  crashes = 0;
  readonly forwardMs: number;
  app: SimApp;
  readonly workers: Workers | undefined;
  readonly #fixed: Fixed;
  readonly #dir: string;
  #server: RunningServer | undefined;
  #starts = 0;

  /** `dir`: empty, of this history alone. `disk`: of another one, to be gone on with. */
  constructor(sim: Sim, dir: string, fixed: Fixed, disk = new Disk(join(dir, 'disk-0'), sim.random)) {
    this.sim = sim;
    this.#dir = dir;
    this.#fixed = fixed;
    this.disk = disk;
    this.app = new SimApp(sim);
    this.forwardMs = fixed.workers ? kWorkersForwardMs : kForwardMs;
    if (fixed.workers) {
      const { count, cache } = fixed.workers;
      const terms = async () => (await termsOf(await this.#config(), kBroker)).terms;
      const logged = (line: string) => this.#logged(line);
      const send = (request: SimRequest) => this.app.send(request);
      this.workers = new Workers(
        { sim, dir: join(dir, 'workers'), cache, native: fixed.native, send, terms, logged },
        count,
      );
    }
  }

  get running(): boolean {
    return this.#server !== undefined;
  }

  /** Of what a job ran on; after some a job that is not to blame is. */
  get losses(): number {
    return this.crashes + (this.workers ? this.workers.kills + this.workers.cuts : 0);
  }

  get calm(): boolean {
    const { engineDies, engineHangs, threadDies } = this.machineFaults;
    return !this.disk.full && this.faults.ioErrors + engineDies + engineHangs + threadDies === 0;
  }

  calmDown(): void {
    this.disk.full = false;
    Object.assign(this.faults, { ioErrors: 0, syncMs: kSyncMs });
    Object.assign(this.machineFaults, { engineDies: 0, engineHangs: 0, threadDies: 0 });
    this.workers?.calmDown();
  }

  send(request: SimRequest): Promise<SimAnswer> {
    return this.app.send(request);
  }

  /** Gives whether it runs: on a disk that fails it may refuse to. */
  async start(): Promise<boolean> {
    const { sim } = this;
    this.troubled = !this.calm;
    const life = sim.life;
    const config = await this.#config();
    const write = (line: string) => {
      if (sim.life === life) this.#logged(line);
    };
    const log = pino({ level: 'info', base: null }, { write });
    const parts = { config, ...this.#runner(), log };
    let outcome: { server: RunningServer } | { thrown: unknown } | undefined;
    startServer(parts).then(
      (server) => {
        outcome = { server };
      },
      (thrown) => {
        outcome = { thrown };
      },
    );
    await sim.run(sim.nowMs + kPatienceMs, () => outcome !== undefined);
    if (outcome === undefined) sim.fault('the server does not begin');
    else if ('server' in outcome) {
      this.#server = outcome.server;
      sim.note('the server runs');
    } else {
      const { message, stack } = outcome.thrown as Error;
      sim.note(`the server does not start: ${message}`);
      if (!this.troubled) sim.fault(`a start without a cause not to: ${stack}`);
      await this.#gone('kill');
    }
    return this.running;
  }

  #runner() {
    const { workers } = this;
    if (workers) {
      const runner = new RemoteRunner({
        broker: { own: kBroker, workers: kBroker },
        connect: () => workers.hub.connect(undefined),
      });
      return { executor: new BatchExecutor(runner), desk: () => runner.desk };
    }
    const runner = new LocalRunner();
    return { executor: new BatchExecutor(runner), inference: () => runner.inference };
  }

  /** As by SIGTERM. */
  async stop(): Promise<void> {
    const { sim } = this;
    let over = false;
    this.#server?.stop().then(
      () => {
        over = true;
      },
      (thrown) => {
        over = true;
        if (!this.troubled) sim.fault(`an end in disorder: ${(thrown as Error).stack}`);
      },
    );
    await sim.run(sim.nowMs + kPatienceMs, () => over);
    if (!over) sim.fault('the server does not end');
    sim.note('the server has ended');
    await this.#gone('kill');
  }

  async crash(cut: Cut): Promise<void> {
    this.sim.note(cut === 'kill' ? 'the server is killed' : 'the power fails');
    this.crashes++;
    await this.#gone(cut);
  }

  async #gone(cut: Cut): Promise<void> {
    this.app.vanish();
    await this.sim.settle();
    const before = this.disk;
    const { full, lies } = before;
    this.disk = Object.assign(before.after(cut, join(this.#dir, `disk-${++this.#starts}`)), { full, lies });
    this.sim.life++;
    this.#server = undefined;
    this.#fixed.databases.closeAll();
    closeAll();
    this.#fixed.native.clear();
    real.rmSync(before.root, { recursive: true, force: true });
    this.app = new SimApp(this.sim);
  }

  #config() {
    const dataDir = join(this.disk.root, 'data');
    const flags = {
      server: { port: 8080, shutdown_s: kShutdownS },
      storage: { data_dir: dataDir },
      models: { dir: this.#fixed.models },
      logging: { level: 'silent' },
      policy: { max_queued: 12, owner_share: 1 },
      // What waits for it is to happen within a history.
      workers: { lease_s: kLeaseMs / 1000 },
    } as const;
    return loadConfig({ flags, env: {} });
  }

  /** What the server says of faults of its own is one, unless something was made to fail. */
  #logged(line: string): void {
    const { level, msg, err } = JSON.parse(line) as { level: number; msg: string; err?: { stack?: string } };
    this.sim.note(`log ${level} ${msg.split('\n')[0]}`);
    // A job that fails is told at this level, too, without a stack.
    if (level >= kError && err && !this.troubled) this.sim.fault(`the server's log: ${msg} ${err.stack}`);
  }

  /** Whoever makes faults possible says so. */
  trouble(): void {
    this.troubled = true;
  }
}

/** What people say they are is in a file of the data folder, there before the first start. */
export function layTokens(disk: Disk, text: string): void {
  mkdirSync(join(disk.root, 'data'), { recursive: true });
  real.writeFileSync(join(disk.root, 'data/tokens.json'), text, { mode: 0o600 });
  const node = disk.added('data/tokens.json', false);
  disk.syncedFile(node, Buffer.from(text));
}
