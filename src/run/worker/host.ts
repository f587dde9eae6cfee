/** The host of a worker's runner: what the runner tells goes to the server, which alone decides what counts. */
import { mkdirSync, statfsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../../config/schema.js';
import { OtfError } from '../../errors/catalogue.js';
import { publicText } from '../../errors/public-text.js';
import type { Folder } from '../../io/folder.js';
import type { Outcome, Used } from '../../jobs/executor.js';
import type { Job, JobFailure, JobInfo } from '../../jobs/job.js';
import type { Environment } from '../../provenance/environment.js';
import type { Progress } from '../../tasks/kind.js';
import { type LogLevel, logLine } from '../../tasks/log.js';
import type { Closing } from '../../tasks/work.js';
import { attemptName } from '../remote/attempts.js';
import { type Beat, type End, kLog } from '../remote/messages.js';
import type { Order } from '../remote/order.js';
import type { Switchboard } from '../remote/switchboard.js';
import type { RunHost } from '../runner.js';
import type { Front } from './front.js';
import { Held } from './held.js';
import type { Shared } from './shared.js';
import { Teller } from './teller.js';

export interface HostParts {
  config: Config;
  metrics: Registry;
  log: Logger;
  worker: string;
  /** For folders of jobs. */
  dir: string;
  board: Switchboard;
  front: Front;
  shared?: Shared | undefined;
  /** Of a run, by its number. */
  environment: (attempt: number) => Environment;
  /** Something moved: the server should hear of it soon. */
  moved: () => void;
  /** The server has nothing for this worker any more. */
  leave: (why: string) => void;
}

/** After a shortage. */
const kShortMs = 5000;
const kMostLines = 10_000;

export class WorkerHost implements RunHost {
  readonly config: Config;
  readonly metrics: Registry;
  readonly #parts: HostParts;
  readonly #teller: Teller;
  readonly #held = new Map<string, Held>();
  /** Of attempts that were dropped, while the server is told so. */
  readonly #telling = new Set<Promise<unknown>>();
  #passes = new Map<string, { items: number; seconds: number }>();
  /** Nothing is to be given to this worker for a moment. */
  #shortUntilMs = 0;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#teller = new Teller({ ...parts, internal: (thrown) => this.internal(thrown) });
    this.config = parts.config;
    this.metrics = parts.metrics;
  }

  /** Undefined: it is here already. */
  add(order: Order): Held | undefined {
    const { job, attempt } = order;
    const before = this.#held.get(job.id);
    if (before?.order.attempt === attempt) return undefined;
    const dir = join(this.#parts.dir, `${job.id}-${attemptName(attempt)}`);
    mkdirSync(dir, { recursive: true });
    const held = new Held(order, dir);
    this.#held.set(job.id, held);
    return held;
  }

  of(jobId: string): Held | undefined {
    return this.#held.get(jobId);
  }

  find(jobId: string, attempt: string): Held | undefined {
    const held = this.#held.get(jobId);
    return held?.order.attempt === attempt ? held : undefined;
  }

  all(): Held[] {
    return [...this.#held.values()];
  }

  /** It has too little of something. */
  get isShort(): boolean {
    return performance.now() < this.#shortUntilMs;
  }

  /** Since they were asked for last. */
  takePasses(): Beat['passes'] {
    const passes = [...this.#passes].map(([key, { items, seconds }]) => ({ key, items, seconds }));
    this.#passes = new Map();
    return passes;
  }

  /** Everything the server has to be told has been told. */
  async settled(): Promise<void> {
    while (this.#telling.size > 0) await Promise.allSettled([...this.#telling]);
  }

  // RunHost

  job(jobId: string): Job | undefined {
    return this.#held.get(jobId)?.job;
  }

  /** The server says so of a job by dropping it. */
  deleting(): boolean {
    return false;
  }

  folder(jobId: string): Folder {
    const held = this.#held.get(jobId);
    if (!held) throw new Error(`${jobId} is not here`);
    return held.folder;
  }

  /** For so much more. Throws OTF_SHORTAGE: it is no fault of the job. */
  assertRoom(bytes = 0): void {
    const { bavail, bsize } = statfsSync(this.#parts.dir);
    if (bavail * bsize >= this.config.storage.reserve_mb * 2 ** 20 + bytes) return;
    throw new OtfError('OTF_SHORTAGE', `the disk of the worker ${this.#parts.worker} is full`);
  }

  async executing(jobId: string, info: JobInfo): Promise<boolean> {
    const held = this.#held.get(jobId);
    if (!held || held.dropped) return false;
    const answer = await this.#teller.executing(held, info);
    if (!answer?.go) {
      this.drop(held);
      return false;
    }
    held.startedMs = answer.startedMs;
    held.baseUrl = answer.baseUrl;
    held.log = [...answer.log, ...held.log];
    return true;
  }

  opened(job: Job, items: number): void {
    const held = this.#held.get(job.id);
    if (held && !held.progress) held.progress = { done: 0, total: items, unit: '' };
    this.#parts.moved();
  }

  progress(jobId: string, progress: Progress): void {
    const held = this.#held.get(jobId);
    if (held) held.progress = progress;
  }

  passDone(key: string, items: number, seconds: number): void {
    const before = this.#passes.get(key) ?? { items: 0, seconds: 0 };
    this.#passes.set(key, { items: before.items + items, seconds: before.seconds + seconds });
  }

  closing(jobId: string): Closing | undefined {
    const held = this.#held.get(jobId);
    if (!held || held.dropped) return undefined;
    const { job, startedMs, log, baseUrl, order } = held;
    const info = { ...job.info, environment: this.#parts.environment(order.number) };
    return { job: { ...job, startedMs, info }, log, baseUrl };
  }

  over(job: Job, used: Used): void {
    const held = this.#held.get(job.id);
    if (held) held.used = used;
  }

  completed(jobId: string, outcome: Outcome): Promise<boolean> {
    const held = this.#held.get(jobId);
    if (!held || held.dropped) return Promise.resolve(false);
    return this.#tell(held, () => this.#teller.completed(held, outcome));
  }

  failed(jobId: string, { type, code, message, detail }: JobFailure): Promise<boolean> {
    const held = this.#held.get(jobId);
    if (!held || held.dropped) return Promise.resolve(false);
    const end: End = { how: 'failed', type, code, message: publicText(message), detail };
    return this.#tell(held, () => this.#teller.end(held, end));
  }

  short(job: Job, reason: OtfError): void {
    this.#shortUntilMs = performance.now() + kShortMs;
    this.back(job.id, `${this.#parts.worker}: ${reason.message}`).catch((thrown) => this.internal(thrown));
  }

  lost(job: Job, reason: OtfError): void {
    this.short(job, reason);
  }

  requeued(jobId: string): Promise<boolean> {
    return this.back(jobId, `the worker ${this.#parts.worker} ends`);
  }

  /** Somebody else is to run it. */
  back(jobId: string, reason: string): Promise<boolean> {
    const held = this.#held.get(jobId);
    if (!held || held.dropped) return Promise.resolve(false);
    return this.#tell(held, () => this.#teller.end(held, { how: 'back', reason: publicText(reason) }));
  }

  /** The server does not let this worker in any more: others go on with what it has. */
  async shutOut({ job }: Held, reason: OtfError): Promise<void> {
    this.#parts.leave(reason.message);
    await this.back(job.id, `the server does not let the worker ${this.#parts.worker} in any more`);
  }

  /** The server wants nothing of it any more. The runner has let go of it. */
  drop(held: Held): void {
    if (held.ending) return;
    held.stop.abort(new OtfError('OTF_CANCELLED', 'the job is not wanted any more'));
    this.#tell(held, () => this.#teller.end(held, { how: 'dropped' })).catch((thrown) => this.internal(thrown));
  }

  log(jobId: string, level: LogLevel, message: string): void {
    this.#parts.log[level]({ jobId }, message);
    const held = this.#held.get(jobId);
    if (!held) return;
    const told = publicText(message).slice(0, 1000);
    if (held.log.length < kMostLines) held.log.push(logLine(level, told));
    this.#parts.board.tell(kLog, { job: jobId, attempt: held.order.attempt, level, message: told });
  }

  changed(): void {
    this.#parts.moved();
  }

  internal(thrown: unknown): void {
    this.#parts.log.error({ err: thrown }, 'internal error');
  }

  /** Once of each: afterwards the job is not here any more. */
  #tell(held: Held, tell: () => Promise<boolean>): Promise<boolean> {
    if (held.ending) return Promise.resolve(false);
    held.ending = true;
    const told = tell()
      .catch((thrown) => {
        this.internal(thrown);
        return false;
      })
      .finally(async () => {
        if (this.#held.get(held.job.id) === held) this.#held.delete(held.job.id);
        this.#parts.moved();
        await rm(held.folder.path(''), { recursive: true, force: true, maxRetries: 3 });
      });
    this.#telling.add(told);
    const done = () => this.#telling.delete(told);
    told.then(done, done);
    return told;
  }
}
