/**
 * Jobs under which a worker was lost. One of them may be what ended it, so each has a worker to itself from then on: the next
 * loss tells which one it was, and no other job is counted out with it.
 */
import type { Job } from '../../jobs/job.js';
import type { Batch } from '../runner.js';
import type { Leases } from './leases.js';
import { type Roster, workerOf } from './roster.js';

export interface Cautious {
  job: Job;
  batch: Batch;
}

export class Careful {
  readonly #waiting = new Map<string, Cautious>();
  /** Worker to the job it has alone. */
  readonly #alone = new Map<string, string>();
  readonly #losses = new Map<string, number>();

  /** How often a worker was lost under it. */
  losses(jobId: string): number {
    return this.#losses.get(jobId) ?? 0;
  }

  /** Once more. Gives how often by now. */
  lost(jobId: string): number {
    const losses = this.losses(jobId) + 1;
    this.#losses.set(jobId, losses);
    return losses;
  }

  add(cautious: Cautious): void {
    this.#waiting.set(cautious.job.id, cautious);
  }

  /** The job, when it waited here. */
  remove(jobId: string): Job | undefined {
    const found = this.#waiting.get(jobId)?.job;
    this.#waiting.delete(jobId);
    return found;
  }

  all(): Job[] {
    return [...this.#waiting.values()].map(({ job }) => job);
  }

  /** The job has left its worker. */
  over(jobId: string): void {
    for (const [worker, job] of this.#alone) if (job === jobId) this.#alone.delete(worker);
  }

  /** It is over for good. */
  forget(jobId: string): void {
    this.#losses.delete(jobId);
  }

  /** Workers that get nothing else: those that have such a job, and one that is to have the next. */
  closed(roster: Roster, leases: Leases): Set<string> {
    const closed = new Set(this.#alone.keys());
    if (this.#waiting.size === 0) return closed;
    const waiting = [...this.#waiting.values()];
    const able = roster.places(closed).filter(({ takes }) => waiting.some(({ batch }) => takes(batch.key)));
    const others = new Set(able.map(({ name }) => workerOf(name)).filter((worker) => !closed.has(worker)));
    const [next] = [...others].sort((a, b) => leases.ofWorker(a).length - leases.ofWorker(b).length);
    return next === undefined ? closed : closed.add(next);
  }

  /** What may go now, and where: to a worker that has nothing. */
  next(roster: Roster, leases: Leases): { cautious: Cautious; place: string } | undefined {
    if (this.#waiting.size === 0) return undefined;
    const places = roster.places(new Set(this.#alone.keys()));
    for (const cautious of this.#waiting.values()) {
      const able = places.filter(({ takes, full }) => !full && takes(cautious.batch.key));
      const place = able.find(({ name }) => leases.ofWorker(workerOf(name)).length === 0);
      if (!place) continue;
      this.#waiting.delete(cautious.job.id);
      this.#alone.set(workerOf(place.name), cautious.job.id);
      return { cautious, place: place.name };
    }
    return undefined;
  }
}
