/** Files: whole or not at all. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsync, openSync, writeSync } from 'node:fs';
import { access, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { OtfError, systemReason } from '../errors/catalogue.js';

const sync = promisify(fsync);

/**
 * To a temporary name beside the target, synced, then renamed: a reader never sees half a file. `owner`: whose it is from its
 * first moment under that name, where that is not whoever writes it.
 */
export async function writeFileAtomically(
  path: string,
  pieces: Iterable<string | Uint8Array>,
  mode = 0o666,
  owner?: { uid: number; gid: number },
): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      for (const piece of grouped(pieces)) await file.writeFile(piece);
      if (owner) await file.chown(owner.uid, owner.gid);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (thrown instanceof OtfError) throw thrown;
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: ${systemReason(thrown)}`, { cause: thrown });
  }
}

/**
 * A small file under its own name, on disk when it resolves: the wait for the disk is in another thread, the rest not worth a
 * hop there. For names that nobody looks for yet. Throws what the system says.
 */
export async function writeSynced(path: string, bytes: Uint8Array, mode = 0o640): Promise<void> {
  // One that was begun before a crash is written anew.
  const descriptor = openSync(path, 'w', mode);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    await sync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Larger pieces, so that a row is not a system call. What is large already is not copied. */
export function* grouped(pieces: Iterable<string | Uint8Array>): Generator<Uint8Array> {
  const kGroupBytes = 1 << 18;
  let group: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    const buffer = typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece;
    group.push(buffer);
    bytes += buffer.length;
    if (bytes < kGroupBytes) continue;
    yield group.length === 1 ? buffer : Buffer.concat(group);
    group = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(group);
}

/** Before minutes of work: can `path` be written at all? Throws OTF_OUTPUT_UNWRITABLE. Leaves nothing behind. */
export async function assertWritable(path: string): Promise<void> {
  try {
    const target = await stat(path).catch(() => undefined);
    if (target?.isDirectory()) throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: it is a directory`);
    await access(dirname(path), constants.W_OK | constants.X_OK);
  } catch (thrown) {
    if (thrown instanceof OtfError) throw thrown;
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: ${systemReason(thrown)}`, { cause: thrown });
  }
}
