/** The worker threads, by what they do. */
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { OtfError } from '../errors/catalogue.js';
import type { Work, WorkAnswer } from './work.js';

export type Stage = keyof Work;

/** Called with the seconds each piece of work took, waiting for a free worker included. */
export type StageObserver = (stage: Stage, seconds: number) => void;

/** Work that waits for the disk leaves its worker to others meanwhile. */
const kTasksPerWorker = 2;

export class Workers {
  readonly #pool: Piscina;
  readonly #observe: StageObserver;
  readonly #pending = new Set<Promise<unknown>>();
  /** Every thread has loaded its code: nothing of that is left for a time when files cannot be opened. */
  readonly ready: Promise<unknown>;
  #closing = false;

  constructor(observe: StageObserver) {
    this.#observe = observe;
    const threads = Math.max(2, Math.min(16, availableParallelism()));
    this.#pool = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: kTasksPerWorker,
      idleTimeout: Number.POSITIVE_INFINITY,
    });
    // The first thing a thread says is that it is ready; one that cannot begin ends the server (serve).
    const first = this.#pool.threads.map((thread) => new Promise((resolve) => thread.once('message', resolve)));
    this.ready = Promise.all(first);
  }

  /** Throws OtfError: what the work threw, by its code. */
  async run<S extends Stage>(stage: S, request: Parameters<Work[S]>[0]): Promise<Awaited<ReturnType<Work[S]>>> {
    const before = performance.now();
    if (this.#closing) throw new OtfError('OTF_CANCELLED', 'the server is shutting down');
    const answered = this.#pool.run({ stage, request }) as Promise<WorkAnswer<S>>;
    const settled = answered.catch(() => undefined).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    const answer = await answered;
    this.#observe(stage, (performance.now() - before) / 1000);
    if (answer.failure) {
      const { code, message, stack } = answer.failure;
      throw Object.assign(new OtfError(code, message), stack === undefined ? {} : { stack });
    }
    return answer.value as Awaited<ReturnType<Work[S]>>;
  }

  /** Work under way comes to its end first: native code cannot answer a thread that is being ended, and would abort. */
  async close(): Promise<void> {
    this.#closing = true;
    while (this.#pending.size > 0) await Promise.all([...this.#pending]);
    await this.#pool.destroy();
  }
}
