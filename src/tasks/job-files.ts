/** The files a task leaves in its job's folder. */
import type { Folder } from '../io/folder.js';
import type { FileKind, ResultFile } from './files.js';

export class JobFiles {
  readonly #folder: Folder;
  /** Their names. */
  readonly written: string[] = [];

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  path(file: string): string {
    return this.#folder.path(file);
  }

  /** Throws OTF_OUTPUT_UNWRITABLE. */
  write(kind: FileKind, pieces: Iterable<string | Uint8Array>): ResultFile {
    this.written.push(kind.file);
    return { ...kind, ...this.#folder.write(kind.file, pieces) };
  }

  /** Takes over a file the native side has written into the folder. */
  adopt(from: string, kind: FileKind): ResultFile {
    this.written.push(kind.file);
    return { ...kind, ...this.#folder.adopt(from, kind.file) };
  }

  sync(): void {
    this.#folder.sync();
  }

  /** After a failure: half of the results are of no use, and on a full disk the room they take is needed. */
  remove(): Promise<void> {
    return this.#folder.remove(this.written);
  }
}
