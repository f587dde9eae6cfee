/**
 * Brings IMAGE=http(s)://... (or dav, s3: places.ts) into a file: streamed, resumed with Range after a cut, limited in size, time and
 * redirects; from the first of several addresses that gives what it should.
 * Private addresses are refused on every redirect (connect.ts). Called by the executor in phase EXECUTING.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream';
import { type ErrorCode, OtfError, systemReason, toOtfError } from '../errors/catalogue.js';
import { publicUrl } from '../errors/public-text.js';
import { ask, Cut, networkReason } from './connect.js';
import { type DigestName, type Digests, readDigestHeader, Summing } from './digests.js';
import { Landing } from './landing.js';
import { type Place, type Places, placeOf } from './places.js';
import { continuation, type Version, versionOf } from './resume.js';

export interface FetchLimits {
  allowPrivate: boolean;
  maxBytes: number;
  maxRedirects: number;
  /** Whole transfer. */
  timeoutMs: number;
  /** Called each time kCheckedBytes more have come: throws when the disk is full. */
  assertRoom?: () => void;
  /** Attempts to resume after a cut. */
  maxResumes?: number;
  /** No byte for this long = cut. */
  stallMs?: number;
  /** Of this server. */
  places?: Places;
  /** What must come out. */
  digests?: Digests;
  watch?: TransferWatch | undefined;
}

/** For whoever reads the file while it is being written. */
export interface TransferWatch {
  /** It comes from its beginning: what there was of it is about to go. */
  restarts: () => void | Promise<void>;
  /** So many bytes are in the file, of so many that were announced. */
  came: (bytes: number, total: number | undefined) => void;
}

export interface FetchedImage {
  size: number;
  sha256: string;
  /** Which of the addresses gave it. */
  index: number;
}

export const kCheckedBytes = 4 << 20;
const kDefaultResumes = 5;
const kDefaultStallMs = 30_000;
const kResumeDelayMs = 200;
const kNoPlaces: Places = { s3: [], owner: null };

/** One transfer: what has arrived, and what must stay the same when it is resumed. */
interface Transfer {
  file: FileHandle;
  sums: Summing;
  /** Which are counted, and what they must be. */
  names: Set<DigestName>;
  wanted: Digests;
  received: number;
  total: number | undefined;
  version: Version;
}

/**
 * `path` is overwritten; on failure what has arrived is left there for the caller to remove with the job's folder.
 * Throws OTF_FETCH_REFUSED, OTF_FETCH_TOO_LARGE, OTF_FETCH_FAILED, OTF_IMAGE_CHECKSUM, of the last address, or the signal's own reason when it is aborted.
 */
export async function fetchImage(
  addresses: string | readonly string[],
  path: string,
  limits: FetchLimits,
  signal: AbortSignal,
): Promise<FetchedImage> {
  const all = [addresses].flat();
  for (const [index, address] of all.entries()) {
    try {
      return { ...(await fetchOne(address, path, limits, signal)), index };
    } catch (thrown) {
      // What is wrong with one address may be right with the next; what is wrong here is wrong for all.
      const { code } = toOtfError(thrown);
      if (signal.aborted || index === all.length - 1 || !kOfAddress.has(code)) throw thrown;
    }
  }
  throw new OtfError('OTF_INTERNAL', 'nothing was to be fetched');
}

const kOfAddress: ReadonlySet<ErrorCode> = new Set(['OTF_FETCH_FAILED', 'OTF_FETCH_REFUSED', 'OTF_IMAGE_CHECKSUM']);

async function fetchOne(
  url: string,
  path: string,
  limits: FetchLimits,
  signal: AbortSignal,
): Promise<Omit<FetchedImage, 'index'>> {
  const deadline = AbortSignal.timeout(Math.min(limits.timeoutMs, 2 ** 31 - 1));
  const either = AbortSignal.any([signal, deadline]);
  await limits.watch?.restarts();
  const file = await open(path, 'w').catch(refuseToKeep);
  const names = new Set<DigestName>(['sha256', ...(Object.keys(limits.digests ?? {}) as DigestName[])]);
  const transfer: Transfer = {
    file,
    sums: new Summing(names),
    names,
    wanted: limits.digests ?? {},
    received: 0,
    total: undefined,
    version: versionOf({}),
  };
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        await receive(transfer, url, limits, either);
        break;
      } catch (thrown) {
        if (signal.aborted) throw signal.reason;
        if (deadline.aborted) throw failed(url, `not there after ${limits.timeoutMs / 1000} s`);
        if (!(thrown instanceof Cut)) throw thrown;
        if (attempt >= (limits.maxResumes ?? kDefaultResumes)) throw failed(url, thrown.message);
        await new Promise((resolve) => setTimeout(resolve, kResumeDelayMs * (attempt + 1)));
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const sums = transfer.sums.end();
  for (const name of transfer.names) {
    const wanted = transfer.wanted[name];
    if (wanted === undefined || wanted === sums[name]) continue;
    const both = `${name} ${sums[name]?.slice(0, 12)}, not ${wanted.slice(0, 12)}`;
    throw new OtfError('OTF_IMAGE_CHECKSUM', `${publicUrl(url)} has ${both}: it was changed or damaged on its way`);
  }
  return { size: transfer.received, sha256: sums.sha256 ?? '' };
}

/** Follow redirects, then read the body to its end. Throws Cut when the connection broke. */
async function receive(transfer: Transfer, address: string, limits: FetchLimits, signal: AbortSignal): Promise<void> {
  let place = await placeOf(address, limits.places ?? kNoPlaces);
  const start = new URL(address);
  for (let redirects = 0; ; redirects++) {
    const { url, own } = place;
    const response = await get(place, transfer, limits, signal);
    const status = response.statusCode ?? 0;
    const location = response.headers.location;
    if (status >= 300 && status < 400 && location !== undefined) {
      response.destroy();
      if (own) throw failed(start.href, 'it lies elsewhere: set the endpoint or region of its credentials');
      if (redirects >= limits.maxRedirects) throw failed(start.href, `more than ${limits.maxRedirects} redirects`);
      if (!URL.canParse(location, url.href)) throw failed(start.href, 'a redirect to no URL');
      place = { ...(await redirected(new URL(location, url), limits)), headers: place.headers };
      continue;
    }
    try {
      await acceptStatus(transfer, status, response, start, limits);
      return await readBody(transfer, response, start, limits);
    } finally {
      response.destroy();
    }
  }
}

/** Never to what the server has credentials for: a stranger would choose the object. */
async function redirected(url: URL, limits: FetchLimits): Promise<Place> {
  if (url.protocol === 's3:') throw new OtfError('OTF_FETCH_REFUSED', 'a redirect to s3: is not followed');
  return placeOf(url.href, limits.places ?? kNoPlaces);
}

function get(place: Place, transfer: Transfer, limits: FetchLimits, signal: AbortSignal): Promise<IncomingMessage> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  const { received, version, wanted } = transfer;
  // Where no validator says that it is the same file, a checksum does; without either it comes from its beginning.
  if (version.validator === undefined && Object.keys(wanted).length === 0) transfer.received = 0;
  else if (received > 0) {
    headers.range = `bytes=${received}-`;
    if (version.validator !== undefined) headers['if-range'] = version.validator;
  }
  return ask(place, {
    headers,
    allowPrivate: limits.allowPrivate,
    stallMs: limits.stallMs ?? kDefaultStallMs,
    signal,
    send: (request) => request.end(),
    refused: (reason) => failed(place.url.href, reason),
  });
}

async function acceptStatus(
  transfer: Transfer,
  status: number,
  response: IncomingMessage,
  url: URL,
  limits: FetchLimits,
): Promise<void> {
  if (status >= 500 || status === 429) throw new Cut(`the server answered ${status}`);
  const resumed = transfer.received > 0;
  if (resumed && status === 416) throw anew(transfer, 'the file was changed meanwhile');
  if (status !== 200 && !(resumed && status === 206)) throw failed(url.href, `the server answered ${status}`);
  const length = response.headers['content-length'];
  const announced = length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
  if (status === 206) {
    const { received, total, version } = transfer;
    const rest = continuation(response.headers, received, { ...version, total });
    if (typeof rest === 'string') throw anew(transfer, rest);
    transfer.total = rest.total;
  } else {
    // From the beginning (again): the server cannot resume, or the file has changed.
    await limits.watch?.restarts();
    await transfer.file.truncate(0);
    transfer.received = 0;
    const told = readDigestHeader(response.headers.digest?.toString());
    for (const name of Object.keys(told) as DigestName[]) transfer.names.add(name);
    transfer.wanted = { ...told, ...limits.digests };
    transfer.sums = new Summing(transfer.names);
    transfer.total = announced;
    transfer.version = versionOf(response.headers);
  }
  if ((transfer.total ?? 0) > limits.maxBytes) throw tooLarge(url, limits);
}

/** The next attempt begins at the beginning. */
function anew(transfer: Transfer, reason: string): Cut {
  transfer.received = 0;
  return new Cut(reason);
}

async function readBody(transfer: Transfer, response: IncomingMessage, url: URL, limits: FetchLimits): Promise<void> {
  const landing = new Landing(transfer.file.fd, transfer.received, (bytes) =>
    limits.watch?.came(bytes, transfer.total),
  );
  try {
    await eachPiece(response, (piece) => {
      const received = transfer.received + piece.length;
      if (received > limits.maxBytes) throw tooLarge(url, limits);
      if (received > (transfer.total ?? received)) throw failed(url.href, 'more came than the server had announced');
      if (Math.floor(received / kCheckedBytes) > Math.floor(transfer.received / kCheckedBytes)) limits.assertRoom?.();
      transfer.sums.update(piece);
      transfer.received = received;
      return landing.add(piece)?.catch(refuseToKeep);
    });
  } finally {
    // What has come is in the file: a transfer that was cut goes on behind it.
    await landing.end().catch(refuseToKeep);
  }
  if (!response.complete) throw new Cut('the connection was cut');
  if (transfer.total !== undefined && transfer.received < transfer.total) throw new Cut('the connection was cut');
}

/**
 * To its end; no more comes while what `take` gave is waited for. Rejects with what that throws, with Cut, or the signal's AbortError.
 * By events: there are thousands of pieces, and a promise for each is work, too.
 */
function eachPiece(response: IncomingMessage, take: (piece: Buffer) => Promise<void> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    response.on('data', (piece: Buffer) => {
      try {
        const wait = take(piece);
        if (!wait) return;
        response.pause();
        wait.then(() => response.resume(), give);
      } catch (thrown) {
        give(thrown);
      }
    });
    const give = (reason: unknown) => {
      response.destroy();
      reject(reason);
    };
    // Also of one that has been cut before anybody listened.
    finished(response, (error) => {
      if (!error) resolve();
      else reject(error.name === 'AbortError' ? error : new Cut(networkReason(error)));
    });
  });
}

function refuseToKeep(thrown: unknown): never {
  throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot keep the image: ${systemReason(thrown)}`, { cause: thrown });
}

function failed(url: string, reason: string): OtfError {
  return new OtfError('OTF_FETCH_FAILED', `cannot fetch ${publicUrl(url)}: ${reason}`);
}

function tooLarge(url: URL, limits: FetchLimits): OtfError {
  return new OtfError(
    'OTF_FETCH_TOO_LARGE',
    `${publicUrl(url.href)} is larger than ${Math.floor(limits.maxBytes / 1e6)} MB`,
  );
}
