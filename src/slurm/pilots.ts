/**
 * Workers of a server in allocations of Slurm: as many as its backlog needs.
 *
 *     every few seconds: jobs of the server that wait or run ─► pilots wanted ─► sbatch --array for those that are missing
 *     a pilot: a worker that ends when it has had nothing to do for a while; Slurm tells it to end before its time is up
 *
 * Nothing is kept: pilots are known by the name of their jobs, so this may be ended and started again at any moment. None is
 * cancelled because there are too many: an idle one gives its node back by itself, a busy one is needed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type OtfError, toOtfError } from '../errors/catalogue.js';
import type { Slurm } from './program.js';
import { isActive, isWaiting, type SlurmJob } from './queue.js';
import { batchScript, type Launch } from './script.js';

export interface Load {
  /** Jobs of the server. */
  waiting: number;
  executing: number;
}

export interface Limits {
  min: number;
  max: number;
  /** A pilot is worth its start when so many jobs wait for it. */
  jobsPerPilot: number;
}

export interface PilotParts {
  slurm: Slurm;
  /** Throws OTF_SERVER_UNREACHABLE while the server is away; what else it throws ends the keeper. */
  load: () => Promise<Load>;
  limits: Limits;
  /** Of the jobs of one keeper; two keepers of one user need two. */
  name: string;
  launch: Launch;
  /** Arguments of `worker`, but its name and --idle. */
  worker: readonly string[];
  /** One that has had nothing to do for so long gives its node back. */
  idleS: number;
  sbatch: readonly string[];
  /** Where Slurm's files of what pilots print go. */
  logs: string;
  stepMs: number;
  /** Before the time limit, for a worker to end what it has. */
  drainS: number;
  say: (line: string) => void;
  stop: AbortSignal;
  /** In ms, never back; absent: this machine's. */
  now?: () => number;
}

/** Pilots that end so soon have not worked. */
const kTooSoonMs = 30_000;
const kFirstBackoffMs = 5_000;
const kLastBackoffMs = 600_000;

/** How many more there should be. Pilots that wait in the queue count: they will come. */
export function missingPilots(
  { waiting, executing }: Load,
  pilots: number,
  { min, max, jobsPerPilot }: Limits,
): number {
  const wanted = Math.min(max, Math.max(min, Math.ceil((waiting + executing) / jobsPerPilot)));
  return Math.max(0, wanted - pilots);
}

export class Pilots {
  readonly #parts: PilotParts;
  #submitted = 0;
  /** Of the last array, and since when one of it is at work; undefined = it has been for a while. */
  #last: { id: string; ranMs?: number } | undefined;
  #backoffMs = 0;
  #untilMs = 0;
  #said = '';

  constructor(parts: PilotParts) {
    this.#parts = parts;
  }

  /** Until the signal. Throws what cannot get better by waiting: sbatch's first refusal, an answer that is none. */
  async keep(): Promise<void> {
    const { stop, stepMs, now = () => performance.now() } = this.#parts;
    while (!stop.aborted) {
      await this.#step(now());
      await pause(stepMs, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  async #step(nowMs: number): Promise<void> {
    const { slurm, load, limits, name, say } = this.#parts;
    try {
      const jobs = (await slurm.queue()).filter((job) => job.name === name);
      const active = jobs.filter(isActive);
      this.#judge(jobs, nowMs);
      const now = await load();
      const missing = missingPilots(now, active.length, limits);
      const waiting = active.filter(isWaiting).length;
      this.#tell(
        `${now.waiting} jobs wait, ${now.executing} run; ${active.length - waiting} pilots, ${waiting} more asked for`,
      );
      if (missing === 0 || nowMs < this.#untilMs) return;
      // Those that there should be in any case wait for work; the rest give their nodes back.
      const standing = Math.max(0, limits.min - active.length);
      const count = standing || missing;
      const id = await this.#submit(count, standing > 0);
      this.#submitted++;
      this.#last = { id };
      say(`${count} more pilots: Slurm job ${id}`);
    } catch (thrown) {
      this.#away(toOtfError(thrown), nowMs);
    }
  }

  #submit(count: number, standing: boolean): Promise<string> {
    const { slurm, name, launch, worker, idleS, sbatch, logs, drainS } = this.#parts;
    const own = [`--job-name=${name}`, `--array=0-${count - 1}`, '--requeue', `--signal=B:TERM@${drainS}`];
    const files = [`--output=${logs}/pilot-%A_%a.out`, '--open-mode=append'];
    // A pilot that Slurm starts again is the same worker again, and the server knows at once that the one before is gone.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the batch script
    const named = ['--name', 'pilot-${SLURM_ARRAY_JOB_ID}-${SLURM_ARRAY_TASK_ID}'];
    const drained = { CIANNA_OTF_SERVER_SHUTDOWN_S: String(Math.max(1, drainS - 10)) };
    const args = ['worker', ...named, ...worker, ...(standing ? [] : ['--idle', String(idleS)])];
    const env = { ...drained, ...launch.env };
    return slurm.submit([...own, ...files, ...sbatch], batchScript({ ...launch, env }, args));
  }

  /** Pilots that end at once would be asked for again and again: the next ones wait longer and longer. */
  #judge(jobs: readonly SlurmJob[], nowMs: number): void {
    const last = this.#last;
    if (!last) return;
    const own = jobs.filter(({ id }) => id.startsWith(`${last.id}_`));
    const alive = own.some(isActive);
    // In the queue of a busy site they may wait for days: that is neither.
    if (own.some((job) => isActive(job) && !isWaiting(job))) last.ranMs ??= nowMs;
    const longEnough = last.ranMs !== undefined && nowMs - last.ranMs >= kTooSoonMs;
    if (alive && !longEnough) return;
    this.#last = undefined;
    if (longEnough) {
      this.#backoffMs = 0;
      return;
    }
    this.#wait(nowMs);
    const how = own[0] ? ` (${own[0].state}${own[0].reason ? `, ${own[0].reason}` : ''})` : '';
    const { logs, say } = this.#parts;
    say(
      `pilots end as soon as they begin${how}: see ${logs}/pilot-${last.id}_0.out; the next in ${this.#backoffMs / 1000} s`,
    );
  }

  #away(error: OtfError, nowMs: number): void {
    // What was right once may be refused for a while: a limit of jobs, a partition that is down.
    const passing = error.code === 'OTF_SERVER_UNREACHABLE' || this.#submitted > 0;
    if (!passing) throw error;
    this.#wait(nowMs);
    this.#tell(error.message);
  }

  #wait(nowMs: number): void {
    this.#backoffMs = Math.min(kLastBackoffMs, Math.max(kFirstBackoffMs, 2 * this.#backoffMs));
    this.#untilMs = nowMs + this.#backoffMs;
  }

  /** What is as it was is not said again. */
  #tell(line: string): void {
    if (line !== this.#said) this.#parts.say(line);
    this.#said = line;
  }

  /** Those that wait and those that run: these end what they have. Gives how many. */
  async cancel(): Promise<number> {
    const { slurm, name } = this.#parts;
    const active = (await slurm.queue()).filter((job) => job.name === name && isActive(job));
    await slurm.cancel([...new Set(active.map(({ id }) => id.replace(/_.*$/, '')))]);
    return active.length;
  }
}
