/** What a job was given, and changing it: /jobs/ID/parameters, and POST to the job itself. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError } from '../errors/catalogue.js';
import { type Handler, jobHref, jobLocation, type Tree, type UwsContext } from './context.js';
import {
  type CreationRules,
  kCreationNames,
  parseDestruction,
  parseDuration,
  parseStandard,
  unusedFiles,
} from './creation.js';
import { parameterEntries, parametersDocument } from './documents.js';
import { type Answer, type Form, plain, type Request, seeOther, xml } from './exchange.js';
import { assertFollowable } from './following.js';
import { changePhase, deleteJob, id } from './job.js';
import { linkInputs } from './job-inputs.js';
import { badRequest, shown } from './parameters.js';

export const getParameters: Handler = ({ jobs }, request) => {
  const job = jobs.get(id(request), request);
  return xml(parametersDocument(job, jobHref(request, job)));
};

/** Uploads give back their bytes, everything else its text. */
export const getParameter: Handler = ({ jobs }, request) => {
  const job = jobs.get(id(request), request);
  const name = (request.variables[1] ?? '').toUpperCase();
  const entry = parameterEntries(job, jobHref(request, job)).find((each) => each.id === name);
  if (!entry) throw new OtfError('OTF_NOT_FOUND', 'the job has no such parameter');
  if (!entry.upload) return plain(entry.value);
  const { name: called, mime, size, sha256 } = entry.upload;
  const path = jobs.pathOf(job, entry.upload);
  const headers = { 'Content-Disposition': attachment(called) };
  return { kind: 'file', path, mime, size, etag: sha256, sha256, headers };
};

/** To be kept, not shown: a stranger's document must not be a page of ours (RFC 6266, RFC 8187). */
export function attachment(name: string): string {
  const encoded = encodeURIComponent(Buffer.from(name, 'utf8').toString('utf8')).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`,
  );
  return `attachment; filename*=UTF-8''${encoded}`;
}

export const postParameters: Handler = async (context, request, tree) => {
  context.jobs.get(id(request), request);
  return changeParameters(context, request, tree, await request.form());
};

/** The fields of creation of a form that has been read, and a start if it says so: one commit. */
async function changeParameters(context: UwsContext, request: Request, tree: Tree, form: Form): Promise<Answer> {
  const { jobs, models, config } = context;
  try {
    const job = jobs.get(id(request), request);
    await linkInputs(context, request, form);
    const rules: CreationRules = { models, config };
    const { kind, parameters } = job;
    const { model = job.modelId, quantization } = parameters;
    const parsed = parseStandard(form, rules, { kind, model, quantization, parameters });
    assertFollowable(jobs, parsed.parameters, request);
    for (const { file } of unusedFiles(form, parsed.parameters))
      await rm(join(form.spool?.dir ?? '', file), { force: true });
    await jobs.setParameters(job.id, { ...parsed, spool: form.spool }, request);
    return seeOther(jobLocation(request, tree, job.id));
  } catch (thrown) {
    await form.spool?.discard();
    throw thrown;
  }
}

const kTimes = ['EXECUTIONDURATION', 'DESTRUCTION'];

/**
 * POST to a job is ACTION=DELETE in UWS 1.1. What belongs to one of its sub-resources is taken here too, when it can mean
 * one thing only: PHASE alone, the two times, or fields of creation.
 */
export const postJob: Handler = async (context, request, tree) => {
  context.jobs.get(id(request), request);
  const form = await request.form();
  const names = [...new Set([...form.parameters.names(), ...form.files.map((part) => part.field.toUpperCase())])];
  const only = (...allowed: string[]) => names.length > 0 && names.every((name) => allowed.includes(name));
  // A file IMAGE=param:NAME refers to has a name of its own.
  const creation = form.files.length > 0 || names.some((name) => kCreationNames.has(name));
  if (!names.includes('ACTION') && !only('PHASE') && !only(...kTimes) && creation) {
    return changeParameters(context, request, tree, form);
  }
  await form.spool?.discard();
  if (only('ACTION')) {
    const action = form.parameters.single('ACTION');
    if (action?.toUpperCase() !== 'DELETE') throw badRequest(`ACTION=${action}: unknown, DELETE is known`);
    return deleteJob(context, request, tree);
  }
  if (only('PHASE')) return changePhase(context, request, tree, form);
  if (only(...kTimes)) {
    const times = {
      executionDurationS: parseDuration(form.parameters),
      destructionMs: parseDestruction(form.parameters),
    };
    const job = await context.jobs.setTimes(id(request), times, request);
    return seeOther(jobLocation(request, tree, job.id));
  }
  const came = names.length === 0 ? 'nothing' : shown(names);
  throw badRequest(`a job takes ACTION=DELETE alone, PHASE=RUN or ABORT, or its parameters; this request has ${came}`);
};
