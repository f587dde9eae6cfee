/** What time does to jobs: executionDuration, destruction, and the little that is looked after once in a while. */
import type { Logger } from 'pino';
import type { JobFolders } from './folders.js';
import { forgetOrphans } from './leftovers.js';
import type { JobStore } from './store.js';

export interface SweeperParts {
  store: JobStore;
  folders: JobFolders;
  log: Logger;
  /** How long folders without a job are kept. */
  orphanMs: number;
  /** The job's time has come; somebody else may be deleting it. */
  remove: (jobId: string) => Promise<void>;
  /** The job has been executed for as long as it may. */
  expire: (jobId: string) => Promise<unknown>;
}

const kSweepMs = 250;
const kUsageMs = 1000;
/** What need not be looked at so often. */
const kSlowMs = 60_000;
/** Deleted in one pass at most: others want the disk, too. */
const kAtOnce = 100;

export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #timer: NodeJS.Timeout;
  /** Could not be removed: tried again with the next slow pass, and in nobody's way until then. */
  readonly #stuck = new Set<string>();
  #busy = false;
  /** A start looks after the same. */
  #slowMs = Date.now();
  #usageMs = 0;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => {
      this.#sweep().catch((thrown) => parts.log.error({ err: thrown }, 'sweep'));
    }, kSweepMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Destruction times along an index, durations through the jobs that are not over. */
  async #sweep(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const { store, expire } = this.#parts;
      const now = Date.now();
      const due = store.due(now, kAtOnce + this.#stuck.size).filter((id) => !this.#stuck.has(id));
      const over: Promise<unknown>[] = due.map((id) => this.#remove(id));
      for (const job of store.active()) {
        if (job.phase !== 'EXECUTING' || job.executionDurationS === 0 || job.startedMs === null) continue;
        if (now >= job.startedMs + job.executionDurationS * 1000) over.push(expire(job.id));
      }
      for (const outcome of await Promise.allSettled(over)) {
        if (outcome.status === 'rejected') this.#parts.log.error({ err: outcome.reason }, 'sweep');
      }
      if (now >= this.#usageMs + kUsageMs) {
        this.#usageMs = now;
        store.keepUsage();
      }
      if (now >= this.#slowMs + kSlowMs) await this.#sweepSlowly(now);
    } finally {
      this.#busy = false;
    }
  }

  async #sweepSlowly(now: number): Promise<void> {
    this.#slowMs = now;
    this.#stuck.clear();
    this.#parts.store.keepReserve();
    await forgetOrphans(this.#parts.folders, this.#parts.orphanMs);
  }

  async #remove(id: string): Promise<void> {
    try {
      await this.#parts.remove(id);
    } catch (thrown) {
      this.#stuck.add(id);
      throw thrown;
    }
  }
}
