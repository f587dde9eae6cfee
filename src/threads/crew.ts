/** Worker threads of one kind of work. A thread that does not come back is replaced, not ended: it may be in native code. */
import type { Transferable } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { WorkAnswer } from './answer.js';

export interface CrewSize {
  /** What a thread loads: a module whose default function takes an order and gives a WorkAnswer. */
  entry: URL;
  threads: number;
  /** Pieces of work of a thread at a time: work that waits for the disk leaves it to others, native work does not. */
  each: number;
  /** While it has nothing to do it stays with its event loop (sockets), else it sleeps until there is. */
  listens?: boolean;
}

/** So often all threads may be replaced; then something is wrong that new ones do not mend. */
const kReplacements = 3;

export class Crew {
  readonly #size: CrewSize;
  readonly #pools: Piscina[] = [];
  /** Threads of the newest pool that are over their time. */
  #stuckHere = 0;
  #stuck = 0;
  /** Every thread has loaded its code: nothing of that is left for a time when files cannot be opened. */
  readonly ready: Promise<unknown>;

  constructor(size: CrewSize) {
    this.#size = size;
    this.ready = this.#hire();
  }

  /** Pieces of work that are over their time and still under way. */
  get stuck(): number {
    return this.#stuck;
  }

  /** A thread is there that may answer. */
  get works(): boolean {
    return this.#stuckHere < this.#size.threads;
  }

  /** `late` is called once when the work takes longer than `limitMs`; it goes on nevertheless. `given` is what of the order goes over to the thread. */
  run<Value>(
    order: unknown,
    limitMs: number,
    late: () => void,
    given: readonly Transferable[] = [],
  ): Promise<WorkAnswer<Value>> {
    const pool = this.#pools.at(-1) as Piscina;
    const answered = pool.run(order, { transferList: [...given] }) as Promise<WorkAnswer<Value>>;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#stuck++;
      if (pool === this.#pools.at(-1)) this.#lost();
      late();
    }, limitMs);
    const over = () => {
      clearTimeout(timer);
      if (!isLate) return;
      this.#stuck--;
      if (pool === this.#pools.at(-1)) this.#stuckHere--;
    };
    answered.then(over, over);
    return answered;
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.destroy()));
  }

  #lost(): void {
    this.#stuckHere++;
    if (this.works || this.#pools.length > kReplacements) return;
    this.#stuckHere = 0;
    this.#hire().catch(() => undefined);
  }

  #hire(): Promise<unknown> {
    const { entry, threads, each, listens = false } = this.#size;
    const pool = new Piscina({
      filename: entry.href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: each,
      atomics: listens ? 'disabled' : 'sync',
      idleTimeout: Number.POSITIVE_INFINITY,
    });
    this.#pools.push(pool);
    // The first thing a thread says is that it is ready; one that cannot begin ends the server (serve).
    return Promise.all(pool.threads.map((thread) => new Promise((resolve) => thread.once('message', resolve))));
  }
}
