/**
 * The durable list of jobs: SQLite on disk; in memory are those that are not over, and a few of the others.
 * Changes are functions from the old job to the new one; those asked for in one turn of the event loop run one after
 * another in one transaction, and only once it is on the disk (one fsync for all, in another thread: log-sync.ts; what is
 * asked for meanwhile waits and shares the next one) does memory change, do listeners hear of it and do the promises
 * resolve. So whatever anybody has seen of a job is on disk, but for changes that a restart undoes anyway: an executing
 * job may be a queued one in its row.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Statement } from 'better-sqlite3';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { isReadOnly } from '../io/read-only.js';
import { ChainRows } from './chain-rows.js';
import { openDatabase } from './database.js';
import type { Job } from './job.js';
import { KnownJobs } from './known.js';
import { JobLists } from './lists.js';
import { LogSync } from './log-sync.js';
import { Reserve } from './reserve.js';
import { kSaveSql, toRow } from './schema.js';
import { isDiskFull, storeError } from './store-errors.js';
import { Totals } from './totals.js';
import { Usage } from './usage.js';

/** Old job (undefined = there is none) to new job; null = delete; the same object = no change. May throw to refuse. */
export type Change = (before: Job | undefined) => Job | null | undefined;
export type ChangeListener = (after: Job | null, before: Job | undefined) => void;

/** A change must last until the next start sets it back, beyond this process, beyond a power cut. */
type Keep = 'memory' | 'process' | 'disk';

interface Waiting {
  id: string;
  change: Change;
  keep: Keep;
  resolve: (job: Job | undefined) => void;
  reject: (reason: unknown) => void;
}

/** Changes of one commit. */
interface Batch {
  accepted: { entry: Waiting; before: Job | undefined; after: Job | null | undefined }[];
  /** Jobs as they were, and as the last change of each left them. */
  before: Map<string, Job | undefined>;
  draft: Map<string, Job | null>;
  /** Somebody wants it on the disk. */
  synced: boolean;
}

export class JobStore {
  readonly totals: Totals;
  readonly lists: JobLists;
  readonly usage: Usage;
  readonly chains: ChainRows;
  readonly #dataDir: string;
  readonly #database: Database;
  readonly #log: LogSync;
  readonly #reserve: Reserve;
  readonly #save: Statement;
  readonly #remove: Statement;
  readonly #due: Statement;
  readonly #jobs: KnownJobs;
  readonly #listeners = new Set<ChangeListener>();
  #lastCreatedMs: number;
  #waiting: Waiting[] = [];
  #scheduled = false;
  /** Committed, and the disk is waited for. */
  #underWay: Batch | undefined;
  /** Rows that were to become again what they were on a disk that took nothing: every commit sets them back, until one succeeds. */
  readonly #owed = new Map<string, Job | null>();

  /** Opens or makes `dataDir/otf.sqlite`. Throws OTF_STORE_UNUSABLE. One process at a time. */
  constructor(dataDir: string, sync?: LogSync) {
    this.#dataDir = dataDir;
    const path = join(dataDir, 'otf.sqlite');
    this.#database = openDatabase(path);
    this.#log = sync ?? new LogSync(path);
    this.#reserve = new Reserve(dataDir);
    this.#save = this.#database.prepare(kSaveSql);
    this.#remove = this.#database.prepare('DELETE FROM job WHERE id = ?');
    this.#due = this.#database
      .prepare('SELECT id FROM job WHERE destructionMs <= ? ORDER BY destructionMs LIMIT ?')
      .pluck();
    this.#jobs = new KnownJobs(this.#database);
    this.totals = new Totals(this.#database, this.#jobs.active());
    this.lists = new JobLists(this.#database, (id) => this.#jobs.activeJob(id)?.phase);
    this.usage = new Usage(this.#database);
    this.chains = new ChainRows(this.#database);
    this.#lastCreatedMs = this.lists.newestMs();
  }

  get(id: string): Job | undefined {
    // Its row is ahead of what anybody may see.
    if (this.#underWay?.before.has(id)) return this.#underWay.before.get(id);
    return this.#jobs.get(id);
  }

  has(id: string): boolean {
    if (this.#underWay?.before.has(id)) return this.#underWay.before.get(id) !== undefined;
    return this.#jobs.has(id);
  }

  active(): IterableIterator<Job> {
    return this.#jobs.active();
  }

  /** Ids of jobs whose time has come, at most `most`. */
  due(nowMs: number, most: number): string[] {
    return this.#due.all(nowMs, most) as string[];
  }

  /** Of a new job: no two share a millisecond, so that AFTER=that of the last one seen misses none. */
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
      setImmediate(() => this.#flush());
    });
  }

  /** Commits what waits, unless the disk is being waited for: then afterwards. */
  #flush(): void {
    if (this.#underWay) return;
    this.#scheduled = false;
    const batch = this.#commitWaiting();
    if (!batch) return;
    if (!batch.synced) {
      this.#settle(batch);
      return;
    }
    this.#underWay = batch;
    this.#log.wait().then(
      () => this.#synced(batch),
      (thrown) => this.#synced(batch, thrown),
    );
  }

  /** `failure`: the disk did not take it. */
  #synced(batch: Batch, failure?: unknown): void {
    // close() has waited instead.
    if (this.#underWay !== batch) return;
    this.#underWay = undefined;
    if (failure === undefined) this.#settle(batch);
    else this.#undo(batch, failure);
    if (this.#waiting.length > 0) this.#flush();
  }

  /** Undefined: nothing waited, or everybody has been refused. */
  #commitWaiting(): Batch | undefined {
    const batch: Batch = { accepted: [], before: new Map(), draft: new Map(), synced: false };
    const asked = this.#waiting;
    this.#waiting = [];
    if (asked.length === 0) return undefined;
    const { accepted, draft } = batch;
    const lasting = new Map<string, Job | null>();
    for (const entry of asked) {
      try {
        // As the changes before have left it: a later change of the batch must see the earlier ones.
        const before = (draft.has(entry.id) ? draft.get(entry.id) : this.get(entry.id)) ?? undefined;
        const after = entry.change(before);
        accepted.push({ entry, before, after });
        if (after === undefined || after === before) continue;
        if (!draft.has(entry.id)) batch.before.set(entry.id, before);
        draft.set(entry.id, after);
        if (entry.keep !== 'memory' || lasting.has(entry.id)) lasting.set(entry.id, after);
        batch.synced ||= entry.keep === 'disk';
      } catch (thrown) {
        entry.reject(thrown);
      }
    }
    try {
      if (lasting.size > 0) this.#commit(lasting);
    } catch (thrown) {
      const error = storeError(thrown, this.#dataDir);
      for (const { entry } of accepted) entry.reject(error);
      return undefined;
    }
    return batch;
  }

  /** What is committed becomes what everybody sees. */
  #settle({ accepted, draft }: Batch): void {
    for (const [id, after] of draft) this.#jobs.keep(id, after);
    for (const { entry, before, after } of accepted) {
      if (after !== undefined && after !== before) {
        this.totals.changed(after, before);
        for (const listener of this.#listeners) listener(after, before);
      }
      entry.resolve(after === null ? undefined : (after ?? before));
    }
  }

  /** Nobody has seen it: the rows become again what they were, now or as soon as the disk allows. */
  #undo({ accepted, before }: Batch, failure: unknown): void {
    let error = storeError(failure, this.#dataDir);
    for (const [id, job] of before) this.#owed.set(id, job ?? null);
    try {
      this.#commit(new Map());
    } catch (thrown) {
      error = storeError(thrown, this.#dataDir);
    }
    for (const { entry } of accepted) entry.reject(error);
  }

  /** For many rows at once, e.g. tests and imports: one transaction, listeners are not told. */
  load(jobs: Iterable<Job>): void {
    const draft = new Map<string, Job>();
    for (const job of jobs) draft.set(job.id, job);
    const before = [...draft.keys()].map((id) => [id, this.get(id)] as const);
    this.#commit(draft);
    this.#log.waitHere();
    for (const [id, old] of before) this.totals.changed(draft.get(id) ?? null, old);
    for (const [id, job] of draft) {
      this.#jobs.keep(id, job);
      this.#lastCreatedMs = Math.max(this.#lastCreatedMs, job.createdMs);
    }
  }

  /** What makes room may use the room kept for it. */
  #commit(draft: Map<string, Job | null>): void {
    const rows = this.#owed.size === 0 ? draft : new Map([...this.#owed, ...draft]);
    const write = this.#database.transaction(() => {
      for (const [id, job] of rows) {
        if (job === null) this.#remove.run(id);
        else this.#save.run(toRow(job));
      }
      this.usage.write();
    });
    const removes = [...rows.values()].includes(null);
    try {
      write();
    } catch (thrown) {
      if (!removes || !isDiskFull(thrown) || !this.#reserve.release()) throw thrown;
      write();
    }
    this.usage.written();
    this.#owed.clear();
  }

  /** What was used and no commit has taken along; on a disk that takes nothing it waits. */
  keepUsage(): void {
    try {
      if (this.usage.dirty || this.#owed.size > 0) this.#commit(new Map());
    } catch (thrown) {
      if (!isDiskFull(thrown) && !isReadOnly(this.#dataDir)) throw thrown;
    }
  }

  /** By SQLite's backup interface, a few pages at a time: commits go on, and are in it. Throws OTF_OUTPUT_UNWRITABLE. */
  async backup(path: string): Promise<void> {
    try {
      // For its own user alone, as the database is.
      closeSync(openSync(path, 'wx', 0o600));
      await this.#database.backup(path);
    } catch (thrown) {
      throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: ${systemReason(thrown)}`, { cause: thrown });
    }
  }

  /** Once in a while: the room that a removal used is kept again, where there is any. */
  keepReserve(): void {
    this.#reserve.keep();
  }

  /** Everything asked for is on the disk first. */
  close(): void {
    if (!this.#database.open) return;
    for (let batch = this.#underWay ?? this.#commitWaiting(); batch; batch = this.#commitWaiting()) {
      this.#underWay = undefined;
      if (batch.synced) this.#log.waitHere();
      this.#settle(batch);
    }
    this.keepUsage();
    this.#log.close();
    this.#database.close();
  }
}
