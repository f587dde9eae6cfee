/** The files of a command as the native side can read them: gzip-compressed ones unpacked for as long as they are needed. */
import { type FileHandle, mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isGzip, unpack } from '../fetch/unpack.js';

/** Left free on the disk. */
const kReserveBytes = 256 * 2 ** 20;

export class PlainFiles {
  readonly #open: FileHandle[] = [];

  /**
   * The path itself, or of the unpacked file: it has no name any more, so that nothing is left whatever ends this process.
   * The user's own file is limited by the room in the temporary folder (TMPDIR) only.
   */
  async of(path: string): Promise<string> {
    if (!(await isGzip(path))) return path;
    const dir = await mkdtemp(join(tmpdir(), 'cianna-otf-'));
    try {
      const { bavail, bsize } = await statfs(dir);
      const target = join(dir, 'image.fits');
      const maxBytes = Math.max(0, bavail * bsize - kReserveBytes);
      await unpack(path, target, path, { maxBytes, maxRatio: Number.POSITIVE_INFINITY });
      const file = await open(target, 'r');
      this.#open.push(file);
      return `/proc/${process.pid}/fd/${file.fd}`;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((file) => file.close()));
  }
}
