/** One job: GET (with WAIT), POST ACTION=DELETE, DELETE, and its phase. */
import { isActive, type Job } from '../jobs/job.js';
import { type Handler, isLegacy, jobHref, jobLocation, type Tree, type UwsContext } from './context.js';
import { type JobView, jobDocument } from './documents.js';
import { type Answer, json, plain, type Request, seeOther, xml } from './exchange.js';
import { isUwsPhase } from './filters.js';
import { wanted } from './negotiate.js';
import { badRequest, Parameters } from './parameters.js';

const kVaryAccept = { Vary: 'Accept' };

export const getJob: Handler = (context, request, tree) => {
  const job = context.jobs.get(id(request));
  // The status request everybody polls with: no query, nothing to parse, no promise.
  if (request.query === '') return jobAnswer(context, request, tree, job);
  return getJobWaiting(context, request, tree, job);
};

async function getJobWaiting(context: UwsContext, request: Request, tree: Tree, job: Job): Promise<Answer> {
  const parameters = Parameters.fromQuery(request.query);
  const waitMs = parseWait(parameters, context.config.server.max_wait_s);
  const phase = parameters.single('PHASE');
  if (phase !== undefined && !isUwsPhase(phase)) throw badRequest(`PHASE=${phase}: no such phase`);
  if (waitMs > 0 && isActive(job.phase) && (phase === undefined || phase === job.phase)) {
    await context.jobs.waitForChange(job.id, waitMs, (cancel) => request.onGone(cancel));
  }
  return jobAnswer(context, request, tree, context.jobs.get(job.id));
}

/** Milliseconds; WAIT=-1 and everything above the server's limit is the limit (UWS 1.1, section 2.2.1.2). */
function parseWait(parameters: Parameters, maxS: number): number {
  const value = parameters.single('WAIT');
  if (value === undefined) return 0;
  if (!/^(-1|\d{1,9})$/.test(value)) throw badRequest(`WAIT=${value}: not -1 and no whole number of seconds`);
  return 1000 * (value === '-1' ? maxS : Math.min(Number(value), maxS));
}

function jobAnswer(context: UwsContext, request: Request, tree: Tree, job: Job): Answer {
  const asks = wanted(request.header('accept'));
  if (asks === 'json' || (asks === 'any' && isLegacy(tree, job))) return json(200, jobStatus(job), kVaryAccept);
  return xml(documentOf(context, request, job), kVaryAccept);
}

/** Position, quote and progress of a job that is under way may be this old in its document. */
const kDocumentAgeMs = 50;
interface Cached {
  origin: string;
  text: string;
  untilMs: number;
}
/** A change makes a new Job, so an entry can only be too old in what lives outside the job. */
const documents = new WeakMap<Job, Cached>();

function documentOf(context: UwsContext, request: Request, job: Job): string {
  const now = Date.now();
  const { origin } = request;
  const known = documents.get(job);
  if (known && known.origin === origin && now < known.untilMs) return known.text;
  const text = jobDocument(viewOf(context, request, job));
  const live = job.phase === 'QUEUED' || job.phase === 'EXECUTING';
  documents.set(job, { origin, text, untilMs: live ? now + kDocumentAgeMs : Number.POSITIVE_INFINITY });
  return text;
}

function viewOf({ jobs }: UwsContext, request: Request, job: Job): JobView {
  const href = jobHref(request, job);
  return { job, href, info: jobs.info(job), quoteMs: jobs.quoteMs(job), position: jobs.position(job) };
}

/** The status document of the older server. */
export function jobStatus(job: Job): { jobId: string; phase: string; timestamp: string } {
  return { jobId: job.id, phase: job.phase, timestamp: new Date().toISOString() };
}

export const deleteJob: Handler = async ({ jobs }, request, tree) => {
  await jobs.delete(id(request));
  return seeOther(request.origin + tree);
};

export const postJob: Handler = async (context, request, tree) => {
  context.jobs.get(id(request));
  const form = await request.form();
  await form.spool?.discard();
  const action = form.parameters.single('ACTION');
  if (action !== 'DELETE')
    throw badRequest(action === undefined ? 'ACTION=DELETE is missing' : `ACTION=${action}: unknown`);
  return deleteJob(context, request, tree);
};

export const getPhase: Handler = ({ jobs }, request) => plain(jobs.get(id(request)).phase);

export const postPhase: Handler = async ({ jobs }, request, tree) => {
  const legacy = isLegacy(tree, jobs.get(id(request)));
  const form = await request.form({ json: true });
  await form.spool?.discard();
  const value = form.parameters.single('PHASE');
  const phase = legacy ? value?.toUpperCase() : value;
  // The older server knew ABORT only, and its jobs start by themselves.
  if (phase !== 'ABORT' && (phase !== 'RUN' || legacy)) {
    const message = value === undefined ? 'PHASE is missing' : `PHASE=${value} cannot be asked for`;
    if (legacy) return json(400, { error: message });
    throw badRequest(message);
  }
  const before = jobs.get(id(request)).phase;
  const job = phase === 'RUN' ? await jobs.run(id(request)) : await jobs.abort(id(request));
  if (form.kind !== 'json' && !legacy) return seeOther(jobLocation(request, tree, job.id));
  return json(200, { ...jobStatus(job), removedFromBuffers: phase === 'ABORT' && before === 'QUEUED' });
};

export function id(request: Request): string {
  return request.variables[0] ?? '';
}
