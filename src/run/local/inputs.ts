/** Where a job's inputs are: uploaded, below an allowed folder, or fetched now; unpacked when they are in gzip. */
import { rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Config } from '../../config/schema.js';
import { OtfError } from '../../errors/catalogue.js';
import type { Digests } from '../../fetch/digests.js';
import type { FetchedImage, TransferWatch } from '../../fetch/fetch-image.js';
import { openableLocalPath } from '../../fetch/local-file.js';
import { s3Credentials } from '../../fetch/s3-credentials.js';
import { isGzip } from '../../fetch/unpack.js';
import type { Folder } from '../../io/folder.js';
import type { Job } from '../../jobs/job.js';
import type { Address, ImageUrl, InputFile, InputSource, InputSources } from '../../tasks/files.js';
import { kindNamed } from '../../tasks/registry.js';
import type { RunHost } from '../runner.js';
import type { FetchThread } from './fetch-thread.js';
import { forget, forgetSource } from './task.js';
import type { Workers } from './workers.js';

const kBytesPerMb = 2 ** 20;
/** A file of this machine is hashed before a job that searches a part of it only when that takes no time to speak of. */
const kSmallBytes = 64 * kBytesPerMb;

export interface InputRoom {
  host: Pick<RunHost, 'folder' | 'assertRoom'>;
  fetch: Config['fetch'];
  workers: Workers;
  receiving: Pick<FetchThread, 'fetch'>;
  signal?: AbortSignal | undefined;
  /** Of the first input, the only file of that name: what is told of its transfer, for whoever reads it meanwhile. */
  watch?: ((name: string, file: InputSource, others: InputSources) => TransferWatch) | undefined;
}

/** One of its inputs is not on this machine yet. */
export function needsFetching(job: Job): boolean {
  const files = Object.values(job.parameters.inputs).flat();
  return files.some((file) => file.kind === 'url' && !isLocal(file));
}

/**
 * The job's inputs, by their names. Throws OTF_FETCH_*, OTF_INPUT_UNREADABLE, OTF_IMAGE_CHECKSUM, as unpack of src/fetch,
 * or the signal's reason; nothing is left then.
 */
export async function jobInputs(job: Job, room: InputRoom): Promise<InputSources> {
  const { inputs, checksums = {}, asked } = job.parameters;
  const kind = kindNamed(job.kind);
  const folder = room.host.folder(job.id);
  const [first] = kind.inputs;
  const sources: Record<string, InputSource[]> = Object.fromEntries(kind.inputs.map(({ name }) => [name, []]));
  try {
    // What may be begun with before all of it is here comes last.
    for (const { name } of [...kind.inputs.slice(1), ...kind.inputs.slice(0, 1)]) {
      // What is read in part only, and the rest of it wanted by nobody, may be large.
      const hash = name !== first?.name || checksums[name] !== undefined || kind.readsAll(asked);
      const files = inputs[name] ?? [];
      const watched = name === first?.name && files.length === 1 ? room.watch : undefined;
      const watch = watched && ((file: InputSource) => watched(name, file, { ...sources }));
      for (const [index, file] of files.entries()) {
        const source = await bring(file, { folder, stem: stemOf(name, index), room, hash, owner: job.owner, watch });
        sources[name]?.push(source);
        checkDigest(name, checksums[name], source);
      }
    }
    return sources;
  } catch (thrown) {
    await forget(sources);
    throw thrown;
  }
}

interface Errand {
  folder: Folder;
  /** Of names in the job's folder, for this run only. */
  stem: string;
  room: InputRoom;
  hash: boolean;
  /** Whose job it is. */
  owner: string | null;
  watch: ((file: InputSource) => TransferWatch) | undefined;
}

interface Order extends Omit<InputRoom, 'watch'> {
  owner: string | null;
  digests: Digests | undefined;
  watch: TransferWatch | undefined;
}

/** image, image-2, ... */
function stemOf(name: string, index: number): string {
  return index === 0 ? name.toLowerCase() : `${name.toLowerCase()}-${index + 1}`;
}

async function bring(given: InputFile, errand: Errand): Promise<InputSource> {
  const { folder, stem, room } = errand;
  const source = await place(given, errand);
  if (!(await isGzip(source.path))) return source;
  const path = folder.path(`unpacked-${stem}`);
  const { max_unpacked_mb, max_unpack_ratio } = room.fetch;
  try {
    room.host.assertRoom();
    const maxBytes = Math.min(max_unpacked_mb * kBytesPerMb, await folder.room());
    const limits = { maxBytes, maxRatio: max_unpack_ratio };
    await room.workers.run('unpack', { from: source.path, to: path, label: source.name, limits });
  } finally {
    await forgetSource(source);
  }
  return { ...source, path, temporary: true };
}

async function place(given: InputFile, { folder, stem, room, hash, owner, watch }: Errand): Promise<InputSource> {
  if (given.kind === 'upload') {
    const { file, name, sha256, size, origin } = given;
    return { path: folder.path(file), name: name === '' ? 'image.fits' : name, sha256, size, origin };
  }
  if (given.kind === 'later') throw new OtfError('OTF_INTERNAL', `${given.jobId}/${given.name} was never brought here`);
  const { url } = given;
  if (!isLocal(given)) {
    const offered = [given, ...(given.mirrors ?? [])];
    const addresses: string[] = [];
    for (const each of offered) addresses.push(await wholeAddress(each, folder));
    const path = folder.path(`fetched-${stem}`);
    const name = nameOf(addresses[0] ?? '');
    const { digests } = given;
    const watching = watch?.({ path, name, url, size: 0, temporary: true });
    const { index, ...fetched } = await download(addresses, path, { ...room, owner, digests, watch: watching });
    return { path, name, url: offered[index]?.url, temporary: true, ...fetched };
  }
  const path = await openableLocalPath(new URL(url), room.fetch.file_roots);
  const { size, mtime: modified } = await stat(path);
  const digest = hash || size <= kSmallBytes ? await room.workers.run('hash', path) : {};
  return { path, name: basename(path), url, size, modified, ...digest };
}

/** For the fetch alone: nothing else gets to see it. */
async function wholeAddress({ url, sealed, whole }: Address, folder: Folder): Promise<string> {
  if (sealed === undefined) return whole ?? url;
  const address = await folder.read(sealed);
  if (!address) throw new OtfError('OTF_INPUT_UNREADABLE', `the address behind ${url} is gone: submit the job again`);
  return address.toString('utf8');
}

async function download(addresses: readonly string[], path: string, order: Order): Promise<FetchedImage> {
  const { host, fetch, receiving, signal, owner, digests, watch } = order;
  const limits = {
    allowPrivate: fetch.allow_private,
    maxBytes: fetch.max_mb * kBytesPerMb,
    maxRedirects: fetch.max_redirects,
    timeoutMs: fetch.timeout_s * 1000,
    assertRoom: () => host.assertRoom(),
    places: { s3: s3Credentials(fetch.s3), owner },
    ...(digests === undefined ? {} : { digests }),
    watch,
  };
  try {
    return await receiving.fetch(addresses, path, limits, signal ?? new AbortController().signal);
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

function checkDigest(input: string, wanted: string | undefined, { sha256, name }: InputSource): void {
  if (wanted === undefined || wanted === sha256) return;
  const both = `${sha256?.slice(0, 12)}..., ${input}_SHA256 says ${wanted.slice(0, 12)}...`;
  throw new OtfError('OTF_IMAGE_CHECKSUM', `${name} has sha256 ${both}: it was changed or damaged on its way`);
}
