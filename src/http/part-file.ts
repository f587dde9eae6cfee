/** One file of a form on its way to disk. */
import { createHash } from 'node:crypto';
import { closeSync, fsync, openSync, writev } from 'node:fs';
import { promisify } from 'node:util';
import { refuseForDisk, type Spool } from '../jobs/folders.js';

const writeAt = promisify(writev);
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
    let pieces = this.#waiting;
    this.#waiting = [];
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    if (bytes === 0) return;
    this.#uncheckedBytes += bytes;
    if (this.#uncheckedBytes >= kCheckedBytes) {
      this.#uncheckedBytes = 0;
      this.#spool.assertReserve();
    }
    let writing = writeAt(this.#descriptor, pieces);
    // Beside the write, which another thread does.
    for (const piece of pieces) this.#hash.update(piece);
    this.size += bytes;
    for (;;) {
      const written = await this.#orRefuse(writing);
      pieces = after(pieces, written.bytesWritten);
      if (pieces.length === 0) return;
      writing = writeAt(this.#descriptor, pieces);
    }
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

/** What writev(2) left: it may take less than it was given. */
function after(pieces: Buffer[], written: number): Buffer[] {
  let left = written;
  let index = 0;
  for (; index < pieces.length; index++) {
    const length = pieces[index]?.length ?? 0;
    if (left < length) break;
    left -= length;
  }
  const rest = pieces.slice(index);
  if (rest[0] && left > 0) rest[0] = rest[0].subarray(left);
  return rest;
}
