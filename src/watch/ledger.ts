/**
 * Which objects have jobs: one row per object, on disk before the next step is taken.
 *
 *     (no row) ─ a job is made, PENDING ─► made ─ it is started ─► started          or refused, for good
 *
 * A job that was made and whose row was not written is never started: so whatever happens in between, one job runs.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { Sqlite } from '../jobs/sqlite.js';
import { placeOf } from './state-file.js';

export type Entry = { state: 'made' | 'started'; job: string } | { state: 'refused' | 'passed'; job: null };

const kOwnerOnly = 0o600;
const kFormat = 1;

export class Ledger {
  readonly #database: Database;

  /** `source`: of which it is; a file is of one. Throws OTF_STORE_UNUSABLE. */
  constructor(path: string, source: string) {
    this.#database = open(path);
    const known = this.#about('source', source);
    // Older ones know a folder as it was spelt.
    if (placeOf(known) === placeOf(source)) return;
    this.close();
    throw new OtfError('OTF_STORE_UNUSABLE', `${path} is of ${known}: use another --state for ${source}`);
  }

  /** For a broker, that knows its clients by their names. */
  get clientId(): string {
    return this.#about('client', `otf-${randomBytes(8).toString('hex')}`);
  }

  /** What it was told first. */
  #about(name: string, otherwise: string): string {
    this.#database.prepare('INSERT OR IGNORE INTO about VALUES (?, ?)').run(name, otherwise);
    return String(this.#database.prepare('SELECT value FROM about WHERE name = ?').pluck().get(name));
  }

  /** Those keys have no jobs, and get none; asked for the first time only. False: it had begun before. */
  async begin(keys: () => AsyncIterable<string>): Promise<boolean> {
    const said = this.#database.prepare('SELECT 1 FROM objects LIMIT 1').get();
    if (said !== undefined || this.#about('begun', 'no') === 'yes') return false;
    const all: string[] = [];
    for await (const key of keys()) all.push(key);
    // In one step: half of them would be the worst of both.
    this.#database.transaction(() => {
      for (const key of all) this.write(key, { state: 'passed', job: null });
      this.#database.prepare("UPDATE about SET value = 'yes' WHERE name = 'begun'").run();
    })();
    return true;
  }

  of(key: string): Entry | undefined {
    return this.#database.prepare('SELECT state, job FROM objects WHERE key = ?').get(key) as Entry | undefined;
  }

  /** On disk when it returns. */
  write(key: string, { state, job }: Entry): void {
    const sql =
      'INSERT INTO objects VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state, job = excluded.job';
    this.#database.prepare(sql).run(key, state, job, Date.now());
  }

  /** Those that were made, and whose start is not known. */
  made(): { key: string; job: string }[] {
    return this.#database.prepare("SELECT key, job FROM objects WHERE state = 'made'").all() as {
      key: string;
      job: string;
    }[];
  }

  close(): void {
    this.#database.close();
  }
}

function open(path: string): Database {
  try {
    closeSync(openSync(path, 'a', kOwnerOnly));
    const database = new Sqlite(path, { timeout: 200 });
    // Two watchers of one file would make two jobs of one object.
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('synchronous = FULL');
    database.exec(
      `BEGIN EXCLUSIVE;
       CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
       CREATE TABLE IF NOT EXISTS objects
         (key TEXT PRIMARY KEY, state TEXT NOT NULL, job TEXT, changedMs INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    );
    const format = database.pragma('user_version', { simple: true });
    if (format !== 0 && format !== kFormat)
      throw new Error(`format ${String(format)} is of another version of the program`);
    database.pragma(`user_version = ${kFormat}`);
    database.exec('COMMIT');
    return database;
  } catch (thrown) {
    const locked = (thrown as { code?: unknown }).code === 'SQLITE_BUSY';
    const reason = locked ? 'another watcher is using it' : systemReason(thrown);
    throw new OtfError('OTF_STORE_UNUSABLE', `cannot open ${path}: ${reason}`, { cause: thrown });
  }
}
