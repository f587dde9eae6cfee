/**
 * A job's folder as whoever runs the job sees it. Here it is a folder of the server; for one who runs jobs elsewhere it can be
 * his own, with what was uploaded brought there and what was written sent back.
 *
 * Nobody reads results before the job's row names them, and the row is committed after they are on disk: so there are no
 * temporary names, and one sync of each file and of the folder is enough. Writing is synchronous: for worker threads, where
 * a promise and a hop to another thread cost more than the write.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError, systemCode, systemReason } from '../errors/catalogue.js';
import { grouped } from './write.js';

/** Opens the folder in another thread (folderAt): a plain value. */
export type FolderRef = string & { readonly folder: unique symbol };

export interface Written {
  size: number;
  sha256: string;
}

export interface Folder {
  readonly ref: FolderRef;
  /** Of a file in it, there or to be, for native code and whatever else wants a file of this machine. */
  path(file: string): string;
  /** Undefined when there is no such file. */
  read(file: string): Promise<Buffer | undefined>;
  /** On disk when it returns. Throws OTF_OUTPUT_UNWRITABLE, OTF_DISK_READ_ONLY, and so do adopt and sync. */
  write(file: string, pieces: Iterable<string | Uint8Array>): Written;
  /** A file that was written to path(from) becomes `file`, and is on disk. */
  adopt(from: string, file: string): Written;
  /** The names are on disk (fsync(2): those of a folder are a matter of their own). */
  sync(): void;
  /** Those that are there. */
  remove(files: readonly string[]): Promise<void>;
  /** Bytes that can be written. */
  room(): Promise<number>;
}

export function folderRef(dir: string): FolderRef {
  return dir as FolderRef;
}

export function folderAt(ref: FolderRef): Folder {
  return new LocalFolder(ref);
}

const kReadBytes = 1 << 18;

class LocalFolder implements Folder {
  readonly ref: FolderRef;

  constructor(ref: FolderRef) {
    this.ref = ref;
  }

  path(file: string): string {
    return join(this.ref, file);
  }

  async read(file: string): Promise<Buffer | undefined> {
    return readFile(this.path(file)).catch((thrown) => {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw thrown;
    });
  }

  write(file: string, pieces: Iterable<string | Uint8Array>): Written {
    // A run that was killed may have left half of it.
    return this.#synced(file, 'w', (descriptor, hash) => {
      let size = 0;
      for (const piece of grouped(pieces)) {
        for (let at = 0; at < piece.length; ) at += writeSync(descriptor, piece, at);
        hash.update(piece);
        size += piece.length;
      }
      return size;
    });
  }

  adopt(from: string, file: string): Written {
    this.#guard(file, () => renameSync(this.path(from), this.path(file)));
    return this.#synced(file, 'r', (descriptor, hash) => {
      let size = 0;
      const piece = Buffer.allocUnsafe(kReadBytes);
      for (let count = 1; count > 0; ) {
        count = readSync(descriptor, piece);
        hash.update(piece.subarray(0, count));
        size += count;
      }
      return size;
    });
  }

  sync(): void {
    this.#guard('', () => {
      const descriptor = openSync(this.ref, 'r');
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  async remove(files: readonly string[]): Promise<void> {
    await Promise.all(files.map((file) => rm(this.path(file), { force: true })));
  }

  async room(): Promise<number> {
    const { bavail, bsize } = await statfs(this.ref);
    return bavail * bsize;
  }

  /** `work` gives the size of the file. */
  #synced(file: string, flags: 'r' | 'w', work: (descriptor: number, hash: Hash) => number): Written {
    const hash = createHash('sha256');
    const size = this.#guard(file, () => {
      const descriptor = openSync(this.path(file), flags, 0o640);
      try {
        const bytes = work(descriptor, hash);
        fsyncSync(descriptor);
        return bytes;
      } finally {
        closeSync(descriptor);
      }
    });
    return { size, sha256: hash.digest('hex') };
  }

  #guard<T>(file: string, work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      if (thrown instanceof OtfError) throw thrown;
      const message = `cannot write ${this.path(file)}: ${systemReason(thrown)}`;
      const code = systemCode(thrown) === 'EROFS' ? 'OTF_DISK_READ_ONLY' : 'OTF_OUTPUT_UNWRITABLE';
      throw new OtfError(code, message, { cause: thrown });
    }
  }
}
