/**
 * Unpacking, once for each content and user. A folder appears under its name only when all is in it, so that any number of
 * starts at once, one that is killed, and a full disk leave either all of it or nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { type Contents, type PackedFile, unpackedBytes } from './contents.js';
import { kElsewhere } from './place.js';

/** What a start that was killed has left goes when it is this old: one on a slow disk may still be at it. */
const kLeftoverMs = 3600 * 1000;
/** Files end in whole blocks, and folders take some. */
const kBlockBytes = 4096;

/** The folder of `contents` below `programs`, which is there when this returns. Throws OTF_PACKAGE_UNUSABLE. */
export function unpackOnce(contents: Contents, key: string, archive: Uint8Array, programs: string): string {
  const folder = join(programs, key);
  if (existsSync(folder)) return folder;
  removeLeftovers(programs);
  requireGlibc(contents.glibc);
  requireRoom(contents, programs);
  const part = `${folder}.part-${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(part, { mode: 0o755 });
    for (const file of contents.files) write(part, file, unpack(file, archive));
    takeName(part, folder);
  } catch (thrown) {
    if (thrown instanceof OtfError) throw thrown;
    const reason = systemReason(thrown);
    throw new OtfError('OTF_PACKAGE_UNUSABLE', `cannot unpack into ${folder}: ${reason}: ${kElsewhere}`, {
      cause: thrown,
    });
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return folder;
}

/** Throws what says that the executable itself is damaged. */
function unpack(file: PackedFile, archive: Uint8Array): Uint8Array {
  let bytes: Uint8Array;
  try {
    const packed = archive.subarray(file.at, file.at + file.packed);
    bytes = brotliDecompressSync(packed, { maxOutputLength: Math.max(file.bytes, 1) });
  } catch (thrown) {
    throw damaged(file, thrown);
  }
  if (bytes.length !== file.bytes || createHash('sha256').update(bytes).digest('hex') !== file.sha256)
    throw damaged(file);
  return bytes;
}

function damaged(file: PackedFile, cause?: unknown): OtfError {
  const message = `this executable is damaged (${file.path} in it is not what was put there): get it again`;
  return new OtfError('OTF_PACKAGE_UNUSABLE', message, { cause });
}

function write(part: string, file: PackedFile, bytes: Uint8Array): void {
  const path = join(part, file.path);
  for (const folder of foldersAbove(file.path)) {
    if (existsSync(join(part, folder))) continue;
    mkdirSync(join(part, folder));
    chmodSync(join(part, folder), 0o755);
  }
  writeFileSync(path, bytes, { flag: 'wx' });
  // Whatever the umask of this start is, the next may be another's.
  chmodSync(path, file.program ? 0o755 : 0o644);
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === '.' ? [] : [...foldersAbove(above), above];
}

/** Somebody else may have been quicker: what is there then has the same content. */
function takeName(part: string, folder: string): void {
  chmodSync(part, 0o755);
  try {
    renameSync(part, folder);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw thrown;
  }
}

function removeLeftovers(programs: string): void {
  for (const name of readdirSync(programs)) {
    if (!/\.part-[0-9a-f]{12}$/.test(name)) continue;
    const path = join(programs, name);
    // It may end under its own name, or be removed by another start, at this moment.
    const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (made !== undefined && Date.now() - made > kLeftoverMs) rmSync(path, { recursive: true, force: true });
  }
}

/** Said before it is unpacked: the dynamic loader would say it of one library, later. */
function requireGlibc(wanted: string): void {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const own = header.glibcVersionRuntime;
  if (own !== undefined && atLeast(own, wanted)) return;
  const here = own === undefined ? 'this machine has none' : `this machine has ${own}`;
  throw new OtfError(
    'OTF_PACKAGE_UNUSABLE',
    `this executable needs glibc ${wanted} or later, and ${here}: take one that was made on an older system`,
  );
}

/** Of versions such as 2.36. */
export function atLeast(version: string, wanted: string): boolean {
  const [[major = 0, minor = 0], [wantedMajor = 0, wantedMinor = 0]] = [version, wanted].map((text) =>
    text.split('.').map(Number),
  ) as [number[], number[]];
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function requireRoom(contents: Contents, programs: string): void {
  const { bavail, bsize } = statfsSync(programs);
  const needed = unpackedBytes(contents) + kBlockBytes * contents.files.length;
  const room = bavail * bsize;
  if (room >= needed) return;
  const [have, want] = [room, needed].map((bytes) => `${Math.ceil(bytes / 1e6)} MB`);
  throw new OtfError(
    'OTF_PACKAGE_UNUSABLE',
    `${programs} has ${have} left, and ${want} are unpacked into it: ${kElsewhere}`,
  );
}
