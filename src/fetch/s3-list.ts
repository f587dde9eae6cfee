/** What is in a bucket: ListObjectsV2 of the S3 API, a page at a time. */
import { XMLParser } from 'fast-xml-parser';
import { OtfError } from '../errors/catalogue.js';
import type { S3Credentials } from './places.js';

export type ObjectStore = Pick<S3Credentials, 'endpoint' | 'region' | 'accessKey' | 'secretKey'>;

export interface StoredObject {
  key: string;
  etag: string;
  size: number;
}

const kTimeoutMs = 60_000;
/** A page has 1000 keys of 1024 bytes at most. */
const kMostBytes = 16 << 20;
const kParser = new XMLParser({ parseTagValue: false, isArray: (name) => name === 'Contents' });

/** Throws OTF_FETCH_REFUSED for what the store will not list, OTF_FETCH_FAILED for what may be better later. */
export async function* listObjects(
  store: ObjectStore,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<StoredObject> {
  for (let token: string | undefined; ; ) {
    const page = readPage(await ask(store, bucket, prefix, token, signal));
    yield* page.objects;
    // The same again would be asked for for ever.
    if (page.next === undefined || page.next === token) return;
    token = page.next;
  }
}

async function ask(
  { endpoint, region, accessKey: accessKeyId, secretKey: secretAccessKey }: ObjectStore,
  bucket: string,
  prefix: string,
  token: string | undefined,
  stop: AbortSignal,
): Promise<string> {
  const { AwsV4Signer } = await import('aws4fetch');
  const query = new URLSearchParams({
    'list-type': '2',
    prefix,
    ...(token === undefined ? {} : { 'continuation-token': token }),
  });
  const target = `${endpoint.replace(/\/+$/, '')}/${bucket}?${query}`;
  const signer = new AwsV4Signer({ url: target, accessKeyId, secretAccessKey, region, service: 's3' });
  const { url, headers } = await signer.sign();
  const what = `cannot list s3://${bucket}/${prefix}`;
  let response: Response;
  let text: string;
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(kTimeoutMs)]);
    response = await fetch(url, { headers, redirect: 'error', signal });
    text = await limitedText(response);
  } catch (thrown) {
    const cause = (thrown as { cause?: { message?: string } }).cause?.message ?? (thrown as Error).message;
    throw new OtfError('OTF_FETCH_FAILED', `${what}: ${cause}`);
  }
  if (response.ok) return text;
  const code = /<Code>([\w.]{1,100})<\/Code>/.exec(text)?.[1] ?? '';
  const passing = response.status >= 500 || response.status === 429;
  throw new OtfError(passing ? 'OTF_FETCH_FAILED' : 'OTF_FETCH_REFUSED', `${what}: ${response.status} ${code}`.trim());
}

async function limitedText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > kMostBytes) throw new Error('the list is too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

interface Page {
  objects: StoredObject[];
  next: string | undefined;
}

function readPage(text: string): Page {
  const bad = () => new OtfError('OTF_FETCH_REFUSED', 'the object store answers what is no list of objects');
  let parsed: { ListBucketResult?: Record<string, unknown> };
  try {
    parsed = kParser.parse(text);
  } catch {
    throw bad();
  }
  const result = parsed.ListBucketResult;
  if (typeof result !== 'object') throw bad();
  const contents = (result.Contents ?? []) as Record<string, unknown>[];
  const objects = contents.map(({ Key: key, ETag: etag = '', Size: size }) => {
    if (typeof key !== 'string' || key === '') throw bad();
    return { key, etag: String(etag).replaceAll('&quot;', '').replaceAll('"', ''), size: Number(size ?? 0) };
  });
  const more = result.IsTruncated === 'true' && result.NextContinuationToken;
  return { objects, next: more ? String(more) : undefined };
}
