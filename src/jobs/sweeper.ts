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
  /** It waits for its turn: that is not execution. */
  idle: (jobId: string) => boolean;
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
  /** Jobs that are being executed, and since when by a clock that nobody sets. */
  #executing = new Map<string, { startedMs: number; sinceMs: number }>();
  #lookedMs = performance.now();
  #busy = false;
  #readOnly = false;
  /** A start looks after the same. */
  #slowMs = performance.now();
  #usageMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    // Begun under the server before this one, by a worker elsewhere, they are known by the wall clock alone.
    this.#expired(performance.now(), (startedMs) => Math.max(0, Date.now() - startedMs));
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
      if (this.#looksAtDisk()) return;
      const { store, expire } = this.#parts;
      const due = store.due(Date.now(), kAtOnce + this.#stuck.size).filter((id) => !this.#stuck.has(id));
      const over: Promise<unknown>[] = due.map((id) => this.#remove(id));
      const now = performance.now();
      over.push(...this.#expired(now).map((id) => expire(id)));
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

  /** Whether it is read-only: then nothing can be removed, and no end of a job kept. */
  #looksAtDisk(): boolean {
    const { folders, log } = this.#parts;
    const now = folders.readOnly;
    if (now && !this.#readOnly) log.error('the disk is read-only: no job is taken or run until it can be written to');
    if (!now && this.#readOnly) {
      log.info('the disk can be written to again');
      folders.removeLeft().catch((thrown) => log.warn({ err: thrown }, 'left on the disk'));
    }
    this.#readOnly = now;
    return now;
  }

  /** Those that have been executed for as long as they may, times of waiting for a turn left out. The wall clock may be set meanwhile: no job is longer or shorter for it. */
  #expired(now: number, earlierMs = (_startedMs: number) => 0): string[] {
    const [before, expired] = [this.#executing, [] as string[]];
    const passedMs = now - this.#lookedMs;
    this.#lookedMs = now;
    this.#executing = new Map();
    for (const { id, phase, executionDurationS, startedMs } of this.#parts.store.active()) {
      if (phase !== 'EXECUTING' || executionDurationS === 0 || startedMs === null) continue;
      const known = before.get(id);
      const begun = known?.startedMs === startedMs ? known : { startedMs, sinceMs: now - earlierMs(startedMs) };
      if (known === begun && this.#parts.idle(id)) begun.sinceMs += passedMs;
      this.#executing.set(id, begun);
      if (now >= begun.sinceMs + executionDurationS * 1000) expired.push(id);
    }
    return expired;
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
