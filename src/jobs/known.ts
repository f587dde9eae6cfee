/** Jobs as everybody sees them: those that are not over in memory, the others read from their rows, a few kept. */
import type { Database, Statement } from 'better-sqlite3';
import { isActive, type Job } from './job.js';
import { fromRow, type JobRow } from './schema.js';

/** Jobs that are over and were looked at lately. */
const kRecent = 2000;

export class KnownJobs {
  readonly #read: Statement;
  readonly #known: Statement;
  /** Those that are not over, in order of creation: a changed job keeps its place in a Map. */
  readonly #active = new Map<string, Job>();
  /** The one looked at longest ago first. */
  readonly #recent = new Map<string, Job>();

  constructor(database: Database) {
    this.#read = database.prepare('SELECT * FROM job WHERE id = ?');
    this.#known = database.prepare('SELECT 1 FROM job WHERE id = ?').pluck();
    const active =
      "SELECT * FROM job WHERE phase IN ('PENDING', 'HELD', 'QUEUED', 'EXECUTING') ORDER BY createdMs, rowid";
    for (const row of database.prepare(active).all() as JobRow[]) {
      const job = fromRow(row);
      this.#active.set(job.id, job);
    }
  }

  get(id: string): Job | undefined {
    const active = this.#active.get(id);
    if (active) return active;
    const recent = this.#recent.get(id);
    if (recent) {
      // To the end of the line.
      this.#recent.delete(id);
      this.#recent.set(id, recent);
      return recent;
    }
    const row = this.#read.get(id) as JobRow | undefined;
    return row && this.#remember(fromRow(row));
  }

  /** Without reading it. */
  has(id: string): boolean {
    return this.#active.has(id) || this.#recent.has(id) || this.#known.get(id) !== undefined;
  }

  /** Jobs that are not over, in order of creation. */
  active(): IterableIterator<Job> {
    return this.#active.values();
  }

  activeJob(id: string): Job | undefined {
    return this.#active.get(id);
  }

  /** null = deleted. */
  keep(id: string, job: Job | null): void {
    if (job && isActive(job.phase)) {
      this.#active.set(id, job);
      this.#recent.delete(id);
      return;
    }
    this.#active.delete(id);
    this.#recent.delete(id);
    if (job) this.#remember(job);
  }

  #remember(job: Job): Job {
    this.#recent.set(job.id, job);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > kRecent && oldest !== undefined) this.#recent.delete(oldest);
    return job;
  }
}
