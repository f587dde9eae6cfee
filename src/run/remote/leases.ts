/** Which attempt at which job is whose. The only one who says so is the server; whatever else comes in of a job does not count. */

import type { Job } from '../../jobs/job.js';
import { workerOf } from './roster.js';

export interface Lease {
  readonly job: Job;
  readonly attempt: string;
  readonly place: string;
  /** By performance.now(). */
  readonly sinceMs: number;
  /** The worker has said that it has it; undefined = not yet. */
  takenMs?: number | undefined;
  opened: boolean;
  /** Items that are done, as the worker said last. */
  done?: number;
  /** Beats of its worker, one after the other, that did not list it. */
  absent: number;
  /** It does not count any more; the worker has been told, and will say what it took. */
  abortedMs?: number | undefined;
  /** Asked for once; later askers get the same. */
  executing?: Promise<boolean> | undefined;
}

/** By job, by place and by worker: asked for of every worker with every beat. */
export class Leases {
  readonly #byJob = new Map<string, Lease>();
  readonly #byPlace = new Groups();
  readonly #byWorker = new Groups();

  get size(): number {
    return this.#byJob.size;
  }

  add(lease: Lease): void {
    const before = this.#byJob.get(lease.job.id);
    if (before) this.end(before);
    this.#byJob.set(lease.job.id, lease);
    this.#byPlace.add(lease.place, lease);
    this.#byWorker.add(workerOf(lease.place), lease);
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
    if (this.#byJob.get(lease.job.id) !== lease) return false;
    this.#byPlace.remove(lease.place, lease);
    this.#byWorker.remove(workerOf(lease.place), lease);
    return this.#byJob.delete(lease.job.id);
  }

  all(): Lease[] {
    return [...this.#byJob.values()];
  }

  ofWorker(worker: string): Lease[] {
    return [...this.#byWorker.of(worker)];
  }

  /** Given to the place, and of these not opened there yet. */
  at(place: string): { all: number; unopened: number } {
    const there = this.#byPlace.of(place);
    let unopened = 0;
    for (const { opened } of there) if (!opened) unopened++;
    return { all: there.size, unopened };
  }
}

const kNone: ReadonlySet<Lease> = new Set();

class Groups {
  readonly #groups = new Map<string, Set<Lease>>();

  of(name: string): ReadonlySet<Lease> {
    return this.#groups.get(name) ?? kNone;
  }

  add(name: string, lease: Lease): void {
    const group = this.#groups.get(name) ?? new Set();
    this.#groups.set(name, group.add(lease));
  }

  remove(name: string, lease: Lease): void {
    const group = this.#groups.get(name);
    group?.delete(lease);
    if (group?.size === 0) this.#groups.delete(name);
  }
}
