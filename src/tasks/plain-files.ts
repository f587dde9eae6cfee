/** The files of a command as the native side can read them: gzip-compressed ones unpacked for as long as they are needed. */
import { type FileHandle, mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isGzip, unpack } from '../fetch/unpack.js';
import { forNow } from '../io/leftovers.js';

/** Left free on the disk. */
const kReserveBytes = 256 * 2 ** 20;

export class PlainFiles {
  readonly #open: FileHandle[] = [];

  /**
   * The path itself, or of the unpacked file: it has no name from the start, so that nothing is left whatever ends this process.
   * The user's own file is limited by the room in the temporary folder (TMPDIR) only.
   */
  async of(path: string): Promise<string> {
    if (!(await isGzip(path))) return path;
    const { file, maxBytes } = await nameless();
    this.#open.push(file);
    const target = `/proc/${process.pid}/fd/${file.fd}`;
    await unpack(path, target, path, { maxBytes, maxRatio: Number.POSITIVE_INFINITY });
    return target;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((file) => file.close()));
  }
}

/** A file in the temporary folder, and how large it may get. */
async function nameless(): Promise<{ file: FileHandle; maxBytes: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'cianna-otf-'));
  const isGone = forNow(dir);
  try {
    const { bavail, bsize } = await statfs(dir);
    const file = await open(join(dir, 'image.fits'), 'wx+', 0o600);
    return { file, maxBytes: Math.max(0, bavail * bsize - kReserveBytes) };
  } finally {
    await rm(dir, { recursive: true, force: true });
    isGone();
  }
}
