/**
 * The end of a run and the files it has left, in one body: a request for each file costs a server more than most of the
 * files do. Large ones go by themselves, so that one cut connection is not all of them once more.
 *
 *     4 bytes, big-endian: length of the report ─► the report in JSON (messages.ts) ─► its files, one behind the other
 */
import type { SentFile } from './messages.js';

/** Files of a run with their bytes. */
export type CameFiles = ReadonlyMap<SentFile, Buffer>;

/** Of all files of a run, to go with its end. */
export const kBundleBytes = 4 << 20;
/** Of a body that is read into memory. */
export const kMostBodyBytes = 2 * kBundleBytes;

const kLengthBytes = 4;

export function packed(report: unknown, files: readonly Uint8Array[]): Buffer {
  const head = Buffer.from(JSON.stringify(report), 'utf8');
  const length = Buffer.alloc(kLengthBytes);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, ...files]);
}

/** The report, not checked, and what follows it. Throws what is wrong in words. */
export function unpacked(body: Buffer): { report: unknown; rest: Buffer } {
  const from = body.length < kLengthBytes ? Number.POSITIVE_INFINITY : kLengthBytes + body.readUInt32BE();
  if (from > body.length) throw new Error('the body ends within its report');
  return { report: JSON.parse(body.toString('utf8', kLengthBytes, from)), rest: body.subarray(from) };
}

/** Their bytes. Throws when these are not so many. */
export function filesIn(rest: Buffer, files: readonly SentFile[]): CameFiles {
  const found = new Map<SentFile, Buffer>();
  let at = 0;
  for (const file of files) {
    found.set(file, rest.subarray(at, at + file.size));
    at += file.size;
  }
  if (at !== rest.length) throw new Error(`the files have ${at} bytes, and ${rest.length} have come`);
  return found;
}
