/** Where a job's image is: uploaded, below an allowed folder, or fetched now. Checks IMAGE_SHA256. */
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { fetchImage } from '../fetch/fetch-image.js';
import { openableLocalPath } from '../fetch/local-file.js';
import type { ExecutorHost } from '../jobs/executor.js';
import type { Job } from '../jobs/job.js';
import type { ImageSource } from './task.js';
import type { Workers } from './workers.js';

const kFetched = 'fetched-image';
const kBytesPerMb = 2 ** 20;

/** Its image is not on this machine yet. */
export function needsFetching(job: Job): boolean {
  const { image } = job.parameters;
  return image?.kind === 'url' && !image.url.toLowerCase().startsWith('file:');
}

/** Streams IMAGE=http(s)://... into the job's folder. Throws OTF_FETCH_*, OTF_IMAGE_CHECKSUM, OTF_DISK_FULL, or the signal's reason. */
export async function fetchJobImage(
  job: Job,
  host: ExecutorHost,
  fetch: Config['fetch'],
  signal: AbortSignal,
): Promise<ImageSource> {
  const url = urlOf(job);
  const path = join(host.jobDir(job.id), kFetched);
  const limits = {
    allowPrivate: fetch.allow_private,
    maxBytes: fetch.max_mb * kBytesPerMb,
    maxRedirects: fetch.max_redirects,
    timeoutMs: fetch.timeout_s * 1000,
    assertRoom: () => host.assertRoom(),
  };
  try {
    const { size, sha256 } = await fetchImage(url, path, limits, signal);
    const source = { path, name: nameOf(url), sha256, size, url, temporary: true };
    checkDigest(job, source);
    return source;
  } catch (thrown) {
    await rm(path, { force: true });
    throw thrown;
  }
}

/** An image that is already here. Throws OTF_FETCH_REFUSED, OTF_INPUT_UNREADABLE, OTF_IMAGE_CHECKSUM. */
export async function localJobImage(job: Job, dir: string, roots: string[], workers: Workers): Promise<ImageSource> {
  const { image } = job.parameters;
  let source: ImageSource;
  if (image?.kind === 'upload') {
    const { file, name, sha256, size } = image;
    source = { path: join(dir, file), name: name === '' ? 'image.fits' : name, sha256, size };
  } else {
    const url = urlOf(job);
    const path = await openableLocalPath(new URL(url), roots);
    source = { path, name: basename(path), url, ...(await workers.run('hash', path)) };
  }
  checkDigest(job, source);
  return source;
}

function urlOf(job: Job): string {
  const { image } = job.parameters;
  if (image?.kind !== 'url') throw new OtfError('OTF_INTERNAL', 'the job has no image');
  return image.url;
}

function nameOf(url: string): string {
  const last = new URL(url).pathname.split('/').pop() ?? '';
  let name = last;
  try {
    name = decodeURIComponent(last);
  } catch {
    // Not UTF-8: shown as it is written.
  }
  const plain = name.replace(/[\u0000-\u001f\u007f/\\]/g, '_').slice(0, 200);
  return plain === '' ? 'image.fits' : plain;
}

function checkDigest(job: Job, { sha256, name }: ImageSource): void {
  const wanted = job.parameters.imageSha256;
  if (wanted === undefined || wanted === sha256) return;
  const both = `${sha256.slice(0, 12)}..., IMAGE_SHA256 says ${wanted.slice(0, 12)}...`;
  throw new OtfError('OTF_IMAGE_CHECKSUM', `${name} has sha256 ${both}: it was changed or damaged on its way`);
}
