/**
 * The durable list of jobs: SQLite on disk, all of it in memory.
 * Reading never touches the disk. Changes are functions from the old job to the new one; those asked for in one turn of
 * the event loop run one after another in one transaction (one fsync for all), and only after the commit does memory
 * change, do listeners hear of it and do the promises resolve. So whatever anybody has seen is on disk, but for changes
 * that a restart undoes anyway.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Statement } from 'better-sqlite3';
import { OtfError, systemReason } from '../errors/catalogue.js';
import type { Job } from './job.js';
import { fromRow, type JobRow, kSaveSql, migrate, toRow } from './schema.js';
import { Sqlite } from './sqlite.js';

/** Old job (undefined = there is none) to new job; null = delete; the same object = no change. May throw to refuse. */
export type Change = (before: Job | undefined) => Job | null | undefined;
/** `after` null = deleted, `before` undefined = new. */
export type ChangeListener = (after: Job | null, before: Job | undefined) => void;

interface Waiting {
  id: string;
  change: Change;
  lasting: boolean;
  resolve: (job: Job | undefined) => void;
  reject: (reason: unknown) => void;
}

export class JobStore {
  readonly #database: Database;
  readonly #save: Statement;
  readonly #remove: Statement;
  /** In order of creation: a changed job keeps its place in a Map. */
  readonly #jobs = new Map<string, Job>();
  readonly #listeners = new Set<ChangeListener>();
  #waiting: Waiting[] = [];
  #scheduled = false;

  /** Opens or makes `dataDir/otf.sqlite` and reads every job. Throws OTF_STORE_UNUSABLE. One process at a time. */
  constructor(dataDir: string) {
    const path = join(dataDir, 'otf.sqlite');
    try {
      mkdirSync(dataDir, { recursive: true });
      this.#database = new Sqlite(path, { timeout: 200 });
      // Exclusive: a second server on the same folder must fail, not share the queue.
      this.#database.pragma('locking_mode = EXCLUSIVE');
      this.#database.pragma('journal_mode = WAL');
      // FULL: a commit has reached the disk when it returns (SQLite documentation, "PRAGMA synchronous").
      this.#database.pragma('synchronous = FULL');
      migrate(this.#database);
    } catch (thrown) {
      if (thrown instanceof OtfError) throw thrown;
      const locked = (thrown as { code?: unknown }).code === 'SQLITE_BUSY';
      const reason = locked ? 'another server is using this folder' : systemReason(thrown);
      throw new OtfError('OTF_STORE_UNUSABLE', `cannot open ${path}: ${reason}`, { cause: thrown });
    }
    this.#save = this.#database.prepare(kSaveSql);
    this.#remove = this.#database.prepare('DELETE FROM job WHERE id = ?');
    const rows = this.#database.prepare('SELECT * FROM job ORDER BY createdMs, rowid').iterate();
    for (const row of rows as IterableIterator<JobRow>) {
      const job = fromRow(row);
      this.#jobs.set(job.id, job);
    }
  }

  get size(): number {
    return this.#jobs.size;
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  /** In order of creation. */
  all(): IterableIterator<Job> {
    return this.#jobs.values();
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.add(listener);
  }

  /** Resolves with the job as committed (undefined = gone or never there); rejects with what `change` threw. */
  change(id: string, change: Change): Promise<Job | undefined> {
    return this.#ask(id, change, true);
  }

  /** change() without the disk, for what the next start sets back: that a job is executing. */
  changeUntilRestart(id: string, change: Change): Promise<Job | undefined> {
    return this.#ask(id, change, false);
  }

  #ask(id: string, change: Change, lasting: boolean): Promise<Job | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, change, lasting, resolve, reject });
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
    const accepted: { entry: Waiting; before: Job | undefined; after: Job | null | undefined }[] = [];
    for (const entry of batch) {
      const before = (draft.has(entry.id) ? draft.get(entry.id) : this.#jobs.get(entry.id)) ?? undefined;
      try {
        const after = entry.change(before);
        accepted.push({ entry, before, after });
        if (after === undefined || after === before) continue;
        draft.set(entry.id, after);
        if (entry.lasting || lasting.has(entry.id)) lasting.set(entry.id, after);
      } catch (thrown) {
        entry.reject(thrown);
      }
    }
    try {
      if (lasting.size > 0) this.#commit(lasting);
    } catch (thrown) {
      const error = storeError(thrown);
      for (const { entry } of accepted) entry.reject(error);
      return;
    }
    for (const [id, after] of draft) {
      if (after === null) this.#jobs.delete(id);
      else this.#jobs.set(id, after);
    }
    for (const { entry, before, after } of accepted) {
      if (after !== undefined && after !== before) {
        for (const listener of this.#listeners) listener(after, before);
      }
      entry.resolve(after === null ? undefined : (after ?? before));
    }
  }

  /** For many rows at once, e.g. tests and imports: one transaction, listeners are not told. */
  load(jobs: Iterable<Job>): void {
    const draft = new Map<string, Job>();
    for (const job of jobs) draft.set(job.id, job);
    this.#commit(draft);
    for (const [id, job] of draft) this.#jobs.set(id, job);
  }

  #commit(draft: Map<string, Job | null>): void {
    this.#database.transaction(() => {
      for (const [id, job] of draft) {
        if (job === null) this.#remove.run(id);
        else this.#save.run(toRow(job));
      }
    })();
  }

  close(): void {
    if (!this.#database.open) return;
    this.flush();
    this.#database.close();
  }
}

function storeError(thrown: unknown): OtfError {
  const code = String((thrown as { code?: unknown }).code ?? '');
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) {
    return new OtfError('OTF_DISK_FULL', 'the server cannot store jobs now: its disk is full; try again later', {
      cause: thrown,
    });
  }
  return new OtfError('OTF_INTERNAL', `the job could not be stored (${code})`, { cause: thrown });
}
