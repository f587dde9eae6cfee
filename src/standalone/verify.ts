/** What is run is what was packed: every file is looked at before every start, and there is none besides. */
import { createHash } from 'node:crypto';
import { accessSync, closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, relative } from 'node:path';
import { OtfError, systemReason } from '../errors/catalogue.js';
import type { Contents, PackedFile } from './contents.js';
import { distrust, kElsewhere } from './place.js';

const kReadBytes = 1 << 20;

/** Throws OTF_PACKAGE_UNUSABLE, which names what is not as it was. */
export function verify(contents: Contents, folder: string): void {
  const missing = new Map(contents.files.map((file) => [file.path, file]));
  const buffer = Buffer.allocUnsafe(kReadBytes);
  requireOwn(folder, folder);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (entry.isDirectory()) {
      requireOwn(folder, path);
      continue;
    }
    const file = missing.get(name);
    if (file === undefined) throw changed(folder, `${name} was not put there by it`);
    const fault = faultOf(path, file, buffer);
    if (fault !== undefined) throw changed(folder, `${name} ${fault}`);
    missing.delete(name);
  }
  const [first] = missing.keys();
  if (first !== undefined) throw changed(folder, `${first} is missing`);
  requireExecutable(contents, folder);
}

function requireOwn(folder: string, path: string): void {
  const stats = lstatSync(path);
  const fault = stats.isDirectory() ? distrust(stats) : 'is no folder';
  if (fault !== undefined) throw changed(folder, `${relative(folder, path) || 'it'} ${fault}`);
}

/** What is wrong with a file; undefined: nothing. A link is not followed, and what is checked is what is read. */
function faultOf(path: string, file: PackedFile, buffer: Buffer): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    return `cannot be read (${systemReason(thrown)})`;
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return 'is no file';
    const fault = distrust(stats);
    if (fault !== undefined) return fault;
    if (stats.size !== file.bytes || digest(descriptor, buffer) !== file.sha256) return 'has been changed';
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

function digest(descriptor: number, buffer: Buffer): string {
  const hash = createHash('sha256');
  for (let read = readSync(descriptor, buffer); read > 0; read = readSync(descriptor, buffer))
    hash.update(buffer.subarray(0, read));
  return hash.digest('hex');
}

function changed(folder: string, what: string): OtfError {
  const message = `what was unpacked in ${folder} is not as it was: ${what}: remove that folder, and it is unpacked again`;
  return new OtfError('OTF_PACKAGE_UNUSABLE', message);
}

/** A file system mounted noexec takes programs and runs none; access(2) tells. */
function requireExecutable(contents: Contents, folder: string): void {
  const program = contents.files.find((file) => file.program);
  if (program === undefined) return;
  try {
    accessSync(join(folder, program.path), constants.X_OK);
  } catch (thrown) {
    const message = `no program may be run from ${folder} (is its file system mounted noexec?): ${kElsewhere}`;
    throw new OtfError('OTF_PACKAGE_UNUSABLE', message, { cause: thrown });
  }
}
