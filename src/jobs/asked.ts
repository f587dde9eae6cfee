/** What clients ask for, a new job or changes of one, and what becomes of it below the configured limits. */
import type { Config } from '../config/schema.js';
import type { JobParameters } from '../tasks/parameters.js';
import type { Spool } from './folders.js';
import { type Job, kDefaultPriority, type Style } from './job.js';

type Policy = Config['policy'];

export interface NewJob {
  kind: string;
  style: Style;
  owner: string | null;
  remote: string;
  runId: string | null;
  modelId: string;
  quantization: string;
  /** undefined = kDefaultPriority. */
  priority?: number | undefined;
  parameters: JobParameters;
  /** undefined = the configured default. */
  executionDurationS?: number | undefined;
  destructionMs?: number | undefined;
  /** Folder with the uploaded files `parameters` names. */
  spool?: Spool | undefined;
  /** Start at once (PHASE=RUN). */
  run: boolean;
}

/** Absent = stays. */
export interface Times {
  executionDurationS?: number | undefined;
  destructionMs?: number | undefined;
}

/** What POST /jobs/ID/parameters may replace; absent = stays. Times are cut to the maxima, as in a new job. */
export interface ParameterChange extends Times {
  kind?: string | undefined;
  parameters: JobParameters;
  runId?: string | null | undefined;
  modelId?: string | undefined;
  quantization?: string | undefined;
  priority?: number | undefined;
  spool?: Spool | undefined;
  run: boolean;
}

export function pendingJob(asked: NewJob, policy: Policy, now: number): Omit<Job, 'id'> {
  const destructionMs = asked.destructionMs ?? (policy.retention_s > 0 ? now + policy.retention_s * 1000 : null);
  return {
    kind: asked.kind,
    style: asked.style,
    phase: 'PENDING',
    owner: asked.owner,
    remote: asked.remote,
    runId: asked.runId,
    createdMs: now,
    queuedMs: null,
    startedMs: null,
    endedMs: null,
    executionDurationS: cutDuration(asked.executionDurationS ?? policy.execution_s, policy),
    destructionMs: cutDestruction(destructionMs, now, policy),
    modelId: asked.modelId,
    quantization: asked.quantization,
    priority: asked.priority ?? kDefaultPriority,
    parameters: asked.parameters,
    results: [],
    failure: null,
    info: {},
  };
}

export function withParameters(job: Job, change: ParameterChange, policy: Policy): Job {
  const kind = change.kind ?? job.kind;
  const { parameters: old } = job;
  const { parameters: next } = change;
  // What a kind was asked, and its formats, mean nothing to another; its inputs may.
  const asked = kind === job.kind ? { ...old.asked, ...next.asked } : next.asked;
  const { responseFormat: _ofOther, ...others } = old;
  const stays = kind === job.kind ? old : others;
  const inputs = { ...old.inputs, ...next.inputs };
  // A new file has not the checksum of the one before.
  const stay = Object.entries(old.checksums ?? {}).filter(([name]) => next.inputs[name] === undefined);
  const checksums = { ...Object.fromEntries(stay), ...next.checksums };
  return {
    ...withTimes(job, change, policy),
    runId: change.runId === undefined ? job.runId : change.runId,
    modelId: change.modelId ?? job.modelId,
    quantization: change.quantization ?? job.quantization,
    priority: change.priority ?? job.priority,
    kind,
    parameters: { ...stays, ...next, inputs, checksums, asked },
  };
}

export function withTimes(job: Job, { executionDurationS, destructionMs }: Times, policy: Policy): Job {
  return {
    ...job,
    ...(executionDurationS === undefined ? {} : { executionDurationS: cutDuration(executionDurationS, policy) }),
    ...(destructionMs === undefined ? {} : { destructionMs: cutDestruction(destructionMs, job.createdMs, policy) }),
  };
}

/** 0 = no limit. */
function cutDuration(seconds: number, { max_execution_s: max }: Policy): number {
  if (max === 0) return seconds;
  return seconds === 0 ? max : Math.min(seconds, max);
}

/** null = never. */
function cutDestruction(atMs: number | null, createdMs: number, { max_retention_s: max }: Policy): number | null {
  return max === 0 ? atMs : Math.min(atMs ?? Number.POSITIVE_INFINITY, createdMs + max * 1000);
}
