/**
 * Inputs that are here already. Files of other jobs: NAME=job:ID/RESULT, a result of a finished job by its id or in a
 * format, or one of its uploads by the name of the parameter. Uploads of before: NAME=upload:ID. The file is linked into the
 * new job's folder when the job is created: what happens to the other job, or to the upload, afterwards changes nothing.
 */
import { randomBytes } from 'node:crypto';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import type { Job } from '../jobs/job.js';
import type { ResultFile, UploadedFile } from '../tasks/files.js';
import { kindNamed, kKinds } from '../tasks/registry.js';
import type { UwsContext } from './context.js';
import { parameterEntries } from './documents.js';
import type { FilePart, Form, Request } from './exchange.js';
import { chooseResult } from './formats.js';
import { badRequest } from './parameters.js';

const kOfJob = /^job:([^/]+)\/([^/]+)$/i;
const kOfUpload = /^upload:([^/]+)$/i;

/** Of every kind. */
const kInputNames = [...new Set(kKinds.flatMap(({ inputs }) => inputs.map(({ name }) => name)))];

/** Each becomes a file part of the form, named as the value is. Throws OTF_BAD_REQUEST, OTF_DISK_FULL. */
export async function linkInputs(context: Here, request: Request, form: Form): Promise<void> {
  const { jobs } = context;
  const wanted = new Set(kInputNames.flatMap((name) => form.parameters.repeated(name)));
  for (const value of wanted) {
    const found = await find(context, request, value).catch((thrown) => {
      if (toOtfError(thrown).code !== 'OTF_NOT_FOUND') throw thrown;
      throw badRequest(`${value}: ${toOtfError(thrown).message}`);
    });
    if (!found) continue;
    form.spool ??= jobs.uploads.newSpool();
    const file = `linked-${randomBytes(6).toString('hex')}`;
    await link(found.path, join(form.spool.dir, file)).catch((thrown) => {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw badRequest(`${value}: it has just gone`);
      throw thrown;
    });
    form.files.push({ field: value, filename: found.name, upload: { ...found.upload, file } });
  }
}

type Here = Pick<UwsContext, 'jobs' | 'uploads'>;

/** Undefined: the value is no reference. Throws OTF_NOT_FOUND. */
async function find({ jobs, uploads }: Here, request: Request, value: string): Promise<Found | undefined> {
  const [, jobId, name] = kOfJob.exec(value) ?? [];
  if (jobId !== undefined && name !== undefined) return fileOf(jobs, request, jobId, name);
  const uploadId = kOfUpload.exec(value)?.[1];
  if (uploadId === undefined) return undefined;
  const kept = uploads.get(uploadId, request);
  return { path: uploads.path(kept), name: kept.upload.name, upload: kept.upload };
}

interface Found {
  path: string;
  name: string;
  upload: UploadedFile;
}

async function fileOf(jobs: UwsContext['jobs'], request: Request, jobId: string, name: string): Promise<Found> {
  const job = jobs.get(jobId, request);
  const upload = parameterEntries(job, '').find(({ id }) => id === name.toUpperCase())?.upload;
  if (upload) {
    const origin = upload.origin ?? { jobId, parameter: name.toUpperCase() };
    return { path: jobs.pathOf(job, upload), name: upload.name, upload: { ...upload, origin } };
  }
  if (job.phase !== 'COMPLETED') throw new OtfError('OTF_NOT_FOUND', `the job is ${job.phase}: it has no results`);
  const row = await resultOf(jobs, request, job, name);
  const { file, mime, size, sha256 } = row;
  const origin = { jobId, result: row.id };
  return {
    path: jobs.pathOf(job, row),
    name: file,
    upload: { kind: 'upload', file, name: file, mime, size, sha256, origin },
  };
}

async function resultOf(jobs: UwsContext['jobs'], request: Request, job: Job, name: string): Promise<ResultFile> {
  const choice = chooseResult(job.results, kindNamed(job.kind).formats, name, undefined, '');
  if (!choice) throw new OtfError('OTF_NOT_FOUND', `the job has neither a result nor an upload "${name}"`);
  return 'file' in choice ? choice.file : jobs.representation(job.id, choice.format, request);
}

/** The file part that stands for the value; undefined for a value that is no reference. */
export function linkedPart(form: Form, value: string): FilePart | undefined {
  return kOfJob.test(value) || kOfUpload.test(value) ? form.files.find(({ field }) => field === value) : undefined;
}
