/** The executor's way back: phases, progress, results and log lines of the jobs it runs. See executor.ts for the order. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import { publicText, withoutSecrets } from '../errors/public-text.js';
import { type Folder, folderAt, folderRef } from '../io/folder.js';
import type { Environment } from '../provenance/environment.js';
import type { ResultFile } from '../tasks/files.js';
import type { Progress } from '../tasks/kind.js';
import { type LogLevel, logLine } from '../tasks/log.js';
import type { Closing } from '../tasks/work.js';
import { carried } from './attempts.js';
import type { ExecutorHost, Outcome, Used } from './executor.js';
import type { JobFolders } from './folders.js';
import type { Job, JobFailure, JobInfo } from './job.js';
import { writeLog } from './log.js';
import type { JobStore } from './store.js';
import type { Events } from './watchers.js';

/** At most one progress event per job and this many milliseconds. */
const kProgressEventMs = 200;
const kMaxLogLines = 10_000;
const kMaxLineChars = 1000;

interface HostParts {
  config: Config;
  metrics: Registry;
  log: Logger;
  store: JobStore;
  folders: JobFolders;
  events: Events;
  deleting: (jobId: string) => boolean;
}

interface Live {
  progress?: Progress;
  lastEventMs: number;
}

export class JobHost implements ExecutorHost {
  readonly config: Config;
  readonly metrics: Registry;
  /** Where clients find this server, for the records; set once it listens. */
  baseUrl = '';
  /** Where jobs run; set once the executor has started, and so is `apart` (executor.ts). */
  environment: Environment = {};
  apart = false;
  readonly #log: Logger;
  readonly #store: JobStore;
  readonly #folders: JobFolders;
  readonly #events: Events;
  readonly #deleting: HostParts['deleting'];
  readonly #live = new Map<string, Live>();
  readonly #lines = new Map<string, string[]>();
  readonly #finishing = new Set<Promise<unknown>>();

  constructor({ config, metrics, log, store, folders, events, deleting }: HostParts) {
    this.config = config;
    this.metrics = metrics;
    this.#log = log;
    this.#store = store;
    this.#folders = folders;
    this.#events = events;
    this.#deleting = deleting;
  }

  job(jobId: string): Job | undefined {
    return this.#store.get(jobId);
  }

  deleting(jobId: string): boolean {
    return this.#deleting(jobId);
  }

  folder(jobId: string): Folder {
    return folderAt(folderRef(this.#folders.jobDir(jobId)));
  }

  assertRoom(): void {
    this.#folders.assertReserve();
  }

  get readOnly(): boolean {
    return this.#folders.readOnly;
  }

  async executing(jobId: string, info: JobInfo): Promise<boolean> {
    let wanted = false;
    const begun = (job: Job | undefined): Job | undefined => {
      if (job?.phase !== 'QUEUED') return job;
      wanted = true;
      const counts = carried({ ...job.info, attempts: (job.info.attempts ?? 0) + 1 });
      return {
        ...job,
        phase: 'EXECUTING',
        startedMs: Date.now(),
        info: { environment: this.environment, ...info, ...counts },
      };
    };
    // Counted before it is begun: a job that ends the server must be known for it afterwards. One that runs elsewhere ends none.
    if (this.apart) await this.#store.changeUntilRestart(jobId, begun);
    else await this.#store.changeBeyondCrash(jobId, begun);
    return wanted;
  }

  progress(jobId: string, progress: Progress): void {
    const job = this.#store.get(jobId);
    if (job?.phase !== 'EXECUTING') return;
    const live = this.#live.get(jobId) ?? { lastEventMs: 0 };
    const now = Date.now();
    live.progress = progress;
    this.#live.set(jobId, live);
    if (now - live.lastEventMs < kProgressEventMs && progress.done < progress.total) return;
    live.lastEventMs = now;
    this.#events.emit({ type: 'progress', jobId, ...progress, timeMs: now }, job.owner);
  }

  liveProgress(jobId: string): Pick<JobInfo, 'progress'> {
    const progress = this.#live.get(jobId)?.progress;
    return progress === undefined ? {} : { progress };
  }

  closing(jobId: string): Closing | undefined {
    const job = this.#store.get(jobId);
    return job && { job, log: this.#lines.get(jobId) ?? [], baseUrl: this.baseUrl };
  }

  completed(jobId: string, outcome: Outcome): Promise<boolean> {
    return this.#track(this.#complete(jobId, outcome));
  }

  async #complete(jobId: string, { results, info, endedMs }: Outcome): Promise<boolean> {
    let counts = false;
    await this.#store.change(jobId, (now) => {
      if (now?.phase !== 'EXECUTING') return now;
      counts = true;
      const known = { ...now.info, ...this.liveProgress(jobId), ...info, ...publicWarnings(info) };
      const wanted = now.parameters.resultsTo && { delivery: { state: 'waiting', files: 0 } as const };
      return { ...now, phase: 'COMPLETED', endedMs, info: { ...known, ...wanted }, results };
    });
    return counts;
  }

  failed(jobId: string, failure: JobFailure, info: JobInfo = {}): Promise<boolean> {
    return this.#track(this.#fail(jobId, failure, info));
  }

  async #fail(jobId: string, failure: JobFailure, info: JobInfo): Promise<boolean> {
    if (this.#store.get(jobId) === undefined) return false;
    let counts = false;
    this.log(jobId, 'error', failure.message);
    const told = publicFailure(failure);
    // A full disk must not keep a failure from being told.
    const log = await writeLog(this.#folders.jobDir(jobId), this.#lines.get(jobId) ?? []).catch((): ResultFile[] => []);
    await this.#store.change(jobId, (now) => {
      if (now?.phase !== 'EXECUTING' && now?.phase !== 'QUEUED') return now;
      counts = true;
      const known = { ...now.info, ...this.liveProgress(jobId), ...info };
      return { ...now, phase: 'ERROR', endedMs: Date.now(), failure: told, info: known, results: log };
    });
    return counts;
  }

  async requeued(jobId: string): Promise<boolean> {
    let counts = false;
    this.#live.delete(jobId);
    await this.#store.changeBeyondCrash(jobId, (job) => {
      if (job?.phase !== 'EXECUTING') return job;
      counts = true;
      // That attempt was ended in order.
      const info = carried({ ...job.info, attempts: (job.info.attempts ?? 0) - 1 });
      return { ...job, phase: 'QUEUED', startedMs: null, info };
    });
    return counts;
  }

  used({ owner }: Pick<Job, 'owner'>, { items, device, seconds }: Used): void {
    this.#store.usage.add(owner, { items, [`${device}Seconds`]: seconds });
  }

  log(jobId: string, level: LogLevel, message: string): void {
    this.#log[level]({ jobId }, withoutSecrets(message));
    // Of a job that has gone nothing is kept.
    const job = this.#store.get(jobId);
    if (!job) return;
    const told = publicText(message).slice(0, kMaxLineChars);
    this.#events.emit({ type: 'log', jobId, level, message: told, timeMs: Date.now() }, job.owner);
    const lines = this.#lines.get(jobId) ?? [];
    this.#lines.set(jobId, lines);
    if (lines.length < kMaxLogLines) lines.push(logLine(level, told));
  }

  internal(thrown: unknown): void {
    this.#log.error({ err: thrown }, 'internal error');
  }

  /** Nothing of an ended job is kept here. */
  forget(jobId: string): void {
    this.#live.delete(jobId);
    this.#lines.delete(jobId);
  }

  /** Everything reported so far is committed. */
  async settled(): Promise<void> {
    while (this.#finishing.size > 0) await Promise.allSettled([...this.#finishing]);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#finishing.add(work);
    const done = () => this.#finishing.delete(work);
    work.then(done, done);
    return work;
  }
}

function publicFailure({ message, detail, ...others }: JobFailure): JobFailure {
  const more = detail === undefined ? {} : { detail: publicLines(detail) };
  return { ...others, message: publicText(message), ...more };
}

function publicLines(text: string): string {
  return text.split('\n').map(publicText).join('\n');
}

function publicWarnings({ warnings }: JobInfo): JobInfo {
  return warnings === undefined ? {} : { warnings: warnings.map(publicText) };
}
