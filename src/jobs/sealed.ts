/**
 * Addresses that open something, such as presigned URLs. What of one may be shown is in the job; the whole of it lies in a
 * file of the job's folder that nothing but a fetch reads, until the job is over.
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publicUrl } from '../errors/public-text.js';
import type { Address, ImageUrl, InputFile, Inputs } from '../tasks/files.js';
import { refuseForDisk, type Spool } from './folders.js';
import type { Job } from './job.js';

const kOwnerOnly = 0o600;

type SpoolOf = () => Pick<Spool, 'dir'>;

/** The address as a job may have it. `spool` is called when there is something to write. Throws OTF_DISK_FULL. */
export async function sealedAddress<Of extends Address>(file: Of, spool: SpoolOf): Promise<Of> {
  const shown = publicUrl(file.url);
  if (shown === file.url) return file;
  const name = `address-${randomBytes(6).toString('hex')}`;
  const path = join(spool().dir, name);
  await writeFile(path, file.url, { mode: kOwnerOnly, flag: 'wx', flush: true }).catch(refuseForDisk);
  return { ...file, url: shown, sealed: name };
}

/** The inputs as a job may have them. Throws OTF_DISK_FULL. */
export async function sealed(inputs: Inputs, spool: SpoolOf): Promise<Inputs> {
  const seal = <Of extends Address>(file: Of) => sealedAddress(file, spool);
  const sealAll = async (file: InputFile): Promise<InputFile> => {
    if (file.kind !== 'url') return file;
    const mirrors: Address[] = [];
    for (const mirror of file.mirrors ?? []) mirrors.push(await seal(mirror));
    return { ...(await seal(file)), ...(file.mirrors ? { mirrors } : {}) };
  };
  const all: [string, InputFile[]][] = [];
  for (const [name, files] of Object.entries(inputs)) {
    const done: InputFile[] = [];
    for (const file of files) done.push(await sealAll(file));
    all.push([name, done]);
  }
  return Object.fromEntries(all);
}

/** Names of such files. */
export function seals(inputs: Inputs): string[] {
  return addresses(inputs).flatMap((file) => [file, ...(file.mirrors ?? [])].flatMap(({ sealed: name }) => name ?? []));
}

/** Of a job that is over nothing is fetched any more: rows of earlier programs have whole addresses. */
export function withoutWholeAddresses(job: Job): Job {
  const { inputs } = job.parameters;
  if (!addresses(inputs).some((file) => file.whole !== undefined)) return job;
  const plain = Object.entries(inputs).map(([name, files]) => [name, files.map(withoutWhole)]);
  return { ...job, parameters: { ...job.parameters, inputs: Object.fromEntries(plain) as Inputs } };
}

function withoutWhole(file: InputFile): InputFile {
  if (file.kind !== 'url') return file;
  const { whole: _, ...rest } = file;
  return rest;
}

function addresses(inputs: Inputs): ImageUrl[] {
  return Object.values(inputs)
    .flat()
    .filter((file): file is ImageUrl => file.kind === 'url');
}
