/** Pieces to a file with as few hops to another thread as there can be. */
import { writev } from 'node:fs';
import { promisify } from 'node:util';

const writeAt = promisify(writev);

/** All of them, one behind the other; without a position where the file is (writev(2), pwritev(2)). Throws what the system says. */
export async function writePieces(descriptor: number, pieces: Buffer[], position?: number): Promise<void> {
  let left = pieces;
  let at = position;
  while (left.length > 0) {
    const { bytesWritten } = await writeAt(descriptor, left, at);
    left = after(left, bytesWritten);
    if (at !== undefined) at += bytesWritten;
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
