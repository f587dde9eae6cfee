/** Files of jobs to clients: streamed with back-pressure; ETag, one Range, gzip for text where asked (RFC 9110). */

import type { HttpResponse } from 'uWebSockets.js';
import { createHash } from 'node:crypto';
import { close, closeSync, fstatSync, open, readv } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { isShortage, OtfError } from '../errors/catalogue.js';
import type { FileAnswer } from '../uws/exchange.js';
import { Outflow, type Writer } from './outflow.js';

const kChunkBytes = 1 << 18;
/** Below this gzip gains nothing worth its time. */
const kMinGzipBytes = 2048;
const kCompressible = /^text\/|[/+](xml|json)(;|$)|^application\/(json|provenance)/;

export interface DownloadRequest {
  head: boolean;
  range: string;
  ifRange: string;
  ifNoneMatch: string;
  acceptEncoding: string;
}

/** A response that may be gone. */
export interface Outlet extends Writer {
  res: HttpResponse;
  /** The last byte has been handed over. */
  finished: (status: number) => void;
  /** An answer that has begun cannot be ended: only a broken connection still says so. */
  giveUp: (thrown: unknown) => void;
}

interface Plan {
  status: string;
  headers: Record<string, string>;
  start: number;
  length: number;
  gzip: boolean;
  body: boolean;
}

/** What is sent, once it is known how large it is. */
type Found = FileAnswer & { size: number };

/** Throws OTF_NOT_FOUND when the file is gone, OTF_RANGE_INVALID with the size in the message, OTF_FILE_DAMAGED. */
export async function sendFile(outlet: Outlet, asked: FileAnswer, request: DownloadRequest): Promise<void> {
  const file = await opened(asked);
  let pieces: AsyncGenerator<Buffer> | undefined;
  try {
    // Of an open file this waits for no disk.
    const { size } = fstatSync(file);
    const answer: Found = { ...asked, size: asked.size ?? size };
    if (size < answer.size) throw damaged(answer.path, kShorter);
    const plan = makePlan(answer, request);
    pieces = plan.body && plan.length > 0 ? piecesOf(file, answer, plan) : undefined;
    // Of a file of one piece it is known before a word is said whether it is right.
    const first = await pieces?.next();
    outlet.send((res) => {
      res.writeStatus(plan.status);
      for (const [name, value] of Object.entries(plan.headers)) res.writeHeader(name, value);
      if (first) return;
      if (plan.gzip || plan.status.startsWith('304')) res.endWithoutBody();
      else if (plan.body) res.end();
      else endHead(res, plan.length);
    });
    if (pieces && first && !first.done) {
      try {
        const all = joined(first.value, pieces);
        await (plan.gzip ? sendCompressed(outlet, all) : sendPlain(outlet, all, plan.length));
      } catch (thrown) {
        return outlet.giveUp(thrown);
      }
    }
    outlet.finished(Number(plan.status.slice(0, 3)));
  } finally {
    // gzip may have asked for one that nobody waits for any more, and it is read from here.
    await pieces?.return(undefined);
    await closed(file, asked);
  }
}

const kShorter = 'is shorter than it was';

function damaged(path: string, how: string): OtfError {
  return new OtfError(
    'OTF_FILE_DAMAGED',
    `${basename(path)} ${how}: the disk has lost some of it; submit the job again`,
  );
}

/** What the answer is about, piece by piece. The last one of a whole file is given only when all of it is what was written. */
async function* piecesOf(file: number, { path, size, sha256 }: Found, plan: Plan): AsyncGenerator<Buffer> {
  const { start, length, gzip } = plan;
  const hash = sha256 !== undefined && length === size ? createHash('sha256') : undefined;
  // gzip has several pieces at once.
  const shared = gzip ? undefined : taken(length);
  try {
    for (let done = 0; done < length; ) {
      const buffers = firstOf(shared ?? [Buffer.allocUnsafe(Math.min(kChunkBytes, length - done))], length - done);
      let left = await readAt(file, buffers, start + done);
      if (left === 0) throw damaged(path, kShorter);
      for (const buffer of buffers) {
        const piece = buffer.subarray(0, left);
        left -= piece.length;
        done += piece.length;
        hash?.update(piece);
        if (done === length && hash && hash.digest('hex') !== sha256) throw damaged(path, 'is not what was written');
        if (piece.length > 0) yield piece;
      }
    }
  } finally {
    for (const buffer of shared ?? []) {
      if (buffer.length === kChunkBytes && spare.length < kMostSpare) spare.push(buffer);
    }
  }
}

/** Of downloads that have ended, for the next ones: fresh ones would be most of what the collector has to do. Many workers come at once. */
const kMostSpare = 64;
/** One way to the thread that reads for several pieces, as far as there are spare ones: those who read slowly hold them. */
const kMostAtOnce = 4;
const spare: Buffer[] = [];

function taken(length: number): Buffer[] {
  if (length < kChunkBytes) return [Buffer.allocUnsafe(length)];
  const buffers = [spare.pop() ?? Buffer.allocUnsafeSlow(kChunkBytes)];
  while (buffers.length < Math.min(kMostAtOnce, length / kChunkBytes)) {
    const more = spare.pop();
    if (!more) break;
    buffers.push(more);
  }
  return buffers;
}

/** No more than `bytes` of them. */
function firstOf(buffers: readonly Buffer[], bytes: number): Buffer[] {
  const first: Buffer[] = [];
  for (let left = bytes, at = 0; left > 0 && at < buffers.length; at++) {
    const part = (buffers[at] as Buffer).subarray(0, left);
    first.push(part);
    left -= part.length;
  }
  return first;
}

async function* joined(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** A descriptor, not a FileHandle: what that costs more for each call counts beside the reading of a piece. */
async function opened({ path, once = false }: FileAnswer): Promise<number> {
  try {
    return await new Promise((resolve, reject) =>
      open(path, 'r', (error, file) => (error ? reject(error) : resolve(file))),
    );
  } catch (thrown) {
    if (isShortage(thrown)) throw thrown;
    throw new OtfError('OTF_NOT_FOUND', 'the file is gone', { cause: thrown });
  } finally {
    if (once) await rm(path, { force: true });
  }
}

function readAt(file: number, buffers: readonly Buffer[], position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    readv(file, buffers, position, (error, count) => (error ? reject(error) : resolve(count))),
  );
}

async function closed(file: number, { once = false }: FileAnswer): Promise<void> {
  // A file that has no name any more goes with its last descriptor, which may take a while.
  if (once) await new Promise<void>((resolve, reject) => close(file, (error) => (error ? reject(error) : resolve())));
  else closeSync(file);
}

/**
 * The answer to HEAD. endWithoutBody(length) of uWebSockets.js 20 writes the length but does not end the response (the next
 * request then ends the process), so the header is written by hand.
 */
export function endHead(res: HttpResponse, length: number): void {
  res.writeHeader('Content-Length', String(length));
  res.endWithoutBody();
}

function makePlan(answer: Found, request: DownloadRequest): Plan {
  const encoded = 'Content-Encoding' in answer.headers;
  const compressible = !encoded && kCompressible.test(answer.mime) && answer.size >= kMinGzipBytes;
  const asked = request.acceptEncoding.split(',').some((item) => /^\s*gzip\s*(;\s*q=(1|0?\.0*[1-9]).*)?$/.test(item));
  const gzip = compressible && asked && request.range === '';
  // The two encodings are two representations: a strong tag must not name both.
  const etag = answer.etag === undefined ? undefined : `"${answer.etag.slice(0, 32)}${gzip ? '-gzip' : ''}"`;
  const headers: Record<string, string> = {
    'Content-Type': answer.mime,
    'Accept-Ranges': 'bytes',
    'X-Content-Type-Options': 'nosniff',
    // What is in a file is not ours: shown by a browser, it must not act as a page of this server.
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'Cache-Control': 'private, no-cache',
    ...answer.headers,
  };
  if (compressible) headers.Vary = headers.Vary ? `${headers.Vary}, Accept-Encoding` : 'Accept-Encoding';
  if (gzip) headers['Content-Encoding'] = 'gzip';
  if (etag) headers.ETag = etag;
  const whole: Plan = { status: '200 OK', headers, start: 0, length: answer.size, gzip, body: !request.head };
  if (etag && request.ifNoneMatch !== '' && matches(request.ifNoneMatch, etag)) {
    return { ...whole, status: '304 Not Modified', length: 0, gzip: false, body: false };
  }
  if (request.range === '' || (request.ifRange !== '' && request.ifRange !== etag)) return whole;
  const range = parseRange(request.range, answer.size);
  if (range === undefined) return whole;
  const [start, end] = range;
  headers['Content-Range'] = `bytes ${start}-${end}/${answer.size}`;
  return { ...whole, status: '206 Partial Content', start, length: end - start + 1 };
}

function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** First and last byte; undefined = to be ignored (several ranges, other units). Throws OTF_RANGE_INVALID. */
function parseRange(header: string, size: number): [number, number] | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [, first = '', last = ''] = match;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && first !== '' && Number(last) < Number(first)) return undefined;
  if (start >= size || (first === '' && Number(last) === 0)) throw new RangeInvalid(size);
  return [start, end];
}

/** 416 needs the size in a header of its own. */
export class RangeInvalid extends OtfError {
  readonly size: number;

  constructor(size: number) {
    super('OTF_RANGE_INVALID', `the range lies outside the file of ${size} bytes`);
    this.size = size;
  }
}

async function sendPlain(outlet: Outlet, pieces: AsyncIterable<Buffer>, length: number): Promise<void> {
  const flow = new Outflow(outlet);
  for await (const piece of pieces) {
    if (outlet.gone) return;
    await flow.part(piece, length);
  }
}

async function sendCompressed(outlet: Outlet, pieces: AsyncIterable<Buffer>): Promise<void> {
  const flow = new Outflow(outlet);
  // It ends as its source does: by an error, too, which is thrown here.
  const gzip = pipeline(Readable.from(pieces), createGzip(), () => undefined);
  for await (const chunk of gzip as AsyncIterable<Buffer>) {
    if (outlet.gone) return;
    await flow.piece(chunk);
  }
  outlet.send((res) => res.end());
}
