/** Which attempt at which job is whose. The only one who says so is the server; whatever else comes in of a job does not count. */

import type { Job } from '../../jobs/job.js';
import type { EndAnswer } from './messages.js';
import { workerOf } from './roster.js';

export interface Lease {
  readonly job: Job;
  readonly attempt: string;
  readonly place: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** The worker has said that it has it; undefined = not yet. */
  takenMs?: number | undefined;
  opened: boolean;
  /** Beats of its worker, one after the other, that did not list it. */
  absent: number;
  /** It does not count any more; the worker has been told, and will say what it took. */
  abortedMs?: number | undefined;
  /** Asked for once; later askers get the same. */
  executing?: Promise<boolean> | undefined;
  ending?: Promise<EndAnswer> | undefined;
}

export class Leases {
  readonly #byJob = new Map<string, Lease>();

  get size(): number {
    return this.#byJob.size;
  }

  add(lease: Lease): void {
    this.#byJob.set(lease.job.id, lease);
  }

  of(jobId: string): Lease | undefined {
    return this.#byJob.get(jobId);
  }

  /** Undefined when the job has none, or another attempt does. */
  find(jobId: string, attempt: string): Lease | undefined {
    const lease = this.#byJob.get(jobId);
    return lease?.attempt === attempt ? lease : undefined;
  }

  /** True when it was there. */
  end(lease: Lease): boolean {
    return this.#byJob.get(lease.job.id) === lease && this.#byJob.delete(lease.job.id);
  }

  all(): Lease[] {
    return [...this.#byJob.values()];
  }

  ofWorker(worker: string): Lease[] {
    return this.all().filter(({ place }) => workerOf(place) === worker);
  }

  /** Given to the place, and of these not opened there yet. */
  at(place: string): { all: number; unopened: number } {
    const there = this.all().filter((lease) => lease.place === place);
    return { all: there.length, unopened: there.filter(({ opened }) => !opened).length };
  }
}
