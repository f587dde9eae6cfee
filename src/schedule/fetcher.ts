/**
 * Who is fetched next: a few at a time, and of one owner fewer, so that a slow server of somebody holds up nobody else; and nobody
 * long before his turn.
 */
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { type Job, ownerKey } from '../jobs/job.js';
import { keyOf } from '../run/key.js';
import { kShortageMs } from './dispatcher.js';

export interface FetcherParts {
  limits: Pick<Config['fetch'], 'at_once' | 'per_owner'>;
  /** Brings the inputs of the job, and sees to what comes then. */
  bring: (job: Job, signal: AbortSignal) => Promise<void>;
  internal: (thrown: unknown) => void;
  /** False: looked at again in a while. */
  mayBegin: () => boolean;
  /** Its turn may come soon; what changes that is followed by look(). */
  near: (job: Job) => boolean;
}

export class Fetcher {
  readonly #parts: FetcherParts;
  readonly #waiting: Job[] = [];
  readonly #running = new Map<string, AbortController>();
  /** Transfers under way. */
  readonly #byOwner = new Map<string, number>();
  /** Nothing is begun before it has passed. */
  #pause: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(parts: FetcherParts) {
    this.#parts = parts;
  }

  /** Waiting or under way. */
  get count(): number {
    return this.#waiting.length + this.#running.size;
  }

  get underWay(): string[] {
    return [...this.#running.keys()];
  }

  /** Waiting, by key. */
  depths(): Record<string, number> {
    const depths: Record<string, number> = {};
    for (const job of this.#waiting) depths[keyOf(job)] = (depths[keyOf(job)] ?? 0) + 1;
    return depths;
  }

  isUnderWay(jobId: string): boolean {
    return this.#running.has(jobId);
  }

  /** Before those of its owner and key that go after it. */
  add(job: Job): void {
    const [owner, key] = [ownerKey(job), keyOf(job)];
    const later = (other: Job) => other.priority < job.priority && ownerKey(other) === owner && keyOf(other) === key;
    const at = this.#waiting.findIndex(later);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, job);
    this.#next();
  }

  /** More may be near now. */
  look(): void {
    this.#next();
  }

  /** 1 = the next to be fetched; undefined when it does not wait here. */
  position(jobId: string): number | undefined {
    const index = this.#waiting.findIndex((job) => job.id === jobId);
    return index < 0 ? undefined : index + 1;
  }

  abort(jobId: string): void {
    this.#running.get(jobId)?.abort(new OtfError('OTF_CANCELLED', 'aborted'));
    const index = this.#waiting.findIndex((job) => job.id === jobId);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Nothing more is begun for so long. */
  pause(ms: number): void {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#next();
    }, ms);
  }

  /** Gives the jobs whose fetching was cut short. */
  stop(): string[] {
    this.#stopping = true;
    clearTimeout(this.#pause);
    for (const controller of this.#running.values()) controller.abort(new OtfError('OTF_CANCELLED', 'shutting down'));
    return [...this.#running.keys()];
  }

  #next(): void {
    const { near } = this.#parts;
    const { at_once: most, per_owner: each } = this.#parts.limits;
    if (this.#waiting.length === 0) return;
    if (this.#pause === undefined && !this.#stopping && !this.#parts.mayBegin()) this.pause(kShortageMs);
    while (!this.#stopping && this.#pause === undefined && this.#running.size < most) {
      const index = this.#waiting.findIndex((job) => (this.#byOwner.get(ownerKey(job)) ?? 0) < each && near(job));
      const [job] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (!job) return;
      const controller = new AbortController();
      this.#running.set(job.id, controller);
      this.#count(job, 1);
      this.#parts
        .bring(job, controller.signal)
        .catch((thrown) => this.#parts.internal(thrown))
        .finally(() => {
          this.#running.delete(job.id);
          this.#count(job, -1);
          this.#next();
        });
    }
  }

  #count(job: Job, by: 1 | -1): void {
    const owner = ownerKey(job);
    const count = (this.#byOwner.get(owner) ?? 0) + by;
    if (count === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, count);
  }
}
