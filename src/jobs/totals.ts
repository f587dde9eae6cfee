/** How much there is: jobs by phase and by owner, bytes. Kept up to date, never counted. */
import type { Database } from 'better-sqlite3';
import { type Job, ownerKey, type Phase, storedBytes } from './job.js';

/** What may be read of them. */
export interface JobCounts {
  readonly jobs: number;
  readonly bytes: number;
  of(phase: Phase): number;
}

export class Totals implements JobCounts {
  readonly #phases = new Map<Phase, number>();
  readonly #owners = new Map<string, number>();
  /** Of owners with a name. */
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  /** `active`: the jobs that are not over. The others are counted along an index once, when the database is opened. */
  constructor(database: Database, active: Iterable<Job>) {
    const sql = 'SELECT phase, COUNT(*) AS jobs, SUM(bytes) AS bytes FROM job GROUP BY phase';
    for (const row of database.prepare(sql).all() as { phase: Phase; jobs: number; bytes: number }[]) {
      this.#phases.set(row.phase, row.jobs);
      this.#bytes += row.bytes;
    }
    const owned = 'SELECT owner, SUM(bytes) AS bytes FROM job WHERE owner IS NOT NULL GROUP BY owner';
    for (const { owner, bytes } of database.prepare(owned).all() as { owner: string; bytes: number }[]) {
      this.#bytesOf.set(owner, bytes);
    }
    for (const job of active) if (isWaiting(job)) add(this.#owners, ownerKey(job), 1);
  }

  changed(after: Job | null, before: Job | undefined): void {
    if (before) this.#count(before, -1);
    if (after) this.#count(after, 1);
  }

  #count(job: Job, by: 1 | -1): void {
    add(this.#phases, job.phase, by);
    if (isWaiting(job)) add(this.#owners, ownerKey(job), by);
    const bytes = by * storedBytes(job);
    this.#bytes += bytes;
    if (job.owner !== null) add(this.#bytesOf, job.owner, bytes);
  }

  of(phase: Phase): number {
    return this.#phases.get(phase) ?? 0;
  }

  get jobs(): number {
    let jobs = 0;
    for (const count of this.#phases.values()) jobs += count;
    return jobs;
  }

  /** Jobs of this owner (ownerKey) that have not begun. */
  ofOwner(owner: string): number {
    return this.#owners.get(owner) ?? 0;
  }

  /** Uploads and results of an owner with a name. */
  bytesOf(owner: string): number {
    return this.#bytesOf.get(owner) ?? 0;
  }

  /** Of uploads and results. */
  get bytes(): number {
    return this.#bytes;
  }
}

function isWaiting({ phase }: Job): boolean {
  return phase === 'PENDING' || phase === 'HELD' || phase === 'QUEUED';
}

function add<K>(counts: Map<K, number>, key: K, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
