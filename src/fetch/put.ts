/**
 * Puts a file to an address: a presigned URL (or whatever takes a PUT), an object for which the server has credentials, or
 * WebDAV, where the folder is made when it is not there. The file is sent once the other side has said that it will take it, or is
 * silent: sites with several machines answer with the one that will (RFC 9110, 10.1.1).
 */
import { createReadStream } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { OtfError } from '../errors/catalogue.js';
import { publicUrl } from '../errors/public-text.js';
import { ask, Cut, networkReason } from './connect.js';
import { type Place, type Places, placeOf } from './places.js';

export interface SentFile {
  path: string;
  mime: string;
  size: number;
  sha256: string;
}

export interface PutLimits {
  allowPrivate: boolean;
  maxRedirects: number;
  /** Whole transfer. */
  timeoutMs: number;
  places: Places;
}

const kStallMs = 60_000;
/** For a word before the file is sent. */
const kSilenceMs = 1000;
const kAgain = new Set([408, 423, 425, 429]);
/** Codes of what is not there: of a folder (RFC 4918, 9.7.1: 409). */
const kNoFolder = new Set([404, 409]);

/** Throws OTF_FETCH_REFUSED for what will not be taken, OTF_SEND_FAILED for what may be better later, or the signal's own reason. */
export async function putFile(address: string, file: SentFile, limits: PutLimits, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.timeout(Math.min(limits.timeoutMs, 2 ** 31 - 1));
  const either = AbortSignal.any([signal, deadline]);
  try {
    const status = await put(address, file, limits, either);
    if (!kNoFolder.has(status) || !/^davs?:/i.test(address)) return accept(status, address);
    await makeFolder(new URL('.', address).href, limits, either);
    accept(await put(address, file, limits, either), address);
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    if (deadline.aborted) throw failed(address, `not done after ${limits.timeoutMs / 1000} s`);
    if (thrown instanceof Cut) throw failed(address, thrown.message);
    throw thrown;
  }
}

/** The status of the answer. */
async function put(address: string, file: SentFile, limits: PutLimits, signal: AbortSignal): Promise<number> {
  let place = await placeOf(address, limits.places, file);
  for (let redirects = 0; ; redirects++) {
    const response = await send(place, file, limits, /^dav/i.test(address), signal);
    const { statusCode: status = 0, headers } = response;
    response.resume();
    if (status !== 307 && status !== 308) return status;
    if (place.own || headers.location === undefined) throw refused(address, `the server answered ${status}`);
    if (redirects >= limits.maxRedirects) throw refused(address, `more than ${limits.maxRedirects} redirects`);
    if (!URL.canParse(headers.location, place.url.href)) throw refused(address, 'a redirect to no URL');
    const url = new URL(headers.location, place.url);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused(address, `a redirect to ${url.protocol}`);
    place = { ...place, url };
  }
}

/** `lenient`: XRootD says in its word before the file that it will close the connection, and goes on (RFC 9112, 9.6). */
function send(
  place: Place,
  file: SentFile,
  limits: PutLimits,
  lenient: boolean,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return ask(place, {
    method: 'PUT',
    lenient,
    // Spelt so: XRootD 5.5 knows no other spelling, and takes a file of no bytes without them.
    headers: { Expect: '100-continue', 'Content-Length': String(file.size), 'Content-Type': file.mime },
    allowPrivate: limits.allowPrivate,
    stallMs: kStallMs,
    signal,
    send: (request) => sendBody(request, file.path),
    refused: (reason) => failed(place.url.href, reason),
  });
}

function sendBody(request: ClientRequest, path: string): void {
  let begun = false;
  const begin = () => {
    if (begun || request.destroyed) return;
    begun = true;
    // What goes wrong with the connection the request itself tells.
    pipeline(createReadStream(path), request).catch((thrown) => request.destroy(new Cut(networkReason(thrown))));
  };
  const silence = setTimeout(begin, kSilenceMs);
  request.on('continue', begin);
  request.on('response', () => {
    clearTimeout(silence);
    // It has answered without the file: nothing is sent any more.
    if (!begun) request.destroy();
    begun = true;
  });
  request.on('close', () => clearTimeout(silence));
  request.flushHeaders();
}

/** The last folder of the way there. */
async function makeFolder(address: string, limits: PutLimits, signal: AbortSignal): Promise<void> {
  const { url } = await placeOf(address, limits.places, { sha256: '' });
  const response = await ask(
    { url, headers: {}, own: false },
    {
      method: 'MKCOL',
      allowPrivate: limits.allowPrivate,
      stallMs: kStallMs,
      signal,
      send: (request) => request.end(),
      refused: (reason) => failed(address, reason),
    },
  );
  response.resume();
  const { statusCode: status = 0 } = response;
  // 405: it is there.
  if (status !== 405) accept(status, address);
}

function accept(status: number, address: string): void {
  if (status >= 200 && status < 300) return;
  const reason = `the server answered ${status}`;
  throw status >= 500 || kAgain.has(status) ? failed(address, reason) : refused(address, reason);
}

function failed(address: string, reason: string): OtfError {
  return new OtfError('OTF_SEND_FAILED', `cannot send to ${publicUrl(address)}: ${reason}`);
}

function refused(address: string, reason: string): OtfError {
  return new OtfError('OTF_FETCH_REFUSED', `cannot send to ${publicUrl(address)}: ${reason}`);
}
