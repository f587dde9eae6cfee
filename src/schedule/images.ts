/** Where a job's images are: uploaded, below an allowed folder, or fetched now; unpacked when they are in gzip. */
import { rm, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { fetchImage } from '../fetch/fetch-image.js';
import { openableLocalPath } from '../fetch/local-file.js';
import { isGzip } from '../fetch/unpack.js';
import type { ExecutorHost } from '../jobs/executor.js';
import type { ImageUrl, Job, UploadedFile } from '../jobs/job.js';
import { forget, type ImageSource } from './task.js';
import type { Workers } from './workers.js';

/** Names in the job's folder, for this run only. */
const kFiles = {
  image: { fetched: 'fetched-image', unpacked: 'unpacked-image' },
  beam: { fetched: 'fetched-beam', unpacked: 'unpacked-beam' },
} as const;
const kBytesPerMb = 2 ** 20;
/** A file of this machine is hashed before a job that searches a part of it only when that takes no time to speak of. */
const kSmallBytes = 64 * kBytesPerMb;

export interface ImageRoom {
  host: Pick<ExecutorHost, 'jobDir' | 'assertRoom'>;
  fetch: Config['fetch'];
  workers: Workers;
  signal?: AbortSignal | undefined;
}

/** One of its images is not on this machine yet. */
export function needsFetching(job: Job): boolean {
  const { image, beam } = job.parameters;
  return [image, beam].some((file) => file?.kind === 'url' && !isLocal(file));
}

/**
 * The job's image, with its primary-beam image when it has one. Throws OTF_FETCH_*, OTF_INPUT_UNREADABLE,
 * OTF_IMAGE_CHECKSUM, as unpack of src/fetch, or the signal's reason; nothing is left then.
 */
export async function jobImages(job: Job, room: ImageRoom): Promise<ImageSource> {
  const { image, beam, imageSha256, region } = job.parameters;
  if (!image) throw new OtfError('OTF_INTERNAL', 'the job has no image');
  const dir = room.host.jobDir(job.id);
  const source = await bring(image, 'image', dir, room, imageSha256 !== undefined || region === undefined);
  try {
    checkDigest(imageSha256, source);
    if (beam) source.beam = await bring(beam, 'beam', dir, room, true);
    return source;
  } catch (thrown) {
    await forget(source);
    throw thrown;
  }
}

async function bring(
  given: UploadedFile | ImageUrl,
  role: keyof typeof kFiles,
  dir: string,
  room: ImageRoom,
  hash: boolean,
): Promise<ImageSource> {
  const source = await place(given, dir, join(dir, kFiles[role].fetched), room, hash);
  if (!(await isGzip(source.path))) return source;
  const path = join(dir, kFiles[role].unpacked);
  const { max_unpacked_mb, max_unpack_ratio } = room.fetch;
  try {
    room.host.assertRoom();
    const { bavail, bsize } = await statfs(dir);
    const maxBytes = Math.min(max_unpacked_mb * kBytesPerMb, bavail * bsize);
    const limits = { maxBytes, maxRatio: max_unpack_ratio };
    await room.workers.run('unpack', { from: source.path, to: path, label: source.name, limits });
  } finally {
    await forget(source);
  }
  return { ...source, path, temporary: true };
}

async function place(
  given: UploadedFile | ImageUrl,
  dir: string,
  fetched: string,
  room: ImageRoom,
  hash: boolean,
): Promise<ImageSource> {
  if (given.kind === 'upload') {
    const { file, name, sha256, size } = given;
    return { path: join(dir, file), name: name === '' ? 'image.fits' : name, sha256, size };
  }
  const { url } = given;
  if (!isLocal(given)) return download(url, fetched, room);
  const path = await openableLocalPath(new URL(url), room.fetch.file_roots);
  const { size, mtime: modified } = await stat(path);
  const digest = hash || size <= kSmallBytes ? await room.workers.run('hash', path) : {};
  return { path, name: basename(path), url, size, modified, ...digest };
}

async function download(url: string, path: string, { host, fetch, signal }: ImageRoom): Promise<ImageSource> {
  const limits = {
    allowPrivate: fetch.allow_private,
    maxBytes: fetch.max_mb * kBytesPerMb,
    maxRedirects: fetch.max_redirects,
    timeoutMs: fetch.timeout_s * 1000,
    assertRoom: () => host.assertRoom(),
  };
  try {
    const { size, sha256 } = await fetchImage(url, path, limits, signal ?? new AbortController().signal);
    return { path, name: nameOf(url), sha256, size, url, temporary: true };
  } catch (thrown) {
    await rm(path, { force: true });
    throw thrown;
  }
}

function isLocal({ url }: ImageUrl): boolean {
  return url.toLowerCase().startsWith('file:');
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

function checkDigest(wanted: string | undefined, { sha256, name }: ImageSource): void {
  if (wanted === undefined || wanted === sha256) return;
  const both = `${sha256?.slice(0, 12)}..., IMAGE_SHA256 says ${wanted.slice(0, 12)}...`;
  throw new OtfError('OTF_IMAGE_CHECKSUM', `${name} has sha256 ${both}: it was changed or damaged on its way`);
}
