/** GET /jobs and POST /jobs. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toOtfError } from '../errors/catalogue.js';
import { missingInput } from '../tasks/kind.js';
import { kindNamed } from '../tasks/registry.js';
import { type Handler, jobHref, jobLocation } from './context.js';
import { type CreationRules, parseStandard, unusedFiles } from './creation.js';
import { jobsDocument } from './documents.js';
import { inPieces, json, kXmlType, type Request, seeOther, xml } from './exchange.js';
import { parseFilter } from './filters.js';
import { assertFollowable } from './following.js';
import { linkInputs } from './job-inputs.js';
import { isObservatoryForm, parseObservatory } from './observatory-creation.js';
import { badRequest, Parameters } from './parameters.js';
import { problemMessage } from './problem.js';

/** A list of so many jobs is made at once. */
const kShort = 200;

export const listJobs: Handler = ({ jobs, config }, request) => {
  const filter = parseFilter(Parameters.fromQuery(request.query));
  const { expected, pages } = jobs.list(filter, config.server.list_page, request);
  const pieces = jobsDocument(pages, (job) => jobHref(request, job));
  return expected <= kShort ? xml([...pieces].join('')) : inPieces(kXmlType, pieces);
};

/** undefined = a body that does not say how long it is. */
export function announcedBytes(request: Request): number | undefined {
  const length = request.header('content-length');
  if (length === '') return request.header('transfer-encoding') === '' ? 0 : undefined;
  return Number(length);
}

export const createJob: Handler = async (context, request, tree) => {
  const { jobs, models, config, internal } = context;
  const receivedMs = Date.now();
  jobs.assertRoomFor(request, announcedBytes(request));
  const form = await request.form();
  const observatory = isObservatoryForm(form);
  try {
    if (!observatory) await linkInputs(context, request, form);
    const rules: CreationRules = { models, config };
    const parsed = observatory
      ? await parseObservatory(form, rules)
      : { style: 'standard' as const, ...parseStandard(form, rules) };
    assertFollowable(jobs, parsed.parameters, request);
    const lacking = missingInput(kindNamed(parsed.kind), parsed.parameters.inputs);
    if (parsed.run && lacking) throw badRequest(`${lacking.name} is missing: a file, param:NAME or a URL`);
    for (const { file } of unusedFiles(form, parsed.parameters))
      await rm(join(form.spool?.dir ?? '', file), { force: true });
    const job = await jobs.create({
      kind: parsed.kind,
      style: parsed.style,
      owner: request.owner,
      remote: request.remote,
      runId: parsed.runId ?? null,
      modelId: parsed.modelId,
      quantization: parsed.quantization,
      priority: parsed.priority,
      parameters: { ...parsed.parameters, receivedMs },
      executionDurationS: parsed.executionDurationS,
      destructionMs: parsed.destructionMs,
      spool: form.spool,
      run: parsed.run,
    });
    return seeOther(jobLocation(request, tree, job.id));
  } catch (thrown) {
    await form.spool?.discard();
    // The observatory's clients read {"error"} whatever went wrong.
    if (!observatory) throw thrown;
    const problem = problemMessage(thrown);
    if (toOtfError(thrown).kind.operators !== undefined) internal(thrown, `POST ${tree}`);
    return json(problem.status, { error: problem.message }, problem.headers);
  }
};
