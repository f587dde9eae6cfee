/**
 * Jobs as clients meet them: what may be done to them and when. Store, folders and events are behind this wall, and whoever
 * wants a job says who he is (access.ts). The phases are in transitions.ts (clients) and host.ts (the executor).
 * Throws OtfError: OTF_NOT_FOUND, OTF_PHASE_FORBIDS, OTF_QUEUE_FULL (RetryLater), OTF_DISK_FULL, OTF_SHUTTING_DOWN.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import type { LaterFile, ResultFile, RowFilter, UploadedFile } from '../tasks/files.js';
import { type Asker, accessible, isHis, kServer, listed, visible } from './access.js';
import { AdmissionOfJobs } from './admission.js';
import { Aftermath } from './aftermath.js';
import { type NewJob, type ParameterChange, type Times, withTimes } from './asked.js';
import { Chains } from './chains.js';
import { Deliveries } from './deliveries.js';
import type { Executor } from './executor.js';
import { JobFolders, type Uploads } from './folders.js';
import { Followers } from './followers.js';
import { JobHost } from './host.js';
import { Intake } from './intake.js';
import { isFinal, type Job, type JobInfo } from './job.js';
import { clearLeftovers } from './leftovers.js';
import { type JobFilter, type JobPages, listJobs } from './lists.js';
import { Removal } from './removal.js';
import { Representations } from './representations.js';
import { queueUnfinished } from './restart.js';
import { RetryLater } from './retry.js';
import { endRun } from './run-record.js';
import { JobStore } from './store.js';
import { Sweeper } from './sweeper.js';
import type { JobCounts } from './totals.js';
import { Transitions } from './transitions.js';
import type { UsedBy } from './usage.js';
import { Events, type JobEvent, Waiters } from './watchers.js';

const kShutdownRetryS = 10;
const kClearingMs = 500;
const kWaitingRetryS = 5;

export interface JobServiceOptions {
  config: Config;
  executor: Executor;
  log: Logger;
  metrics: Registry;
  /** Bytes that are kept beside those of jobs, and count with them. */
  otherBytes?: () => number;
  /** As Bring of followers.ts. */
  bring: (jobs: JobService, job: Job, file: LaterFile) => Promise<UploadedFile>;
}

export class JobService {
  readonly chains: Chains;
  readonly deliveries: Deliveries;
  stopping = false;
  readonly #config: Config;
  readonly #executor: Executor;
  readonly #log: Logger;
  readonly #store: JobStore;
  readonly #folders: JobFolders;
  readonly #waiters = new Waiters();
  readonly #events = new Events();
  readonly #host: JobHost;
  readonly #representations: Representations;
  readonly #admission: AdmissionOfJobs;
  readonly #transitions: Transitions;
  readonly #removal: Removal;
  readonly #intake: Intake;
  readonly #followers: Followers;
  #unfinished: Job[] = [];
  #sweeper: Sweeper | undefined;
  #clearing: Promise<unknown> = Promise.resolve();
  #started = false;

  /** Opens the store; nothing runs before start(). Throws OTF_STORE_UNUSABLE. */
  constructor({ config, executor, log, metrics, bring, otherBytes = () => 0 }: JobServiceOptions) {
    this.#config = config;
    this.#executor = executor;
    this.#log = log;
    this.#representations = new Representations(executor);
    const { data_dir, reserve_mb } = config.storage;
    const store = new JobStore(data_dir);
    const folders = new JobFolders(data_dir, reserve_mb * 2 ** 20);
    this.#store = store;
    this.#folders = folders;
    const admission = new AdmissionOfJobs({ config, executor, totals: store.totals, folders, otherBytes });
    this.#admission = admission;
    this.#host = new JobHost({
      ...{ config, metrics, log, store, folders, events: this.#events },
      deleting: (id) => this.#removal.isLeaving(id),
    });
    const assertOpen = () => this.assertOpen();
    const transitions = new Transitions({ store, executor, info: (job) => this.info(job), assertOpen });
    this.#transitions = transitions;
    this.#removal = new Removal({ store, folders, executor, log });
    const intake = { policy: config.policy, store, folders, admission, transitions };
    this.#intake = new Intake({ ...intake, get: (id, who) => this.get(id, who) });
    const heard = { waiters: this.#waiters, events: this.#events };
    const aftermath = new Aftermath({ store, folders, log, host: this.#host, ...heard });
    this.#followers = new Followers({ store, transitions, log, bring: (job, file) => bring(this, job, file) });
    this.chains = new Chains(store, this);
    this.deliveries = new Deliveries(store, (id) => this.#host.folder(id));
    store.onChange((after, before) => {
      aftermath.of(after, before);
      this.#followers.changed(after, before);
      this.chains.changed(after, before);
    });
  }

  /** Starts the executor and queues again what an earlier run of the program left unfinished. Nothing runs before begin(). */
  async start(): Promise<void> {
    const [store, folders, { orphan_s, data_dir: dataDir }] = [this.#store, this.#folders, this.#config.storage];
    const clearing = { orphanMs: orphan_s * 1000, stopping: () => this.stopping };
    this.#clearing = clearLeftovers({ store, folders, log: this.#log, ...clearing }).catch((thrown) =>
      this.#log.error({ err: thrown }, 'what an earlier run left'),
    );
    // A small folder is in order before anybody connects; a large one is looked through beside the work.
    await Promise.race([this.#clearing, pause(kClearingMs)]);
    await this.#executor.start(this.#host);
    this.#host.environment = this.#executor.environment;
    this.#host.apart = this.#executor.apart ?? false;
    this.#started = true;
    this.#unfinished = await queueUnfinished({ store, dataDir, apart: this.#executor.apart ?? false, log: this.#log });
  }

  /** Clients find the server under `baseUrl`, which records name: from now on jobs run, the oldest first. */
  begin(baseUrl: string): void {
    this.#host.baseUrl = baseUrl;
    for (const job of this.#unfinished.splice(0)) this.#executor.submit(job);
    this.#followers.begin();
    this.chains.begin().catch((thrown) => this.#log.error({ err: thrown }, 'chains an earlier run left'));
    this.#sweeper = new Sweeper({
      store: this.#store,
      folders: this.#folders,
      log: this.#log,
      orphanMs: this.#config.storage.orphan_s * 1000,
      // Somebody else may be deleting it; and a row is there a moment before its job is.
      remove: async (id) => {
        if (!this.#removal.isLeaving(id) && this.#store.has(id)) await this.delete(id, kServer);
      },
      idle: (id) => this.#executor.idle(id),
      expire: (id) => this.#transitions.abort(id, kServer, 'duration'),
    });
  }

  /** No new work, waiters answered, running work finished or queued again. What is there can still be asked for. */
  async stop(graceMs: number): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.#sweeper?.stop();
    this.#followers.stop();
    this.#waiters.wakeAll();
    if (this.#started) await this.#executor.stop(graceMs);
    await this.#host.settled();
    await this.#clearing;
  }

  /** After stop(), and once nobody asks any more. */
  close(): void {
    this.#store.close();
    if (this.#started) endRun(this.#config.storage.data_dir);
  }

  find(id: string, who: Asker): Job | undefined {
    return this.#removal.isLeaving(id) ? undefined : visible(this.#store.get(id), who);
  }

  /** Throws OTF_NOT_FOUND. */
  get(id: string, who: Asker): Job {
    return accessible(this.find(id, who), who);
  }

  list(filter: JobFilter, most: number, who: Asker): JobPages {
    const { lists, totals } = this.#store;
    return listJobs(lists, totals, { ...filter, of: listed(who) }, most);
  }

  counts(): JobCounts {
    return this.#store.totals;
  }

  /** What he has used on these days (2026-01-31, both included), or what everybody has. */
  usage(from: string | undefined, to: string | undefined, who: Asker): UsedBy[] {
    this.#store.keepUsage();
    return this.#store.usage.between(from, to, listed(who));
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
    const live = job.phase === 'EXECUTING' ? this.#host.liveProgress(job.id) : {};
    return { environment: this.#host.environment, ...job.info, ...live };
  }

  /** A file of a job that was got: an upload or a result. */
  pathOf(job: Pick<Job, 'id'>, { file }: { file: string }): string {
    return join(this.#folders.jobDir(job.id), file);
  }

  /**
   * The result in another of its kind's formats, or some of its rows (a file the caller removes). Throws OTF_NOT_FOUND, also
   * when the job is deleted meanwhile, OTF_DISK_FULL, or OTF_BAD_REQUEST for what cannot be filtered so.
   */
  async representation(id: string, format: string, who: Asker, filter?: RowFilter): Promise<ResultFile> {
    const job = this.get(id, who);
    try {
      return await this.#representations.get(job, format, filter);
    } catch (thrown) {
      this.get(id, who);
      this.assertOpen();
      throw thrown;
    }
  }

  get executor(): Pick<Executor, 'stats' | 'state'> {
    return this.#executor;
  }

  /** As JobStore has it. */
  readonly backup = (path: string): Promise<void> => this.#store.backup(path);

  get uploads(): Uploads {
    return this.#folders;
  }

  /** Would a new job be taken? Asked before a request is read: `bytes` is what it announces, if it does. Throws if not. */
  assertRoomFor(who: Asker, bytes: number | undefined): void {
    this.assertOpen();
    this.#admission.beforeReading(who, bytes);
  }

  /** Room for so many bytes more, whatever they are for. Throws OTF_DISK_FULL. */
  readonly assertBytes = (bytes: number): void => this.#admission.assertBytes(null, bytes);

  /** Throws when nothing new is taken. */
  assertOpen(): void {
    if (this.stopping) throw new RetryLater('OTF_SHUTTING_DOWN', 'the server is shutting down', kShutdownRetryS);
  }

  /** Durable when it resolves: files synced, row committed. The spool is the job's then; otherwise its maker's to discard. */
  async create(request: NewJob): Promise<Job> {
    this.assertOpen();
    return this.#intake.create(request);
  }

  /** PHASE=RUN. */
  run(id: string, who: Asker): Promise<Job> {
    return this.#transitions.run(id, who);
  }

  /** PHASE=ABORT: from every phase but the final ones, which it leaves as they are. */
  abort(id: string, who: Asker): Promise<Job> {
    return this.#transitions.abort(id, who, 'aborted');
  }

  async delete(id: string, who: Asker): Promise<void> {
    this.get(id, who);
    await this.#removal.delete(id, who);
  }

  /** While PENDING only, all in one commit. New files are adopted, replaced ones removed. */
  setParameters(id: string, change: ParameterChange, who: Asker): Promise<Job> {
    return this.#intake.change(id, change, who);
  }

  /** In any phase; cut to the configured maxima. Seconds, 0 = no limit. */
  async setTimes(id: string, asked: Times, who: Asker): Promise<Job> {
    const change = (before: Job | undefined) => withTimes(accessible(before, who), asked, this.#config.policy);
    return accessible(await this.#store.change(id, change), who);
  }

  get waiting(): number {
    return this.#waiters.count;
  }

  /** One more request that stays open. Throws OTF_QUEUE_FULL. */
  assertMayWait(): void {
    const waiting = this.#waiters.count + this.#events.listeners;
    if (waiting < this.#config.server.max_waiting) return;
    throw new RetryLater('OTF_QUEUE_FULL', `${waiting} requests wait already, the most that may`, kWaitingRetryS);
  }

  /** Resolves when the job's phase changed, it was deleted, or the time is over. `onCancel` gets the way to give up. */
  waitForChange({ id }: Job, timeoutMs: number, onCancel: (cancel: () => void) => void): Promise<void> {
    if (this.stopping) return Promise.resolve();
    this.assertMayWait();
    return this.#waiters.waited(id, timeoutMs, onCancel);
  }

  /** Phases and progress of the jobs that are his. The result unsubscribes. */
  subscribe(listener: (event: JobEvent) => void, who: Asker): () => void {
    return this.#events.subscribe((event, owner) => isHis(owner, who) && listener(event));
  }
}
