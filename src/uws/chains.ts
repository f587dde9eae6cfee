/** /chains: several jobs with one request, in JSON; their state as one document. */
import { z } from 'zod';
import { OtfError } from '../errors/catalogue.js';
import type { Asker } from '../jobs/access.js';
import type { NewJob } from '../jobs/asked.js';
import type { Chain } from '../jobs/chain-rows.js';
import type { NewStep } from '../jobs/chains.js';
import { isFinal, type Job, type Phase } from '../jobs/job.js';
import { missingInput } from '../tasks/kind.js';
import { kindNamed } from '../tasks/registry.js';
import { type Handler, jobHref, type UwsContext } from './context.js';
import { parseStandard, unusedFiles } from './creation.js';
import { type Form, json, plain, type Request, seeOther } from './exchange.js';
import { assertFollowable } from './following.js';
import { formatInstant } from './instants.js';
import { id } from './job.js';
import { linkInputs } from './job-inputs.js';
import { badRequest, missing, Parameters } from './parameters.js';

const kMostSteps = 100;
const kMostJobs = 1000;
/** NAME=step:STEP/RESULT: what that step will have made. */
const kOfStep = /^step:([^/]+)\/([^/]+)$/;

const name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be a letter, then letters, digits, _ or - (64 at most)');
const field = z.union([z.string(), z.number()]).transform(String);
const step = z.strictObject({
  name,
  /** Steps that must have ended well, beside those whose results it takes. */
  after: z.array(name).max(kMostSteps).default([]),
  /** Fields of POST /jobs. */
  fields: z.record(z.string().max(100), field).default({}),
  /** Fields with a list of values each: as many jobs, all lists equally long. */
  each: z.record(z.string().max(100), z.array(field).min(1).max(kMostJobs)).default({}),
});
const document = z.strictObject({
  runId: z.string().nullable().default(null),
  steps: z.array(step).min(1).max(kMostSteps),
});

type StepAsked = z.infer<typeof step>;

export const createChain: Handler = async (context, request) => {
  context.jobs.assertRoomFor(request, 0);
  const checked = document.safeParse(await request.json());
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw badRequest(`${issue?.path.join('.') || 'the chain'}: ${issue?.message.replace(/^Invalid input: /, '')}`);
  }
  const { steps, runId } = checked.data;
  new Parameters(context.config.server.max_text).add('runId', runId ?? '');
  const asked = steps.map(withReferences);
  assertOrder(asked);
  const chain = await context.jobs.chains.create(
    asked.map((each) => newStep(context, request, each)),
    runId,
    request,
  );
  return seeOther(`${request.origin}/chains/${chain.id}`);
};

/** With the steps its fields refer to among those it follows. */
function withReferences(asked: StepAsked): StepAsked {
  const values = [...Object.values(asked.fields), ...Object.values(asked.each).flat()];
  const referred = values.flatMap((value) => kOfStep.exec(value)?.[1] ?? []);
  return { ...asked, after: [...new Set([...asked.after, ...referred])] };
}

/** So there are no circles, and a document reads from its beginning to its end. */
function assertOrder(steps: readonly StepAsked[]): void {
  const known = new Set<string>();
  for (const { name: own, after } of steps) {
    if (known.has(own)) throw badRequest(`steps: there are two named ${own}`);
    const unknown = after.find((other) => !known.has(other));
    if (unknown !== undefined) throw badRequest(`step ${own}: there is no step ${unknown.slice(0, 64)} before it`);
    known.add(own);
  }
}

function newStep(context: UwsContext, request: Request, asked: StepAsked): NewStep {
  const { name: own, after } = asked;
  const jobs: NewStep['jobs'] = async (made) => {
    let total = 0;
    for (const ids of made.values()) total += ids.length;
    const count = countOf(asked, made);
    if (total + count > kMostJobs) throw badRequest(`step ${own}: the chain has more than ${kMostJobs} jobs`);
    const requests: NewJob[] = [];
    for (let index = 0; index < count; index++) {
      try {
        const { form, after: followed } = formOf(asked, index, made, context.config.server.max_text);
        requests.push(await newJob(context, request, form, followed));
      } catch (thrown) {
        for (const each of requests) await each.spool?.discard();
        if (thrown instanceof OtfError) throw new OtfError(thrown.code, `step ${own}: ${thrown.message}`);
        throw thrown;
      }
    }
    return requests;
  };
  return { name: own, after, jobs };
}

/** One, or as many as its lists have values, or the steps it takes something of have jobs. Throws OTF_BAD_REQUEST. */
function countOf({ name: own, fields, each }: StepAsked, made: ReadonlyMap<string, readonly string[]>): number {
  const counts = Object.values(each).map((values) => values.length);
  for (const value of Object.values(fields)) {
    const jobs = made.get(kOfStep.exec(value)?.[1] ?? '')?.length ?? 1;
    if (jobs > 1) counts.push(jobs);
  }
  const [first = 1] = counts;
  if (counts.every((count) => count === first)) return first;
  throw badRequest(`step ${own}: its lists are of different lengths (${counts.join(', ')})`);
}

/** The request that POST /jobs would have got for the job; beside it the jobs it follows, which may be more than a request may name. */
function formOf(
  asked: StepAsked,
  index: number,
  made: ReadonlyMap<string, readonly string[]>,
  maxText: number,
): { form: Form; after: string[] } {
  const parameters = new Parameters(maxText);
  const taken = new Set<string>();
  const value = (text: string) => {
    const [, other, result] = kOfStep.exec(text) ?? [];
    if (other === undefined) return text;
    taken.add(other);
    const ids = made.get(other) ?? [];
    return `job:${ids[ids.length === 1 ? 0 : index]}/${result}`;
  };
  for (const [key, text] of Object.entries(asked.fields)) parameters.add(key, value(text));
  for (const [key, texts] of Object.entries(asked.each)) parameters.add(key, value(texts[index] ?? ''));
  for (const reserved of ['PHASE', 'RUNID', 'AFTER']) {
    if (parameters.has(reserved)) throw badRequest(`${reserved} is the chain's to say`);
  }
  // Of a step whose files it takes, one job is followed; of others all.
  const after = asked.after.filter((other) => !taken.has(other)).flatMap((other) => made.get(other) ?? []);
  return { form: { kind: 'json', parameters, files: [], spool: undefined }, after };
}

async function newJob(context: UwsContext, request: Request, form: Form, after: string[]): Promise<NewJob> {
  const { jobs, models, config } = context;
  try {
    await linkInputs(context, request, form);
    const { parameters, ...asked } = parseStandard(form, { models, config });
    const parsed = { ...asked, parameters: after.length === 0 ? parameters : { ...parameters, after } };
    assertFollowable(jobs, parsed.parameters, request);
    const lacking = missingInput(kindNamed(parsed.kind), parsed.parameters.inputs);
    if (lacking) throw badRequest(`${lacking.name} is missing: a URL, job:ID/NAME or step:NAME/RESULT`);
    if (unusedFiles(form, parsed.parameters).length > 0) throw badRequest('it takes files it has no use for');
    const { runId: _, ...rest } = parsed;
    const who = { owner: request.owner, remote: request.remote, runId: null };
    return { ...rest, ...who, style: 'standard', spool: form.spool };
  } catch (thrown) {
    await form.spool?.discard();
    throw thrown;
  }
}

export const getChain: Handler = ({ jobs }, request) => {
  const chain = jobs.chains.get(id(request), request);
  return json(
    200,
    stateOf(chain, jobs.chains.jobsOf(chain), (job) => jobHref(request, job)),
  );
};

export const getChainPhase: Handler = ({ jobs }, request) => {
  const chain = jobs.chains.get(id(request), request);
  return plain(stateOf(chain, jobs.chains.jobsOf(chain), (job) => jobHref(request, job)).phase);
};

/** One document: every step with its jobs, and how it stands. */
function stateOf(chain: Chain, jobs: ReadonlyMap<string, Job>, href: (job: Job) => string) {
  const steps = chain.steps.map((each) => {
    const members = each.jobs.map((jobId) => {
      const job = jobs.get(jobId);
      if (!job) return { id: jobId, phase: 'DELETED' as const };
      const failed = job.failure ? { message: job.failure.message } : {};
      return { id: jobId, href: href(job), phase: job.phase, ...failed };
    });
    return { name: each.name, after: each.after, phase: phaseOf(members.map(({ phase }) => phase)), jobs: members };
  });
  const phase = phaseOf(steps.map((each) => each.phase));
  const { id: chainId, runId, owner, createdMs } = chain;
  return { id: chainId, runId, owner, created: formatInstant(createdMs), phase, steps };
}

/** What a chain or a step is as long as one of its parts is: the first that fits. */
const kOrder = ['EXECUTING', 'QUEUED', 'PENDING', 'HELD', 'ERROR', 'ABORTED', 'COMPLETED', 'DELETED'] as const;

/** While something goes on beside something that is over, it is EXECUTING. */
function phaseOf(phases: readonly (Phase | 'DELETED')[]): (typeof kOrder)[number] {
  const over = phases.filter((phase) => phase === 'DELETED' || isFinal(phase)).length;
  if (over > 0 && over < phases.length) return 'EXECUTING';
  return kOrder.find((phase) => phases.includes(phase)) ?? 'DELETED';
}

export const postChainPhase: Handler = async ({ jobs }, request) => {
  const chain = jobs.chains.get(id(request), request);
  const form = await request.form({ json: true });
  await form.spool?.discard();
  const phase = form.parameters.single('PHASE');
  if (phase === undefined) throw missing('PHASE', form.parameters);
  if (phase.toUpperCase() !== 'ABORT') throw badRequest(`PHASE=${phase} cannot be asked for, ABORT can`);
  await jobs.chains.abort(chain, request satisfies Asker);
  return seeOther(`${request.origin}/chains/${chain.id}`);
};

export const deleteChain: Handler = async ({ jobs }, request) => {
  await jobs.chains.delete(jobs.chains.get(id(request), request), request);
  return seeOther(`${request.origin}/jobs`);
};
