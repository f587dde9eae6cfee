/** Files: whole or not at all. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsync, openSync, writeSync } from 'node:fs';
import { access, lstat, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { claimOutput, forNow } from './leftovers.js';

const sync = promisify(fsync);

/** To a temporary name beside the target, synced, then renamed: a reader never sees half a file. Links stay, as targetOf says. */
export async function writeFileAtomically(
  path: string,
  pieces: Iterable<string | Uint8Array>,
  mode = 0o666,
  /** Where that is not whoever writes it. */
  owner?: { uid: number; gid: number },
): Promise<void> {
  const target = await targetOf(path);
  const temporary = `${target}.${randomBytes(4).toString('hex')}.tmp`;
  const isGone = forNow(temporary);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      for (const piece of grouped(pieces)) await file.writeFile(piece);
      if (owner) await file.chown(owner.uid, owner.gid);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (thrown instanceof OtfError) throw thrown;
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: ${systemReason(thrown)}`, { cause: thrown });
  } finally {
    isGone();
  }
}

/** As many as the system follows. */
const kMostLinks = 40;

/**
 * The file that a write to `path` replaces: where symbolic links lead to, which stay. A device, a pipe or a socket is never
 * replaced by a file; nor is what another program has open for us (/dev/stdout), which may be more than what we write. Throws
 * OTF_OUTPUT_UNWRITABLE.
 */
export async function targetOf(path: string): Promise<string> {
  const refuse = (reason: string) => new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: ${reason}`);
  let at = path;
  for (let links = 0; links <= kMostLinks; links++) {
    const found = await lstat(at).catch(() => undefined);
    if (found === undefined || found.isFile() || found.isDirectory()) return at;
    const folder = await realpath(dirname(at));
    const isOpen = /^\/proc\/[^/]+\/fd$/.test(folder);
    if (!found.isSymbolicLink() || isOpen) throw refuse(isOpen ? kOpenAlready : kNoFile);
    at = resolve(folder, await readlink(at));
  }
  throw refuse('too many links');
}

const kNoFile = 'it is a device, a pipe or a socket: name a file, or - where standard output will do';
const kOpenAlready = 'it is what is open already: name a file, or - where standard output will do';

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

/**
 * Before minutes of work: can `path` be written at all, and is it no other output of this command? Throws OTF_OUTPUT_UNWRITABLE,
 * OTF_USAGE. Leaves nothing behind.
 */
export async function assertWritable(path: string): Promise<void> {
  try {
    const target = await targetOf(path);
    const found = await stat(target).catch(() => undefined);
    if (found?.isDirectory()) throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: it is a directory`);
    const folder = await realpath(dirname(target));
    await access(folder, constants.W_OK | constants.X_OK);
    if (!claimOutput(join(folder, basename(target)))) throw new OtfError('OTF_USAGE', `two outputs both name ${path}`);
  } catch (thrown) {
    if (thrown instanceof OtfError) throw thrown;
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: ${systemReason(thrown)}`, { cause: thrown });
  }
}
