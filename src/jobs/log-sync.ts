/**
 * Waiting for the disk, away from the event loop. SQLite's own wait (synchronous = FULL) is in the thread that commits: each
 * commit would hold up every answer by what the disk takes, tens of milliseconds while images are written. A commit writes
 * its pages to the log `otf.sqlite-wal` and nothing else (SQLite documentation, "Write-Ahead Logging"), so syncing that
 * file afterwards is what FULL does.
 */
import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';
import { promisify } from 'node:util';

const sync = promisify(fdatasync);

export class LogSync {
  readonly #path: string;
  #descriptor: number | undefined;

  /** Of the database at this path. */
  constructor(database: string) {
    this.#path = `${database}-wal`;
  }

  /** What has been committed is on the disk. Rejects with the system's error. */
  async wait(): Promise<void> {
    await sync(this.#open());
  }

  /** The same, in this thread: for the end. */
  waitHere(): void {
    fdatasyncSync(this.#open());
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** Not before the first commit, which makes the file; it stays the same one until the database is closed. */
  #open(): number {
    this.#descriptor ??= openSync(this.#path, 'r');
    return this.#descriptor;
  }
}
