/** What Slurm says of jobs: `squeue --json`, of Slurm 22.05 (Debian 12, OpenAPI 0.0.38) to 24.11 (Debian 13, 0.0.41). */
import { z } from 'zod';
import { OtfError } from '../errors/catalogue.js';

/** One job, or one task of an array. */
export interface SlurmJob {
  /** 12, or 12_3 of an array. */
  id: string;
  name: string;
  /** As squeue(1) has them under JOB STATE CODES, in words: PENDING, RUNNING, ... */
  state: string;
  /** Why it waits, or ended; '' = it does not say. */
  reason: string;
  nodes: string;
  restarts: number;
}

/** Newer ones say of each number whether it is one. */
const number = z.union([
  z.number().nullable(),
  z.object({ set: z.boolean(), infinite: z.boolean(), number: z.number() }),
]);
const kJob = z.object({
  job_id: z.number(),
  name: z.string(),
  job_state: z.union([z.string(), z.array(z.string())]),
  state_reason: z.string().nullable().optional(),
  nodes: z.string().nullable().optional(),
  restart_cnt: z.number().optional(),
  array_job_id: number.optional(),
  array_task_id: number.optional(),
  array_task_string: z.string().nullable().optional(),
});
const kQueue = z.object({ jobs: z.array(kJob) });

/** Of an array whose tasks wait, so many are told apart; more is no queue of ours. */
const kMostTasks = 100_000;

/** Throws OTF_SERVER_ANSWER. */
export function parseQueue(text: string): SlurmJob[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new OtfError('OTF_SERVER_ANSWER', 'squeue --json gives no JSON: this Slurm is older than 21.08');
  }
  const read = kQueue.safeParse(given);
  if (!read.success) {
    const where = read.error.issues[0]?.path.join('.') ?? '';
    throw new OtfError('OTF_SERVER_ANSWER', `squeue --json gives what this program does not know (${where})`);
  }
  return read.data.jobs.flatMap(jobsOf);
}

function jobsOf(job: z.infer<typeof kJob>): SlurmJob[] {
  const [array, task] = [numberOf(job.array_job_id), numberOf(job.array_task_id)];
  const facts = {
    name: job.name,
    state: stateOf(job.job_state),
    reason: job.state_reason === 'None' ? '' : (job.state_reason ?? ''),
    nodes: job.nodes ?? '',
    restarts: job.restart_cnt ?? 0,
  };
  if (array && task !== undefined) return [{ id: `${array}_${task}`, ...facts }];
  // Tasks of an array that wait are one job together.
  if (array && job.array_task_string) {
    return tasksOf(job.array_task_string).map((each) => ({ id: `${array}_${each}`, ...facts }));
  }
  return [{ id: String(job.job_id), ...facts }];
}

function numberOf(given: z.infer<typeof number> | undefined): number | undefined {
  if (typeof given === 'number') return given;
  return given?.set ? given.number : undefined;
}

/** Of several the one that tells most: COMPLETING and REQUEUED are said beside others. */
function stateOf(given: string | string[]): string {
  if (typeof given === 'string') return given;
  return given.find((state) => state === 'REQUEUED' || state === 'COMPLETING') ?? given[0] ?? '';
}

/** 0-3,5,7-11:2%4 (sbatch(1), --array). */
export function tasksOf(text: string): number[] {
  const tasks: number[] = [];
  for (const part of text.replace(/%\d+$/, '').split(',')) {
    const [, first, last, step] = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part) ?? [];
    if (first === undefined) continue;
    for (let task = Number(first); task <= Number(last ?? first); task += Math.max(1, Number(step ?? 1))) {
      if (tasks.push(task) > kMostTasks) return tasks;
    }
  }
  return tasks;
}

const kWaiting = new Set([
  'PENDING',
  'CONFIGURING',
  'REQUEUED',
  'REQUEUE_FED',
  'REQUEUE_HOLD',
  'RESV_DEL_HOLD',
  'SPECIAL_EXIT',
]);
const kRunning = new Set(['RUNNING', 'COMPLETING', 'SUSPENDED', 'STOPPED', 'SIGNALING', 'STAGE_OUT', 'RESIZING']);

export function isWaiting({ state }: Pick<SlurmJob, 'state'>): boolean {
  return kWaiting.has(state);
}

/** It is still to come, or under way. A state nobody has heard of is no end. */
export function isActive(job: Pick<SlurmJob, 'state'>): boolean {
  return isWaiting(job) || kRunning.has(job.state) || !kEnds.has(job.state);
}

const kEnds = new Set([
  ...[
    'COMPLETED',
    'CANCELLED',
    'FAILED',
    'TIMEOUT',
    'DEADLINE',
    'OUT_OF_MEMORY',
    'NODE_FAIL',
    'BOOT_FAIL',
    'PREEMPTED',
  ],
  ...['REVOKED', 'LAUNCH_FAILED', 'RECONFIG_FAIL'],
]);
