/**
 * The result of a finished job in other formats than the one it was written in: made when first asked for, then a
 * file like any other. What was made before a restart is made again: the bytes are the same, and nothing has to be kept.
 */
import { OtfError, toOtfError } from '../errors/catalogue.js';
import { kFilteredFile, type ResultFile, type RowFilter } from '../tasks/files.js';
import type { Executor } from './executor.js';
import type { Job } from './job.js';

/** Enough for what is being looked at; a file that is made anew costs milliseconds. */
const kRemembered = 1000;
/** Filtered tables that are made at once: the threads that make them have jobs to serve, too. */
const kFilteredAtOnce = 2;

export class Representations {
  readonly #executor: Executor;
  readonly #made = new Map<string, Promise<ResultFile>>();
  readonly #filtering = new Set<Promise<void>>();

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  get(job: Job, format: string, filter?: RowFilter): Promise<ResultFile> {
    if (filter) return this.#filtered(job, format, filter);
    const key = `${job.id} ${format}`;
    const known = this.#made.get(key);
    if (known) return known;
    const making = this.#make(job, format);
    this.#made.set(key, making);
    making.catch(() => this.#made.delete(key));
    const [oldest] = this.#made.keys();
    if (this.#made.size > kRemembered && oldest !== undefined) this.#made.delete(oldest);
    return making;
  }

  /** What cannot be written finds a full disk, as a rule: try later. The file has a name nobody outside knows. */
  async #make(job: Job, format: string, filter?: RowFilter): Promise<ResultFile> {
    try {
      return await this.#executor.represent(job, format, filter);
    } catch (thrown) {
      if (toOtfError(thrown).code !== 'OTF_OUTPUT_UNWRITABLE') throw thrown;
      throw new OtfError('OTF_DISK_FULL', `the ${format} cannot be written now: try again later`, { cause: thrown });
    }
  }

  /** For one answer, then gone: filters are as many as people's fingers on a slider. */
  async #filtered(job: Job, format: string, filter: RowFilter): Promise<ResultFile> {
    while (this.#filtering.size >= kFilteredAtOnce) await Promise.race(this.#filtering);
    const making = this.#make(job, format, filter);
    const settled = making.then(
      () => undefined,
      () => undefined,
    );
    this.#filtering.add(settled);
    try {
      const made = await making;
      // Of a runner that knows no filters: it would be the whole table, and gone for everybody after this answer.
      if (!made.file.startsWith(kFilteredFile)) throw new OtfError('OTF_INTERNAL', 'the runner cannot choose rows');
      return made;
    } finally {
      this.#filtering.delete(settled);
    }
  }
}
