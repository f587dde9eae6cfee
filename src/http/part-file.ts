/** One file of a form on its way to disk. */
import { createHash } from 'node:crypto';
import { closeSync, fsync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { writePieces } from '../io/write-pieces.js';
import { refuseForDisk, type Spool } from '../jobs/folders.js';

const sync = promisify(fsync);

/** The disk is looked at each time so much has been written. */
const kCheckedBytes = 4 << 20;

export class PartFile {
  readonly file: string;
  size = 0;
  /** The last byte has come. */
  ended = false;
  readonly #hash = createHash('sha256');
  readonly #descriptor: number;
  #waiting: Buffer[] = [];
  #closed = false;
  readonly #spool: Spool;
  #uncheckedBytes = 0;

  /** Throws OTF_DISK_FULL, OTF_INTERNAL. */
  constructor(spool: Spool) {
    this.#spool = spool;
    const { file, path } = spool.newFile();
    this.file = file;
    try {
      // A name in a folder made just now: not worth a hop to another thread.
      this.#descriptor = openSync(path, 'wx', 0o640);
    } catch (thrown) {
      refuseForDisk(thrown);
    }
  }

  /** Read until flush() has resolved. */
  add(bytes: Buffer): void {
    this.#waiting.push(bytes);
  }

  /** Everything added is written. Throws OTF_DISK_FULL, OTF_INTERNAL. */
  async flush(): Promise<void> {
    const pieces = this.#waiting;
    this.#waiting = [];
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    if (bytes === 0) return;
    this.#uncheckedBytes += bytes;
    if (this.#uncheckedBytes >= kCheckedBytes) {
      this.#uncheckedBytes = 0;
      this.#spool.assertReserve();
    }
    const writing = this.#orRefuse(writePieces(this.#descriptor, pieces));
    // Beside the write, which another thread does.
    for (const piece of pieces) this.#hash.update(piece);
    this.size += bytes;
    await writing;
  }

  /** On disk; its digest. */
  async finish(): Promise<string> {
    await this.flush();
    await this.#orRefuse(sync(this.#descriptor));
    this.close();
    return this.#hash.digest('hex');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
  }

  #orRefuse<T>(work: Promise<T>): Promise<T> {
    return work.catch(refuseForDisk);
  }
}
