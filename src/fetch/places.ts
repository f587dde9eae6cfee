/**
 * From the address a client gives to the request that is made: dav and davs are WebDAV over HTTP, s3://BUCKET/KEY is an
 * object for which the server has credentials of its own.
 */
import { OtfError } from '../errors/catalogue.js';

export interface S3Credentials {
  /** https://s3.example.org */
  endpoint: string;
  region: string;
  accessKey: string;
  secretKey: string;
  buckets: readonly string[];
  /** Of these, where results may be put. */
  writable: readonly string[];
  /** Who may have fetched with them; empty = everybody. */
  owners: readonly string[];
}

export interface Place {
  url: URL;
  headers: Record<string, string>;
  /** Named by the configuration: it may have a private address, and redirects are not followed. */
  own: boolean;
}

/** Of what may be asked for here. */
export interface Places {
  s3: readonly S3Credentials[];
  /** null = anonymous. */
  owner: string | null;
}

const kSchemes = new Set(['http:', 'https:', 'dav:', 'davs:', 's3:']);
const kBucket = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** By its looks; whether there are credentials shows when it is fetched. */
export function isFetchable({ protocol }: URL): boolean {
  return kSchemes.has(protocol);
}

/** What is put there; undefined = it is fetched. */
export interface Put {
  sha256: string;
}

/** A request for now: what is signed is good for minutes. Throws OTF_FETCH_REFUSED. */
export async function placeOf(address: string, places: Places, put?: Put): Promise<Place> {
  const url = new URL(address);
  if (!isFetchable(url)) throw new OtfError('OTF_FETCH_REFUSED', `cannot fetch ${url.protocol} URLs`);
  if (url.protocol === 's3:') return objectOf(url, places, put);
  if (url.protocol === 'http:' || url.protocol === 'https:') return { url, headers: {}, own: false };
  // RFC 3230: what the site keeps of its files comes with them.
  if (put) return { url: new URL(address.replace(/^dav/i, 'http')), headers: {}, own: false };
  const headers = { 'want-digest': 'adler32, md5;q=0.5, sha-256;q=0.3' };
  return { url: new URL(address.replace(/^dav/i, 'http')), headers, own: false };
}

/** Signature version 4 (AWS, "Authenticating Requests"), by the library; the bucket in the path. */
async function objectOf({ hostname: bucket, pathname }: URL, { s3, owner }: Places, put?: Put): Promise<Place> {
  const may = ({ buckets, writable, owners }: S3Credentials) =>
    buckets.includes(bucket) &&
    (!put || writable.includes(bucket)) &&
    (owners.length === 0 || (owner !== null && owners.includes(owner)));
  const credentials = kBucket.test(bucket) ? s3.find(may) : undefined;
  if (!credentials) {
    const what = put ? 'may put nothing into that bucket for you' : 'has no credentials for you and that bucket';
    throw new OtfError('OTF_FETCH_REFUSED', `s3://${bucket}: this server ${what}`);
  }
  const { endpoint, region, accessKey: accessKeyId, secretKey: secretAccessKey } = credentials;
  const { AwsV4Signer } = await import('aws4fetch');
  const target = objectUrl(endpoint, bucket, pathname);
  const how = put ? { method: 'PUT', headers: { 'x-amz-content-sha256': put.sha256 } } : {};
  const signer = new AwsV4Signer({ url: target.href, accessKeyId, secretAccessKey, region, service: 's3', ...how });
  const { url, headers } = await signer.sign();
  return { url, headers: Object.fromEntries(headers), own: true };
}

/**
 * In its bucket, whatever its name. `s3:` is no scheme of the web: its paths keep a `\` that https: reads as `/` (WHATWG URL, 4.4), and
 * a store may decode a name before it looks for the way out of a folder.
 */
function objectUrl(endpoint: string, bucket: string, pathname: string): URL {
  const within = `${endpoint.replace(/\/+$/, '')}/${bucket}/`;
  const url = new URL(`${within}${pathname.slice(1)}`);
  const plain = decoded(pathname);
  if (
    pathname.includes('\\') ||
    plain === undefined ||
    plain.split(/[/\\]/).some((step) => step === '.' || step === '..') ||
    !url.pathname.startsWith(new URL(within).pathname)
  )
    throw new OtfError(
      'OTF_FETCH_REFUSED',
      `s3://${bucket}: an object's name has no "..", and \\ is written %5C in it`,
    );
  return url;
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
