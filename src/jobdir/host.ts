/** The executor's host (src/jobs/executor.ts) for jobs in folders: each folder's state is the only truth there is. */
import { statfsSync } from 'node:fs';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import type { Folder } from '../io/folder.js';
import type { ExecutorHost, Outcome } from '../jobs/executor.js';
import type { Job, JobFailure, JobInfo, Phase } from '../jobs/job.js';
import { writeLog } from '../jobs/log.js';
import type { Environment } from '../provenance/environment.js';
import type { Progress } from '../tasks/kind.js';
import { type LogLevel, logLine } from '../tasks/log.js';
import type { Closing } from '../tasks/work.js';
import type { FolderJob } from './folder-job.js';
import { errorOf, type FolderState } from './state.js';

const kProgressMs = 2000;
const kMostLines = 10_000;

export class FolderHost implements ExecutorHost {
  readonly config: Config;
  readonly metrics = new Registry();
  /** Where jobs run; set once the executor has started. */
  environment: Environment = {};
  readonly #log: Logger;
  readonly #jobs = new Map<string, FolderJob>();
  readonly #toldMs = new Map<string, number>();
  /** By a clock that nobody sets. */
  readonly #begunMs = new Map<string, number>();

  constructor(config: Config, log: Logger) {
    this.config = config;
    this.#log = log;
  }

  add(job: FolderJob): void {
    this.#jobs.set(job.job.id, job);
  }

  job(jobId: string): Job | undefined {
    return this.#jobs.get(jobId)?.job;
  }

  /** Nobody deletes jobs here. */
  deleting(): boolean {
    return false;
  }

  folder(jobId: string): Folder {
    const found = this.#jobs.get(jobId);
    if (!found) throw new Error(`${jobId} is not here`);
    return found.folder;
  }

  assertRoom(): void {
    for (const { dir } of this.#jobs.values()) {
      const { bavail, bsize } = statfsSync(dir);
      if (bavail * bsize >= this.config.storage.reserve_mb * 2 ** 20) continue;
      throw new OtfError('OTF_DISK_FULL', `the disk of ${dir} is full`);
    }
  }

  /** A job of a batch system has its time: it fails, in words. */
  readonly readOnly = undefined;

  executing(jobId: string, info: JobInfo): Promise<boolean> {
    const startedMs = Date.now();
    this.#begunMs.set(jobId, performance.now());
    const facts = { environment: this.environment, ...info };
    const startedAt = new Date(startedMs).toISOString();
    return this.#move(jobId, ['QUEUED'], { phase: 'EXECUTING', startedMs }, facts, { startedAt });
  }

  progress(jobId: string, progress: Progress): void {
    const found = this.#jobs.get(jobId);
    const now = Date.now();
    if (found?.job.phase !== 'EXECUTING' || now - (this.#toldMs.get(jobId) ?? 0) < kProgressMs) return;
    this.#toldMs.set(jobId, now);
    found.tell({ progress }).catch((thrown) => this.internal(thrown));
  }

  closing(jobId: string): Closing | undefined {
    const found = this.#jobs.get(jobId);
    // No server has it: its records are named by the job alone (RFC 9562).
    return found && { job: found.job, log: found.log, baseUrl: `urn:uuid:${jobId}` };
  }

  async completed(jobId: string, { results, info, endedMs }: Outcome): Promise<boolean> {
    const found = this.#jobs.get(jobId);
    if (found?.job.phase !== 'EXECUTING') return false;
    const before = found.job;
    // From here on nothing else ends it.
    found.job = { ...before, phase: 'COMPLETED', endedMs, results, info: { ...before.info, ...info } };
    try {
      if (!(await found.deliver(toldOf(found.job, endedMs), new Set(results.map(({ file }) => file))))) {
        this.#log.warn({ dir: found.dir }, 'somebody else has run the job meanwhile: those results stay');
      }
    } catch (thrown) {
      found.job = before;
      throw thrown;
    }
    await found.end();
    return true;
  }

  /** The job is over by this, whether or not it can be written down. */
  async failed(jobId: string, failure: JobFailure): Promise<boolean> {
    const found = this.#jobs.get(jobId);
    this.log(jobId, 'error', failure.message);
    const told = { error: errorOf(failure), endedAt: new Date().toISOString() };
    const counts = await this.#move(jobId, ['QUEUED', 'EXECUTING'], { phase: 'ERROR', failure }, {}, told).catch(
      (thrown) => {
        this.internal(thrown);
        return true;
      },
    );
    if (!counts || !found) return false;
    await writeLog(found.dir, found.log).catch((thrown) => this.internal(thrown));
    await found.end();
    return true;
  }

  requeued(jobId: string): Promise<boolean> {
    return this.#move(jobId, ['EXECUTING'], { phase: 'QUEUED', startedMs: null });
  }

  /** It took longer than it may. False: it was over. */
  async expired(jobId: string, note: string): Promise<boolean> {
    const endedAt = new Date().toISOString();
    const counts = await this.#move(jobId, ['QUEUED', 'EXECUTING'], { phase: 'ABORTED' }, {}, { note, endedAt });
    if (counts) await this.#jobs.get(jobId)?.end();
    return counts;
  }

  /** Jobs that have been executed for longer than they may; those that wait have taken nothing yet. */
  late(nowMs: number): string[] {
    return [...this.#begunMs].flatMap(([id, begunMs]) => {
      const job = this.#jobs.get(id)?.job;
      if (job?.phase !== 'EXECUTING' || job.executionDurationS === 0) return [];
      return nowMs - begunMs > job.executionDurationS * 1000 ? [id] : [];
    });
  }

  used(): void {
    // There is nobody to account to.
  }

  log(jobId: string, level: LogLevel, message: string): void {
    const found = this.#jobs.get(jobId);
    this.#log[level]({ dir: found?.dir }, message);
    if (found && found.log.length < kMostLines) found.log.push(logLine(level, message));
  }

  internal(thrown: unknown): void {
    this.#log.error({ err: thrown }, 'internal error');
  }

  async #move(
    jobId: string,
    from: readonly Phase[],
    change: Partial<Job> & { phase: FolderState['phase'] },
    info: JobInfo = {},
    told: Partial<FolderState> = {},
  ): Promise<boolean> {
    const found = this.#jobs.get(jobId);
    if (!found || !from.includes(found.job.phase)) return false;
    found.job = { ...found.job, ...change, info: { ...found.job.info, ...info } };
    await found.tell({ ...told, phase: change.phase });
    return true;
  }
}

function toldOf({ info, results }: Job, endedMs: number): Partial<FolderState> {
  const { found, warnings, progress } = info;
  return {
    phase: 'COMPLETED',
    endedAt: new Date(endedMs).toISOString(),
    results: results.map(({ id, file, mime, size, sha256 }) => ({ id, file, mime, size, sha256 })),
    ...(found === undefined ? {} : { found }),
    ...(warnings === undefined ? {} : { warnings: [...warnings] }),
    ...(progress === undefined ? {} : { progress }),
  };
}
