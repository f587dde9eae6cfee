/**
 * The result of a finished job in other formats than the one it was written in: made when first asked for, then a
 * file like any other. What was made before a restart is made again: the bytes are the same, and nothing has to be kept.
 */
import type { ResultFile } from '../tasks/files.js';
import type { Executor } from './executor.js';
import type { Job } from './job.js';

/** Enough for what is being looked at; a file that is made anew costs milliseconds. */
const kRemembered = 1000;

export class Representations {
  readonly #executor: Executor;
  readonly #made = new Map<string, Promise<ResultFile>>();

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  get(job: Job, format: string): Promise<ResultFile> {
    const key = `${job.id} ${format}`;
    const known = this.#made.get(key);
    if (known) return known;
    const making = this.#executor.represent(job, format);
    this.#made.set(key, making);
    making.catch(() => this.#made.delete(key));
    const [oldest] = this.#made.keys();
    if (this.#made.size > kRemembered && oldest !== undefined) this.#made.delete(oldest);
    return making;
  }
}
