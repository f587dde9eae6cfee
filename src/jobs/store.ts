/**
 * The durable list of jobs: SQLite on disk; in memory are those that are not over, and a few of the others.
 * Changes are functions from the old job to the new one; those asked for in one turn of the event loop run one after
 * another in one transaction (one fsync for all), and only after the commit does memory change, do listeners hear of it
 * and do the promises resolve. So whatever anybody has seen is on disk, but for changes that a restart undoes anyway:
 * an executing job may be a queued one in its row, and in nothing else does memory differ from the rows.
 */
import { join } from 'node:path';
import type { Database, Statement } from 'better-sqlite3';
import { OtfError } from '../errors/catalogue.js';
import { openDatabase } from './database.js';
import { isActive, type Job } from './job.js';
import { JobLists } from './lists.js';
import { Reserve } from './reserve.js';
import { fromRow, type JobRow, kSaveSql, toRow } from './schema.js';
import { Totals } from './totals.js';

/** Old job (undefined = there is none) to new job; null = delete; the same object = no change. May throw to refuse. */
export type Change = (before: Job | undefined) => Job | null | undefined;
/** `after` null = deleted, `before` undefined = new. */
export type ChangeListener = (after: Job | null, before: Job | undefined) => void;

/** How long a change must last: until the next start sets it back, beyond this process, beyond a power cut. */
type Keep = 'memory' | 'process' | 'disk';

interface Waiting {
  id: string;
  change: Change;
  keep: Keep;
  resolve: (job: Job | undefined) => void;
  reject: (reason: unknown) => void;
}

/** Jobs that are over and were looked at lately. */
const kRecent = 2000;

export class JobStore {
  readonly totals: Totals;
  readonly lists: JobLists;
  readonly #database: Database;
  readonly #reserve: Reserve;
  readonly #save: Statement;
  readonly #remove: Statement;
  readonly #read: Statement;
  readonly #known: Statement;
  readonly #due: Statement;
  /** PENDING, QUEUED, EXECUTING, in order of creation: a changed job keeps its place in a Map. */
  readonly #active = new Map<string, Job>();
  /** The one looked at longest ago first. */
  readonly #recent = new Map<string, Job>();
  readonly #listeners = new Set<ChangeListener>();
  #lastCreatedMs: number;
  #waiting: Waiting[] = [];
  #scheduled = false;

  /** Opens or makes `dataDir/otf.sqlite`. Throws OTF_STORE_UNUSABLE. One process at a time. */
  constructor(dataDir: string) {
    this.#database = openDatabase(join(dataDir, 'otf.sqlite'));
    this.#reserve = new Reserve(dataDir);
    this.#save = this.#database.prepare(kSaveSql);
    this.#remove = this.#database.prepare('DELETE FROM job WHERE id = ?');
    this.#read = this.#database.prepare('SELECT * FROM job WHERE id = ?');
    this.#known = this.#database.prepare('SELECT 1 FROM job WHERE id = ?').pluck();
    this.#due = this.#database
      .prepare('SELECT id FROM job WHERE destructionMs <= ? ORDER BY destructionMs LIMIT ?')
      .pluck();
    const active = "SELECT * FROM job WHERE phase IN ('PENDING', 'QUEUED', 'EXECUTING') ORDER BY createdMs, rowid";
    for (const row of this.#database.prepare(active).all() as JobRow[]) {
      const job = fromRow(row);
      this.#active.set(job.id, job);
    }
    this.totals = new Totals(this.#database, this.#active.values());
    this.lists = new JobLists(this.#database, (id) => this.#active.get(id)?.phase);
    this.#lastCreatedMs = this.lists.newestMs();
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

  /** PENDING, QUEUED and EXECUTING jobs, in order of creation. */
  active(): IterableIterator<Job> {
    return this.#active.values();
  }

  /** Ids of jobs whose time has come, at most `most`. */
  due(nowMs: number, most: number): string[] {
    return this.#due.all(nowMs, most) as string[];
  }

  /** For a new job: no two are of the same millisecond, so that AFTER=that of the last one seen misses none. */
  nextCreatedMs(): number {
    this.#lastCreatedMs = Math.max(Date.now(), this.#lastCreatedMs + 1);
    return this.#lastCreatedMs;
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.add(listener);
  }

  /** Resolves with the job as committed (undefined = gone or never there); rejects with what `change` threw. */
  change(id: string, change: Change): Promise<Job | undefined> {
    return this.#ask(id, change, 'disk');
  }

  /** change() without the disk, for what the next start sets back: that a job is executing. */
  changeUntilRestart(id: string, change: Change): Promise<Job | undefined> {
    return this.#ask(id, change, 'memory');
  }

  /** change() that outlives a crash of this program but need not outlive one of the machine: nothing waits for the disk. */
  changeBeyondCrash(id: string, change: Change): Promise<Job | undefined> {
    return this.#ask(id, change, 'process');
  }

  #ask(id: string, change: Change, keep: Keep): Promise<Job | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, change, keep, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.flush());
    });
  }

  /** Commit what waits, now. */
  flush(): void {
    this.#scheduled = false;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return;
    // Jobs as the changes before have left them: a later change of the batch must see the earlier ones.
    const draft = new Map<string, Job | null>();
    const lasting = new Map<string, Job | null>();
    let synced = false;
    const accepted: { entry: Waiting; before: Job | undefined; after: Job | null | undefined }[] = [];
    for (const entry of batch) {
      try {
        const before = (draft.has(entry.id) ? draft.get(entry.id) : this.get(entry.id)) ?? undefined;
        const after = entry.change(before);
        accepted.push({ entry, before, after });
        if (after === undefined || after === before) continue;
        draft.set(entry.id, after);
        if (entry.keep !== 'memory' || lasting.has(entry.id)) lasting.set(entry.id, after);
        synced ||= entry.keep === 'disk';
      } catch (thrown) {
        entry.reject(thrown);
      }
    }
    try {
      if (lasting.size > 0) this.#commit(lasting, synced);
    } catch (thrown) {
      const error = storeError(thrown);
      for (const { entry } of accepted) entry.reject(error);
      return;
    }
    for (const [id, after] of draft) this.#keep(id, after);
    for (const { entry, before, after } of accepted) {
      if (after !== undefined && after !== before) {
        this.totals.changed(after, before);
        for (const listener of this.#listeners) listener(after, before);
      }
      entry.resolve(after === null ? undefined : (after ?? before));
    }
  }

  /** For many rows at once, e.g. tests and imports: one transaction, listeners are not told. */
  load(jobs: Iterable<Job>): void {
    const draft = new Map<string, Job>();
    for (const job of jobs) draft.set(job.id, job);
    const before = [...draft.keys()].map((id) => [id, this.get(id)] as const);
    this.#commit(draft);
    for (const [id, old] of before) this.totals.changed(draft.get(id) ?? null, old);
    for (const [id, job] of draft) {
      this.#keep(id, job);
      this.#lastCreatedMs = Math.max(this.#lastCreatedMs, job.createdMs);
    }
  }

  #keep(id: string, job: Job | null): void {
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

  #commit(draft: Map<string, Job | null>, synced = true): void {
    // NORMAL: the write-ahead log is written, but not waited for (SQLite documentation, "PRAGMA synchronous").
    if (!synced) this.#database.pragma('synchronous = NORMAL');
    try {
      this.#write(draft);
    } finally {
      if (!synced) this.#database.pragma('synchronous = FULL');
    }
  }

  /** What makes room may use the room kept for it. */
  #write(draft: Map<string, Job | null>): void {
    const write = this.#database.transaction(() => {
      for (const [id, job] of draft) {
        if (job === null) this.#remove.run(id);
        else this.#save.run(toRow(job));
      }
    });
    const removes = [...draft.values()].includes(null);
    try {
      write();
    } catch (thrown) {
      if (!removes || !isDiskFull(thrown) || !this.#reserve.release()) throw thrown;
      write();
    }
  }

  /** Once in a while: the room that a removal used is kept again, where there is any. */
  keepReserve(): void {
    this.#reserve.keep();
  }

  close(): void {
    if (!this.#database.open) return;
    this.flush();
    this.#database.close();
  }
}

function isDiskFull(thrown: unknown): boolean {
  const code = String((thrown as { code?: unknown }).code ?? '');
  return code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR');
}

function storeError(thrown: unknown): OtfError {
  const code = String((thrown as { code?: unknown }).code ?? '');
  if (isDiskFull(thrown)) {
    return new OtfError('OTF_DISK_FULL', 'the server cannot store jobs now: its disk is full; try again later', {
      cause: thrown,
    });
  }
  return new OtfError('OTF_INTERNAL', `the job could not be stored (${code})`, { cause: thrown });
}
