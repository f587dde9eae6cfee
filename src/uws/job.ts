/** One job: GET (with WAIT), DELETE, its phase and how it is aborted. */
import { isWaitedFor, type Job } from '../jobs/job.js';
import { type Handler, isLegacy, jobHref, jobLocation, type Tree, type UwsContext } from './context.js';
import { type JobView, jobDocument } from './documents.js';
import { type Answer, type Form, json, plain, type Request, seeOther, xml } from './exchange.js';
import { uwsPhase } from './filters.js';
import { wanted } from './negotiate.js';
import { badRequest, missing, Parameters } from './parameters.js';

const kVaryAccept = { Vary: 'Accept' };

export const getJob: Handler = (context, request, tree) => {
  const job = context.jobs.get(id(request), request);
  // The status request everybody polls with: no query, nothing to parse, no promise.
  if (request.query === '') return jobAnswer(context, request, tree, job);
  return getJobWaiting(context, request, tree, job);
};

async function getJobWaiting(context: UwsContext, request: Request, tree: Tree, job: Job): Promise<Answer> {
  const parameters = Parameters.fromQuery(request.query);
  const waitMs = parseWait(parameters, context.config.server.max_wait_s);
  const asked = parameters.single('PHASE');
  const phase = asked === undefined ? undefined : uwsPhase(asked);
  if (asked !== undefined && phase === undefined) throw badRequest(`PHASE=${asked}: no such phase`);
  if (waitMs > 0 && isWaitedFor(job.phase) && (phase === undefined || phase === job.phase)) {
    await context.jobs.waitForChange(job, waitMs, (cancel) => request.onGone(cancel));
  }
  return jobAnswer(context, request, tree, context.jobs.get(job.id, request));
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
  await jobs.delete(id(request), request);
  return seeOther(request.origin + tree);
};

export const getPhase: Handler = ({ jobs }, request) => plain(jobs.get(id(request), request).phase);

export const postPhase: Handler = async (context, request, tree) => {
  context.jobs.get(id(request), request);
  const form = await request.form({ json: true });
  await form.spool?.discard();
  return changePhase(context, request, tree, form);
};

/** PHASE=RUN or ABORT of a form that has been read. */
export async function changePhase({ jobs }: UwsContext, request: Request, tree: Tree, form: Form): Promise<Answer> {
  const before = jobs.get(id(request), request);
  const legacy = isLegacy(tree, before);
  const value = form.parameters.single('PHASE');
  const phase = value?.toUpperCase();
  // The older server knew ABORT only, and its jobs start by themselves.
  if (phase !== 'ABORT' && (phase !== 'RUN' || legacy)) {
    const can = legacy ? 'ABORT' : 'RUN or ABORT';
    const problem =
      value === undefined
        ? missing('PHASE', form.parameters)
        : badRequest(`PHASE=${value} cannot be asked for, ${can} can`);
    if (legacy) return json(400, { error: problem.message });
    throw problem;
  }
  const job = phase === 'RUN' ? await jobs.run(id(request), request) : await jobs.abort(id(request), request);
  if (form.kind !== 'json' && !legacy) return seeOther(jobLocation(request, tree, job.id));
  return json(200, { ...jobStatus(job), removedFromBuffers: phase === 'ABORT' && before.phase === 'QUEUED' });
}

/** The abort of today's clients of the observatory, beside POST /phase. Of every job; an ended one stays as it is. */
export const postAbort: Handler = async ({ jobs }, request) => {
  const job = await jobs.abort(id(request), request);
  return json(200, { job_id: job.id, aborted: job.phase === 'ABORTED' });
};

export function id(request: Request): string {
  return request.variables[0] ?? '';
}
