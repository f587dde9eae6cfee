/**
 * Inputs that are here already. Files of other jobs: NAME=job:ID/RESULT, a result of a finished job by its id or in a
 * format, or one of its inputs by the name of the parameter: an upload, or the address it was given. Uploads of before:
 * NAME=upload:ID. The file is linked into the new job's folder when the job is created: what happens to the other job, or to the
 * upload, afterwards changes nothing. The result of a job that is not over is linked when it is (jobs/followers.ts), and the
 * new job is HELD until then.
 */
import { randomBytes } from 'node:crypto';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import { kHiddenQuery } from '../errors/public-text.js';
import { type Asker, kServer } from '../jobs/access.js';
import { refuseForDisk } from '../jobs/folders.js';
import { isActive, isFinal, type Job } from '../jobs/job.js';
import type { JobService } from '../jobs/service.js';
import type { Address, ImageUrl, InputFile, LaterFile, ResultFile, UploadedFile } from '../tasks/files.js';
import { kindNamed, kKinds } from '../tasks/registry.js';
import type { UwsContext } from './context.js';
import { parameterEntries } from './documents.js';
import type { Form, Request } from './exchange.js';
import { chooseResult } from './formats.js';
import { badRequest, type Parameters } from './parameters.js';

const kOfJob = /^job:([^/]+)\/([^/]+)$/i;
const kOfUpload = /^upload:([^/]+)$/i;

/** Of every kind. */
const kInputNames = [...new Set(kKinds.flatMap(({ inputs }) => inputs.map(({ name }) => name)))];

/** Each becomes a file part of the form, named as the value is, or an address. Throws OTF_BAD_REQUEST, OTF_DISK_FULL. */
export async function linkInputs(context: Here, request: Request, form: Form): Promise<void> {
  const wanted = new Set(kInputNames.flatMap((name) => fileReferences(form.parameters, name)));
  for (const value of wanted) {
    try {
      await linkInput(context, request, form, value);
    } catch (thrown) {
      if (toOtfError(thrown).code !== 'OTF_NOT_FOUND') throw thrown;
      throw badRequest(`${value}: ${toOtfError(thrown).message}`);
    }
  }
}

/** Of an input that may be several files, separated by blanks, which no reference has. */
export function fileReferences(given: Parameters, name: string): string[] {
  return given.repeated(name).flatMap((value) => value.split(/\s+/).filter((word) => word !== ''));
}

type Here = Pick<UwsContext, 'jobs' | 'uploads'>;

async function linkInput({ jobs, uploads }: Here, request: Request, form: Form, value: string): Promise<void> {
  const spool = () => {
    form.spool ??= jobs.uploads.newSpool();
    return form.spool.dir;
  };
  const part = async (found: Found) => {
    form.files.push({ field: value, filename: found.name, upload: await linked(found, spool()) });
  };
  const uploadId = kOfUpload.exec(value)?.[1];
  if (uploadId !== undefined) {
    const kept = uploads.get(uploadId, request);
    return part({ path: uploads.path(kept), name: kept.upload.name, upload: kept.upload });
  }
  const [, jobId, name] = kOfJob.exec(value) ?? [];
  if (jobId === undefined || name === undefined) return;
  const job = jobs.get(jobId, request);
  const address = job.parameters.inputs[name.toUpperCase()]?.[0];
  if (address?.kind === 'url') {
    form.addresses ??= new Map();
    form.addresses.set(value, await sameAddress(jobs, job, address, spool()));
  } else if (!isStillToCome(job, name)) await part(await fileOf(jobs, request, jobId, name));
}

/** Whole addresses are linked as files are. Throws OTF_NOT_FOUND for one that is not kept any more. */
async function sameAddress(jobs: JobService, job: Job, address: ImageUrl, dir: string): Promise<ImageUrl> {
  const same = async <Of extends Address>(each: Of): Promise<Of> => {
    const { sealed, whole, url } = each;
    if (sealed === undefined && whole === undefined && !url.endsWith(kHiddenQuery)) return each;
    const what = `the whole address ${url} is not kept once its job is over: name it again`;
    if (sealed === undefined || isFinal(job.phase)) throw new OtfError('OTF_NOT_FOUND', what);
    const name = `address-${randomBytes(6).toString('hex')}`;
    await link(jobs.pathOf(job, { file: sealed }), join(dir, name)).catch(() => {
      throw new OtfError('OTF_NOT_FOUND', what);
    });
    return { ...each, sealed: name };
  };
  const mirrors: Address[] = [];
  for (const mirror of address.mirrors ?? []) mirrors.push(await same(mirror));
  return { ...(await same(address)), ...(address.mirrors ? { mirrors } : {}) };
}

/** The file a job waited for, in that job's folder, now that the other is COMPLETED. Throws OTF_NOT_FOUND, OTF_DISK_FULL. */
export async function bringLater(jobs: JobService, { id }: Job, { jobId, name }: LaterFile): Promise<UploadedFile> {
  return linked(await fileOf(jobs, kServer, jobId, name), jobs.pathOf({ id }, { file: '' }));
}

/** Uploads are there from the beginning. */
function isStillToCome(job: Job, name: string): boolean {
  const upload = parameterEntries(job, '').find(({ id }) => id === name.toUpperCase())?.upload;
  return isActive(job.phase) && !upload;
}

async function linked({ path, upload }: Found, dir: string): Promise<UploadedFile> {
  const file = `linked-${randomBytes(6).toString('hex')}`;
  await link(path, join(dir, file)).catch((thrown) => {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw new OtfError('OTF_NOT_FOUND', 'it has just gone');
    return refuseForDisk(thrown);
  });
  return { ...upload, file };
}

interface Found {
  path: string;
  name: string;
  upload: UploadedFile;
}

async function fileOf(jobs: JobService, who: Asker, jobId: string, name: string): Promise<Found> {
  const job = jobs.get(jobId, who);
  const upload = parameterEntries(job, '').find(({ id }) => id === name.toUpperCase())?.upload;
  if (upload) {
    const origin = upload.origin ?? { jobId, parameter: name.toUpperCase() };
    return { path: jobs.pathOf(job, upload), name: upload.name, upload: { ...upload, origin } };
  }
  if (job.phase !== 'COMPLETED') throw new OtfError('OTF_NOT_FOUND', `the job is ${job.phase}: it has no results`);
  const row = await resultOf(jobs, who, job, name);
  const { file, mime, size, sha256 } = row;
  const origin = { jobId, result: row.id };
  return {
    path: jobs.pathOf(job, row),
    name: file,
    upload: { kind: 'upload', file, name: file, mime, size, sha256, origin },
  };
}

async function resultOf(jobs: JobService, who: Asker, job: Job, name: string): Promise<ResultFile> {
  const choice = chooseResult(job.results, kindNamed(job.kind).formats, name, undefined, '');
  if (!choice) throw new OtfError('OTF_NOT_FOUND', `the job has neither a result nor an upload "${name}"`);
  return 'file' in choice ? choice.file : jobs.representation(job.id, choice.format, who);
}

/** The file that stands for the value, or what will be one; undefined for a value that is no reference. */
export function linkedFile(form: Form, value: string): InputFile | undefined {
  const there = form.addresses?.get(value) ?? form.files.find(({ field }) => field === value)?.upload;
  if (kOfUpload.test(value)) return there;
  const [, jobId, name] = kOfJob.exec(value) ?? [];
  if (jobId === undefined || name === undefined) return undefined;
  return there ?? { kind: 'later', jobId, name };
}
