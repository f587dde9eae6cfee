/**
 * Requests to addresses that strangers have chosen. Private addresses are refused where the connection is made, after name
 * resolution, so that a name that resolves differently the second time gains nothing.
 */
import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { OtfError } from '../errors/catalogue.js';
import { kSoftware } from '../version.js';
import { isPrivateAddress } from './address.js';
import type { Place } from './places.js';

/** An interrupted transfer: worth another attempt. */
export class Cut extends Error {}

export interface Sending {
  method?: string;
  headers?: Record<string, string>;
  allowPrivate: boolean;
  /** Answers that break the rules of HTTP are taken where they can be understood. */
  lenient?: boolean;
  /** No byte for this long = cut. */
  stallMs: number;
  signal: AbortSignal;
  /** Sends what is to be sent, and ends the request. */
  send: (request: ClientRequest) => void;
  /** Of the address itself: it is not there, or may not be asked. */
  refused: (reason: string) => OtfError;
}

/** The head of the answer. Throws what `refused` makes, OTF_FETCH_REFUSED, Cut, or the signal's own reason. */
export function ask({ url, own, headers }: Place, sending: Sending): Promise<IncomingMessage> {
  const allowPrivate = sending.allowPrivate || own;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // A literal address is never looked up, so it is checked here.
  const what = sending.method === undefined ? 'fetch from' : 'send to';
  if (!allowPrivate && isIP(host) !== 0 && isPrivateAddress(host)) return Promise.reject(refusedAddress(what, url));
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = open(url, {
      method: sending.method ?? 'GET',
      headers: {
        'user-agent': `${kSoftware.name}/${kSoftware.version}`,
        accept: '*/*',
        ...sending.headers,
        ...headers,
      },
      signal: sending.signal,
      insecureHTTPParser: sending.lenient ?? false,
      agent: false,
      lookup: allowPrivate ? dnsLookup : publicLookup,
    });
    request.setTimeout(sending.stallMs, () => request.destroy(new Cut('no data for too long')));
    request.on('response', resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error instanceof PrivateAddress) reject(refusedAddress(what, url));
      else if (error.code === 'ENOTFOUND') reject(sending.refused('unknown host'));
      else if (error.name === 'AbortError') reject(error);
      else reject(new Cut(networkReason(error)));
    });
    sending.send(request);
  });
}

class PrivateAddress extends Error {}

type LookupDone = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** dns.lookup that gives public addresses only: what is checked is what is connected to. */
function publicLookup(hostname: string, options: LookupOptions, done: LookupDone): void {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, []);
    if (addresses.length === 0 || addresses.some(({ address }) => isPrivateAddress(address))) {
      return done(new PrivateAddress('private address'), []);
    }
    const [first] = addresses;
    if (options.all || !first) return done(null, addresses);
    return done(null, first.address, first.family);
  });
}

const kNetworkReasons = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'the connection was cut'],
  ['ETIMEDOUT', 'no answer'],
  ['EHOSTUNREACH', 'host unreachable'],
]);

export function networkReason(error: NodeJS.ErrnoException): string {
  if (error instanceof Cut) return error.message;
  return kNetworkReasons.get(error.code ?? '') ?? error.message.replace(/\s*\n\s*/g, ' ');
}

function refusedAddress(what: string, url: URL): OtfError {
  return new OtfError('OTF_FETCH_REFUSED', `cannot ${what} ${url.host}: private addresses are not allowed here`);
}
