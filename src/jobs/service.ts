/**
 * What clients can do to jobs, and when: every rule of the phases is in this file and in host.ts (what the executor does).
 * Throws OtfError: OTF_NOT_FOUND, OTF_PHASE_FORBIDS, OTF_QUEUE_FULL (RetryLater), OTF_DISK_FULL, OTF_SHUTTING_DOWN.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { AdmissionOfJobs } from './admission.js';
import type { NewJob, ParameterChange, Times } from './asked.js';
import { afterCrash } from './attempts.js';
import type { AbortReason, Executor } from './executor.js';
import { JobFolders } from './folders.js';
import { JobHost } from './host.js';
import {
  isActive,
  isFinal,
  type Job,
  type JobInfo,
  kDefaultPriority,
  type Phase,
  type ResultFile,
  uploadedBytes,
} from './job.js';
import { clearLeftovers } from './leftovers.js';
import { Representations } from './representations.js';
import { RetryLater } from './retry.js';
import { JobStore } from './store.js';
import { Sweeper } from './sweeper.js';
import { Events, Waiters } from './watchers.js';

const kShutdownRetryS = 10;
const kClearingMs = 500;
const kWaitingRetryS = 5;
export interface JobServiceOptions {
  config: Config;
  executor: Executor;
  log: Logger;
  metrics: Registry;
}

export class JobService {
  readonly store: JobStore;
  readonly folders: JobFolders;
  readonly waiters = new Waiters();
  readonly events = new Events();
  readonly host: JobHost;
  readonly #config: Config;
  readonly #executor: Executor;
  readonly #log: Logger;
  readonly #representations: Representations;
  readonly #admission: AdmissionOfJobs;
  /** Being deleted: there for nobody any more. */
  readonly #leaving = new Set<string>();
  /** Admitted in a change, not yet handed to submit: what admit() cannot know of. */
  #reserved = 0;
  #unfinished: Job[] = [];
  #sweeper: Sweeper | undefined;
  #clearing: Promise<unknown> = Promise.resolve();
  #started = false;
  #stopping = false;

  /** Opens the store; nothing runs before start(). Throws OTF_STORE_UNUSABLE. */
  constructor({ config, executor, log, metrics }: JobServiceOptions) {
    this.#config = config;
    this.#executor = executor;
    this.#log = log;
    this.#representations = new Representations(executor);
    const { data_dir, reserve_mb } = config.storage;
    this.store = new JobStore(data_dir);
    this.folders = new JobFolders(data_dir, reserve_mb * 2 ** 20);
    this.#admission = new AdmissionOfJobs({ config, executor, totals: this.store.totals, folders: this.folders });
    this.host = new JobHost({ config, metrics, log, store: this.store, folders: this.folders, events: this.events });
    this.store.onChange((after, before) => this.#changed(after, before));
  }

  /** Starts the executor and queues again what an earlier run of the program left unfinished. Nothing runs before begin(). */
  async start(): Promise<void> {
    const { store, folders } = this;
    const orphanMs = this.#config.storage.orphan_s * 1000;
    this.#clearing = clearLeftovers({ store, folders, log: this.#log, orphanMs, stopping: () => this.#stopping }).catch(
      (thrown) => this.#log.error({ err: thrown }, 'what an earlier run left'),
    );
    // A small folder is in order before anybody connects; a large one is looked through beside the work.
    await Promise.race([this.#clearing, pause(kClearingMs)]);
    await this.#executor.start(this.host);
    this.host.environment = this.#executor.environment;
    this.#started = true;
    const unfinished = [...this.store.active()].filter(({ phase }) => phase === 'QUEUED' || phase === 'EXECUTING');
    unfinished.sort((a, b) => (a.queuedMs ?? 0) - (b.queuedMs ?? 0));
    const requeued = await Promise.all(
      unfinished.map((job) =>
        this.store.change(job.id, (before) => (before?.phase === 'EXECUTING' ? afterCrash(before) : before)),
      ),
    );
    this.#unfinished = requeued.filter((job) => job?.phase === 'QUEUED') as Job[];
    if (requeued.length > 0) this.#log.info({ jobs: requeued.length }, 'unfinished jobs queued again');
  }

  /** Clients find the server under host.baseUrl, which records name: from now on jobs run, the oldest first. */
  begin(): void {
    for (const job of this.#unfinished.splice(0)) this.#executor.submit(job);
    const { store, folders } = this;
    this.#sweeper = new Sweeper({
      store,
      folders,
      log: this.#log,
      orphanMs: this.#config.storage.orphan_s * 1000,
      remove: (id) => this.#deleteDue(id),
      expire: (id) => this.#abort(id, 'duration'),
    });
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /**
   * Would a new job be taken? Asked before a request is read: `bytes` is what it announces, if it does. Throws what
   * refuses it.
   */
  assertRoomFor(who: Pick<Job, 'owner' | 'remote'>, bytes: number | undefined): void {
    this.assertOpen();
    this.#admission.beforeReading(who, bytes);
  }

  /** Throws when nothing new is taken. */
  assertOpen(): void {
    if (this.#stopping) throw new RetryLater('OTF_SHUTTING_DOWN', 'the server is shutting down', kShutdownRetryS);
  }

  /** Throws OTF_NOT_FOUND. */
  get(id: string): Job {
    const job = this.#leaving.has(id) ? undefined : this.store.get(id);
    if (!job) throw unknownJob();
    return job;
  }

  position(job: Job): number | undefined {
    return job.phase === 'QUEUED' ? this.#executor.position(job.id) : undefined;
  }

  /** When the job should be done, if anybody can say so (UWS 1.1, quote). */
  quoteMs(job: Job): number | undefined {
    if (job.phase !== 'QUEUED' && job.phase !== 'EXECUTING') return undefined;
    const remaining = this.#executor.remainingMs(job.id);
    return remaining === undefined ? undefined : Date.now() + remaining;
  }

  info(job: Job): JobInfo {
    if (isFinal(job.phase)) return job.info;
    const live = job.phase === 'EXECUTING' ? this.host.liveProgress(job.id) : {};
    return { environment: this.host.environment, ...job.info, ...live };
  }

  /** Durable when it resolves: files synced, row committed. The spool is the job's then; otherwise its maker's to discard. */
  async create(request: NewJob): Promise<Job> {
    this.assertOpen();
    const now = Date.now();
    const { execution_s, retention_s } = this.#config.policy;
    const job: Omit<Job, 'id'> = {
      style: request.style,
      phase: 'PENDING',
      owner: request.owner,
      remote: request.remote,
      runId: request.runId,
      createdMs: now,
      queuedMs: null,
      startedMs: null,
      endedMs: null,
      executionDurationS: this.clampDuration(request.executionDurationS ?? execution_s),
      destructionMs: this.clampDestruction(
        request.destructionMs ?? (retention_s > 0 ? now + retention_s * 1000 : null),
        now,
      ),
      modelId: request.modelId,
      quantization: request.quantization,
      priority: request.priority ?? kDefaultPriority,
      parameters: request.parameters,
      results: [],
      failure: null,
      info: {},
    };
    const admitted = this.#admission.admit(job, request.run);
    try {
      const id = await this.folders.adopt(request.spool);
      try {
        // Stamped in the transaction: the list stays sorted by creation whatever order uploads finish in.
        const created = await this.#commitAndSubmit(id, () => {
          const stamped = { ...job, id, createdMs: this.store.nextCreatedMs() };
          return request.run ? this.#queued(stamped) : stamped;
        });
        this.folders.settle(id);
        return created;
      } catch (thrown) {
        await this.folders.remove(id);
        throw thrown;
      }
    } finally {
      admitted.settled();
    }
  }

  /** PHASE=RUN. */
  run(id: string): Promise<Job> {
    return this.#commitAndSubmit(id, (before) => {
      const job = existing(before);
      if (job.phase !== 'PENDING') throw forbidden(job, 'only a PENDING job can be started');
      return this.#queued(job);
    });
  }

  /** PHASE=ABORT: from every phase but the final ones, which it leaves as they are. */
  abort(id: string): Promise<Job> {
    return this.#abort(id, 'aborted');
  }

  /** Its files are out of the way when it resolves; they are removed beside other work. */
  async delete(id: string): Promise<void> {
    this.get(id);
    this.#leaving.add(id);
    let wasActive = false;
    try {
      const aside = await this.folders.setAside(id);
      try {
        await this.store.change(id, (before) => {
          wasActive = isActive(existing(before).phase);
          return null;
        });
      } catch (thrown) {
        if (this.store.get(id)) await aside.putBack();
        throw thrown;
      }
      aside.remove().catch((thrown) => this.#log.warn({ err: thrown, jobId: id }, 'left in the trash'));
    } finally {
      this.#leaving.delete(id);
    }
    if (wasActive) this.#executor.abort(id, 'deleted');
  }

  /** While PENDING only, all in one commit. New files are adopted, replaced ones removed. */
  async setParameters(id: string, change: ParameterChange): Promise<Job> {
    const assertPending = (job: Job) => {
      if (job.phase !== 'PENDING') throw forbidden(job, 'parameters can be changed while PENDING only');
    };
    try {
      assertPending(this.get(id));
      if (change.spool) this.#admission.assertBytes(uploadedBytes(change.parameters));
      if (change.spool) await this.folders.add(id, change.spool);
      let replaced: string | undefined;
      const job = await this.#commitAndSubmit(id, (before) => {
        const old = existing(before);
        assertPending(old);
        if (change.parameters.image && old.parameters.image?.kind === 'upload') replaced = old.parameters.image.file;
        const changed: Job = {
          ...old,
          runId: change.runId === undefined ? old.runId : change.runId,
          modelId: change.modelId ?? old.modelId,
          quantization: change.quantization ?? old.quantization,
          priority: change.priority ?? old.priority,
          ...this.#times(change, old.createdMs),
          parameters: { ...old.parameters, ...change.parameters },
        };
        return change.run ? this.#queued(changed) : changed;
      });
      if (replaced !== undefined) await this.folders.removeFile(id, replaced);
      return job;
    } catch (thrown) {
      await change.spool?.discard();
      const image = change.parameters.image;
      if (image?.kind === 'upload') await this.folders.removeFile(id, image.file);
      // Deleted meanwhile: its folder was not there to take the files.
      this.get(id);
      throw thrown;
    }
  }

  /** In any phase; cut to the configured maxima. Seconds, 0 = no limit. */
  async setTimes(id: string, asked: Times): Promise<Job> {
    return existing(
      await this.store.change(id, (before) => {
        const job = existing(before);
        return { ...job, ...this.#times(asked, job.createdMs) };
      }),
    );
  }

  #times(asked: Times, createdMs: number): Partial<Pick<Job, 'executionDurationS' | 'destructionMs'>> {
    const { executionDurationS, destructionMs } = asked;
    return {
      ...(executionDurationS === undefined ? {} : { executionDurationS: this.clampDuration(executionDurationS) }),
      ...(destructionMs === undefined ? {} : { destructionMs: this.clampDestruction(destructionMs, createdMs) }),
    };
  }

  clampDuration(seconds: number): number {
    const max = this.#config.policy.max_execution_s;
    if (max === 0) return seconds;
    return seconds === 0 ? max : Math.min(seconds, max);
  }

  /** null = never. */
  clampDestruction(atMs: number | null, createdMs: number): number | null {
    const max = this.#config.policy.max_retention_s;
    return max === 0 ? atMs : Math.min(atMs ?? Number.POSITIVE_INFINITY, createdMs + max * 1000);
  }

  /** One more request that stays open. Throws OTF_QUEUE_FULL. */
  assertMayWait(): void {
    const waiting = this.waiters.count + this.events.listeners;
    if (waiting < this.#config.server.max_waiting) return;
    throw new RetryLater('OTF_QUEUE_FULL', `${waiting} requests wait already, the most that may`, kWaitingRetryS);
  }

  /** Resolves when the job's phase changed, it was deleted, or the time is over. `onCancel` gets the way to give up. */
  waitForChange(id: string, timeoutMs: number, onCancel: (cancel: () => void) => void): Promise<void> {
    if (this.#stopping) return Promise.resolve();
    this.assertMayWait();
    return new Promise((resolve) => {
      const cancel = this.waiters.wait(id, timeoutMs, resolve);
      onCancel(() => {
        cancel();
        resolve();
      });
    });
  }

  /**
   * The catalogue in another format than that of its result (a name of kFormats). Throws OTF_NOT_FOUND, also when the job
   * is deleted meanwhile, or OTF_OUTPUT_UNWRITABLE.
   */
  async representation(job: Job, format: string): Promise<ResultFile> {
    try {
      return await this.#representations.get(job.id, format);
    } catch (thrown) {
      this.get(job.id);
      this.assertOpen();
      throw thrown;
    }
  }

  executorStats() {
    return this.#executor.stats();
  }

  /** No new work, waiters answered, running work finished or queued again. What is there can still be asked for. */
  async stop(graceMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#sweeper?.stop();
    this.waiters.wakeAll();
    if (this.#started) await this.#executor.stop(graceMs);
    await this.host.settled();
    await this.#clearing;
  }

  /** After stop(), and once nobody asks any more. */
  close(): void {
    this.store.close();
  }

  async #commitAndSubmit(id: string, change: (before: Job | undefined) => Job): Promise<Job> {
    let reserved = 0;
    try {
      const job = existing(
        await this.store.change(id, (old) => {
          const after = change(old);
          if (after.phase === 'QUEUED') {
            this.#reserved++;
            reserved = 1;
          }
          return after;
        }),
      );
      if (reserved === 1 && this.store.get(id)?.phase === 'QUEUED') this.#executor.submit(job);
      return job;
    } finally {
      this.#reserved -= reserved;
    }
  }

  /** PENDING -> QUEUED, or -> ERROR when there is nothing to run on. Throws when the queue is full. */
  #queued(job: Job): Job {
    const now = Date.now();
    if (!job.parameters.image) {
      const message = 'no IMAGE was given: upload one or name a URL';
      return { ...job, phase: 'ERROR', endedMs: now, failure: { type: 'fatal', message } };
    }
    this.assertOpen();
    const admission = this.#executor.admit(this.#reserved);
    if (!admission.accepted) throw new RetryLater('OTF_QUEUE_FULL', admission.reason, admission.retryAfterS);
    return { ...job, phase: 'QUEUED', queuedMs: now };
  }

  async #abort(id: string, why: AbortReason): Promise<Job> {
    let left: Phase | undefined;
    const job = existing(
      await this.store.change(id, (before) => {
        const old = existing(before);
        if (isFinal(old.phase)) return old;
        left = old.phase;
        return { ...old, phase: 'ABORTED', endedMs: Date.now(), info: this.info(old) };
      }),
    );
    if (left === 'QUEUED' || left === 'EXECUTING') this.#executor.abort(id, why);
    return job;
  }

  #changed(after: Job | null, before: Job | undefined): void {
    const id = after?.id ?? before?.id ?? '';
    if (after && before && after.phase === before.phase) return;
    if (!after || isFinal(after.phase)) this.host.forget(id);
    this.waiters.wake(id);
    this.events.emit({ type: 'phase', jobId: id, phase: after?.phase ?? 'DELETED', timeMs: Date.now() });
    this.#log.info({ jobId: id, phase: after?.phase ?? 'DELETED' }, 'phase');
  }

  /** Somebody else may be deleting it. */
  async #deleteDue(id: string): Promise<void> {
    if (!this.#leaving.has(id)) await this.delete(id);
  }
}

function unknownJob(): OtfError {
  return new OtfError('OTF_NOT_FOUND', 'no such job');
}

function existing(job: Job | undefined): Job {
  if (!job) throw unknownJob();
  return job;
}

function forbidden(job: Job, rule: string): OtfError {
  return new OtfError('OTF_PHASE_FORBIDS', `the job is ${job.phase}: ${rule}`);
}
