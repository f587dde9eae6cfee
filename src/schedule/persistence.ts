/** Telling the host how a job goes on, also while the disk takes nothing: tried again until it can be kept, or the server stops. */
import { setTimeout } from 'node:timers/promises';
import { isRefusedByDisk, toOtfError } from '../errors/catalogue.js';
import type { ExecutorHost, Outcome } from '../jobs/executor.js';
import type { JobFailure, JobInfo } from '../jobs/job.js';

/** Of the host, what keeps. */
export type Keeper = Pick<ExecutorHost, 'executing' | 'completed' | 'failed' | 'requeued' | 'log' | 'readOnly'>;

const kRetryMs = 500;

export class Persistence {
  readonly #host: Keeper;
  readonly #pause: (ms: number) => Promise<unknown>;
  readonly #pending = new Set<Promise<unknown>>();
  #stopping = false;

  constructor(host: Keeper, pause: (ms: number) => Promise<unknown> = (ms) => setTimeout(ms)) {
    this.#host = host;
    this.#pause = pause;
  }

  executing(jobId: string, info: JobInfo): Promise<boolean> {
    return this.#untilKept(() => this.#host.executing(jobId, info));
  }

  /** Never rejects: what cannot be kept is in the server's log, and the job runs again after a restart. */
  async failed(jobId: string, failure: JobFailure): Promise<boolean> {
    try {
      return await this.#untilKept(() => this.#host.failed(jobId, failure));
    } catch (thrown) {
      this.#host.log(jobId, 'error', `the failure could not be kept: ${toOtfError(thrown).message}`);
      return false;
    }
  }

  /** A job whose last files do not fit the disk has failed; one whose disk is read-only waits for it. */
  async completed(jobId: string, outcome: Outcome): Promise<boolean> {
    const waits = (thrown: unknown) =>
      this.#host.readOnly !== undefined && toOtfError(thrown).code === 'OTF_DISK_READ_ONLY';
    try {
      return await this.#untilKept(() => this.#host.completed(jobId, outcome), waits);
    } catch (thrown) {
      const error = toOtfError(thrown);
      this.#host.log(jobId, 'error', error.stack ?? error.message);
      const message = error.code === 'OTF_INTERNAL' ? 'the results could not be kept' : error.message;
      return this.failed(jobId, { type: 'transient', message });
    }
  }

  requeued(jobId: string): Promise<boolean> {
    return this.#untilKept(() => this.#host.requeued(jobId));
  }

  /** Resolves when everything told so far is kept, or cannot be. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled([...this.#pending]);
  }

  async #untilKept(
    tell: () => Promise<boolean>,
    waits: (thrown: unknown) => boolean = isRefusedByDisk,
  ): Promise<boolean> {
    return this.#track(
      (async () => {
        for (;;) {
          try {
            return await tell();
          } catch (thrown) {
            if (!waits(thrown) || this.#stopping) throw thrown;
            await this.#pause(kRetryMs);
          }
        }
      })(),
    );
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    const done = () => this.#pending.delete(work);
    work.then(done, done);
    return work;
  }
}
