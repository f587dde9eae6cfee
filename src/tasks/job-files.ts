/**
 * The files a job leaves in its folder. Nobody reads them before the job's row names them, and the row is committed
 * after they are on disk: so there are no temporary names, and one sync of each file and of the folder is enough.
 * Synchronous: for worker threads, where a promise and a hop to another thread cost more than the write.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { grouped } from '../io/write.js';
import type { FileKind, ResultFile } from './files.js';

const kReadBytes = 1 << 18;

export class JobFiles {
  readonly #dir: string;
  readonly written: string[] = [];

  constructor(dir: string) {
    this.#dir = dir;
  }

  path(file: string): string {
    return join(this.#dir, file);
  }

  /** Throws OTF_OUTPUT_UNWRITABLE. */
  write(kind: FileKind, pieces: Iterable<string | Uint8Array>): ResultFile {
    this.written.push(kind.file);
    const hash = createHash('sha256');
    let size = 0;
    this.#guard(kind.file, () => {
      // A run that was killed may have left half of it.
      const descriptor = openSync(this.path(kind.file), 'w', 0o640);
      try {
        for (const piece of grouped(pieces)) {
          for (let at = 0; at < piece.length; ) at += writeSync(descriptor, piece, at);
          hash.update(piece);
          size += piece.length;
        }
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
    return { ...kind, size, sha256: hash.digest('hex') };
  }

  /** Takes over a file the native side has written into the folder. */
  adopt(from: string, kind: FileKind): ResultFile {
    this.written.push(kind.file);
    const hash = createHash('sha256');
    let size = 0;
    this.#guard(kind.file, () => {
      renameSync(this.path(from), this.path(kind.file));
      const descriptor = openSync(this.path(kind.file), 'r');
      try {
        const piece = Buffer.allocUnsafe(kReadBytes);
        for (let count = 1; count > 0; ) {
          count = readSync(descriptor, piece);
          hash.update(piece.subarray(0, count));
          size += count;
        }
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
    return { ...kind, size, sha256: hash.digest('hex') };
  }

  /** The names are on disk (fsync(2): those of a folder are a matter of their own). */
  sync(): void {
    this.#guard('', () => {
      const descriptor = openSync(this.#dir, 'r');
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  /** After a failure: half of the results are of no use, and on a full disk the room they take is needed. */
  remove(): void {
    for (const file of this.written) rmSync(this.path(file), { force: true });
  }

  #guard(file: string, work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (thrown instanceof OtfError) throw thrown;
      const message = `cannot write ${this.path(file)}: ${systemReason(thrown)}`;
      throw new OtfError('OTF_OUTPUT_UNWRITABLE', message, { cause: thrown });
    }
  }
}
