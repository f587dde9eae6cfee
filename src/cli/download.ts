/** Results of a job into a folder, called after the image: a.vot, and what is asked for beside it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Option } from 'commander';
import type { UwsClient } from '../client/client.js';
import type { RemoteJob, RemoteResult } from '../client/documents.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { resultName } from './output-names.js';
import { allFormats } from './parameters.js';

export interface Wanted {
  /** The result in these formats too. */
  formats?: readonly string[] | undefined;
  /** Everything else the job left: log, provenance, raw output. */
  extras?: boolean | undefined;
}

export function extrasOption(): Option {
  return new Option('--extras', 'with -o: log and provenance too');
}

const kExtensions = new Map([
  ['application/x-votable+xml', 'vot'],
  ['application/fits', 'fits'],
  ['application/json', 'json'],
  ['application/provenance+xml', 'xml'],
  ['text/csv', 'csv'],
  ['text/provenance-notation', 'provn'],
  ['text/plain', 'txt'],
  ['image/png', 'png'],
]);

export async function makeFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true }).catch((thrown) => {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot make ${dir}: ${systemReason(thrown)}`);
  });
}

/** Gives the paths, that of the result first. */
export async function downloadAll(
  client: UwsClient,
  job: RemoteJob,
  dir: string,
  stem: string,
  { formats = [], extras = false }: Wanted,
): Promise<string[]> {
  await makeFolder(dir);
  const first = job.results.find(({ id }) => id === 'result');
  const others = job.results.filter((result) => result !== first);
  const files: [name: string, result: RemoteResult][] = [];
  const taken = new Set<string>();
  const add = (name: string, result: RemoteResult) => {
    taken.add(name);
    files.push([name, result]);
  };
  if (first) add(resultName(stem, resultExtension(job, first)), first);
  for (const format of formats) {
    const extension = allFormats()[format]?.extension ?? format;
    const name = resultName(stem, extension);
    // Two serialisations of one ending.
    add(taken.has(name) ? resultName(`${stem}.${format}`, extension) : name, inFormat(job, format));
  }
  // A server that calls nothing `result` has no extras: what there is, is what was asked for.
  for (const result of extras || !first ? others : []) {
    const id = result.id.replace(/[^A-Za-z0-9_-]/g, '_');
    add(`${stem}-${id}.${extensionOf(result)}`, result);
  }
  const paths: string[] = [];
  for (const [name, result] of files) {
    const target = join(dir, name);
    await client.download(result, target);
    paths.push(target);
  }
  return paths;
}

/** Of the format the job was asked for, where that is what it has: several are plain text. */
function resultExtension({ parameters }: RemoteJob, result: RemoteResult): string {
  const asked = allFormats()[parameters.RESPONSEFORMAT ?? ''];
  return asked !== undefined && typeOf(asked.mediaType) === typeOf(result.mime) ? asked.extension : extensionOf(result);
}

function extensionOf({ mime }: RemoteResult): string {
  return kExtensions.get(typeOf(mime)) ?? 'dat';
}

function typeOf(mime = ''): string {
  return mime.split(';')[0] ?? '';
}

/** The result in one of the formats a server makes when asked (DALI 1.1, RESPONSEFORMAT). */
export function inFormat(job: RemoteJob, format: string): RemoteResult {
  const written = job.results.find((result) => result.id === 'result');
  if (!written) throw new OtfError('OTF_SERVER_ANSWER', `job ${job.id} has no result`);
  const mime = allFormats()[format]?.mediaType ?? '';
  return { id: format, mime, href: `${written.href}?RESPONSEFORMAT=${encodeURIComponent(format)}` };
}
