/** The file `otf.sqlite`, opened for one process. */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { migrate } from './schema.js';
import { Sqlite } from './sqlite.js';

/** What people asked for is nobody else's business. */
const kOwnerOnly = 0o600;

/** Throws OTF_STORE_UNUSABLE. */
export function openDatabase(path: string): Database {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Its log and shared memory are made with the rights of the file (SQLite, os_unix.c).
    closeSync(openSync(path, 'a', kOwnerOnly));
    chmodSync(path, kOwnerOnly);
    const database = new Sqlite(path, { timeout: 200 });
    // Exclusive: a second server on the same folder must fail, not share the queue.
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('journal_mode = WAL');
    // NORMAL: a commit is in the log, and whoever needs it on the disk waits for that (log-sync.ts).
    database.pragma('synchronous = NORMAL');
    migrate(database);
    return database;
  } catch (thrown) {
    if (thrown instanceof OtfError) throw thrown;
    const locked = (thrown as { code?: unknown }).code === 'SQLITE_BUSY';
    const reason = locked ? 'another server is using this folder' : systemReason(thrown);
    throw new OtfError('OTF_STORE_UNUSABLE', `cannot open ${path}: ${reason}`, { cause: thrown });
  }
}
