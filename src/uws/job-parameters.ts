/** /jobs/ID/parameters: what the job was given, and changing it while PENDING. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError } from '../errors/catalogue.js';
import { type Handler, jobHref, jobLocation } from './context.js';
import { type CreationRules, parseStandard, unusedFiles } from './creation.js';
import { parameterEntries, parametersDocument } from './documents.js';
import { plain, seeOther, xml } from './exchange.js';
import { id } from './job.js';

export const getParameters: Handler = ({ jobs }, request) => {
  const job = jobs.get(id(request));
  return xml(parametersDocument(job, jobHref(request, job)));
};

/** Uploads give back their bytes, everything else its text. */
export const getParameter: Handler = ({ jobs }, request) => {
  const job = jobs.get(id(request));
  const name = (request.variables[1] ?? '').toUpperCase();
  const entry = parameterEntries(job, jobHref(request, job)).find((each) => each.id === name);
  if (!entry) throw new OtfError('OTF_NOT_FOUND', 'the job has no such parameter');
  if (!entry.upload) return plain(entry.value);
  const { file, mime, size, sha256 } = entry.upload;
  return { kind: 'file', path: join(jobs.folders.jobDir(job.id), file), mime, size, etag: sha256, headers: {} };
};

export const postParameters: Handler = async ({ jobs, models, config }, request, tree) => {
  const job = jobs.get(id(request));
  const form = await request.form();
  try {
    const rules: CreationRules = { models, fileRoots: config.fetch.file_roots };
    const { model, quantization } = job.parameters;
    const parsed = parseStandard(form, rules, { model: model ?? job.modelId, quantization });
    for (const { file } of unusedFiles(form, parsed.parameters))
      await rm(join(form.spool?.dir ?? '', file), { force: true });
    await jobs.setParameters(job.id, { ...parsed, spool: form.spool });
    if (parsed.executionDurationS !== undefined) await jobs.setExecutionDuration(job.id, parsed.executionDurationS);
    if (parsed.destructionMs !== undefined) await jobs.setDestruction(job.id, parsed.destructionMs);
  } catch (thrown) {
    await form.spool?.discard();
    throw thrown;
  }
  return seeOther(jobLocation(request, tree, job.id));
};
