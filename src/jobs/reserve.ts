/**
 * Room on the disk that is kept for removals: on a full one a removal needs a little before it gives back much. A file
 * of that size, given up when it is needed and made again once there is room.
 */
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A commit of SQLite's writes a few pages per row, and its log grows by that. */
const kBytes = 1 << 20;

export class Reserve {
  readonly #path: string;

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'reserve');
    this.keep();
  }

  /** False when there was none. */
  release(): boolean {
    if (!this.#isThere()) return false;
    rmSync(this.#path, { force: true });
    return true;
  }

  /** Makes it if it is not there and twice its size is free. */
  keep(): void {
    if (this.#isThere()) return;
    try {
      const { bavail, bsize } = statfsSync(join(this.#path, '..'));
      if (bavail * bsize < 2 * kBytes) return;
      const descriptor = openSync(this.#path, 'w', 0o600);
      try {
        // Written, not merely made longer: a hole takes no room.
        const bytes = Buffer.alloc(kBytes, 0xff);
        for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      // Full again meanwhile: nothing is kept until there is room.
      rmSync(this.#path, { force: true });
    }
  }

  #isThere(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.size === kBytes;
  }
}
