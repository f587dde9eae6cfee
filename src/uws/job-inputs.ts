/**
 * Inputs that are files of other jobs: NAME=job:ID/RESULT, a result of a finished job by its id or in a format, or one of
 * its uploads by the name of the parameter. The file is linked into the new job's folder when the job is created: what
 * happens to the other job afterwards changes nothing.
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

const kReference = /^job:([^/]+)\/([^/]+)$/i;

/** Of every kind. */
const kInputNames = [...new Set(kKinds.flatMap(({ inputs }) => inputs.map(({ name }) => name)))];

/** Each becomes a file part of the form, named as the value is. Throws OTF_BAD_REQUEST, OTF_DISK_FULL. */
export async function linkJobInputs({ jobs }: Pick<UwsContext, 'jobs'>, request: Request, form: Form): Promise<void> {
  const wanted = new Set(kInputNames.flatMap((name) => form.parameters.repeated(name)));
  for (const value of wanted) {
    const [, jobId, name] = kReference.exec(value) ?? [];
    if (jobId === undefined || name === undefined) continue;
    const found = await fileOf(jobs, request, jobId, name).catch((thrown) => {
      if (toOtfError(thrown).code !== 'OTF_NOT_FOUND') throw thrown;
      throw badRequest(`${value}: ${toOtfError(thrown).message}`);
    });
    form.spool ??= jobs.uploads.newSpool();
    const file = `linked-${randomBytes(6).toString('hex')}`;
    await link(found.path, join(form.spool.dir, file)).catch((thrown) => {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw badRequest(`${value}: the job has just gone`);
      throw thrown;
    });
    form.files.push({ field: value, filename: found.name, upload: { ...found.upload, file } });
  }
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
  return kReference.test(value) ? form.files.find(({ field }) => field === value) : undefined;
}
