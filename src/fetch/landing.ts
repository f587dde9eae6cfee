/** What comes, on its way into a file: gathered, for each write is a visit to another thread and back. */
import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import { writePieces } from '../io/write-pieces.js';

const sync = promisify(fdatasync);

/** The disk is asked for each so many beside the writing: little is left for whoever waits for the last one. */
const kSyncedBytes = 32 << 20;
/** More than this does not wait for the disk in memory. */
const kMostWaitingBytes = 4 << 20;
/** So much is worth a write; less, of whoever sends slowly, is written when it has waited for so long. The last of it does not wait. */
const kWorthBytes = 1 << 20;
const kGatherMs = 100;

export class Landing {
  readonly #descriptor: number;
  readonly #came: (bytes: number) => void;
  #written: number;
  #pieces: Buffer[] = [];
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ending = false;
  #unsynced = 0;
  /** One at a time; rejected when one has failed: the system says so once only. */
  #syncing: Promise<void> = Promise.resolve();
  #isSyncing = false;

  /** From a position on. `came`: so many bytes are in the file. */
  constructor(descriptor: number, position: number, came: (bytes: number) => void) {
    this.#descriptor = descriptor;
    this.#written = position;
    this.#came = came;
  }

  /** A promise: that of the next one to come. Rejects with what the system says. */
  add(piece: Buffer): Promise<void> | undefined {
    this.#pieces.push(piece);
    this.#waiting += piece.length;
    if (!this.#writing) this.#consider();
    return this.#waiting >= kMostWaitingBytes ? this.#writing : undefined;
  }

  /** Everything is in the file. Rejects as add. */
  async end(): Promise<void> {
    this.#ending = true;
    if (!this.#writing) this.#consider();
    await this.#writing;
    await this.#syncing;
  }

  /** Of what waits, with no write under way. */
  #consider(): void {
    if (this.#pieces.length === 0) return;
    if (this.#ending || this.#waiting >= kWorthBytes) this.#begin();
    else this.#timer ??= setTimeout(() => this.#begin(), kGatherMs);
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#write();
    // Whoever adds or ends hears of it.
    this.#writing.catch(() => undefined);
  }

  async #write(): Promise<void> {
    do {
      const pieces = this.#pieces;
      const bytes = this.#waiting;
      this.#pieces = [];
      this.#waiting = 0;
      await writePieces(this.#descriptor, pieces, this.#written);
      this.#written += bytes;
      this.#came(this.#written);
      this.#unsynced += bytes;
      if (this.#unsynced >= kSyncedBytes && !this.#isSyncing) this.#sync();
    } while (this.#waiting >= kWorthBytes || (this.#ending && this.#waiting > 0));
    this.#writing = undefined;
    this.#consider();
  }

  #sync(): void {
    this.#unsynced = 0;
    this.#isSyncing = true;
    this.#syncing = this.#syncing
      .then(() => sync(this.#descriptor))
      .then(() => {
        this.#isSyncing = false;
      });
    this.#syncing.catch(() => undefined);
  }
}
