/**
 * When jobs run: the executor behind src/jobs/executor.ts.
 *
 *   submit ─► (fetcher) ─► dispatcher: what begins next, where ─► runner ─► host
 *
 * Decisions are the dispatcher's and the fetcher's, the work is the runner's (src/run). Here the one is told of the other.
 */
import { randomBytes } from 'node:crypto';
import type { AbortReason, Admission, Executor, ExecutorHost, ExecutorState, ExecutorStats } from '../jobs/executor.js';
import { type Job, ownerKey } from '../jobs/job.js';
import type { Environment } from '../provenance/environment.js';
import { keyOf } from '../run/key.js';
import type { RunHost, Runner } from '../run/runner.js';
import type { ResultFile, RowFilter } from '../tasks/files.js';
import { Ahead } from './ahead.js';
import { Dispatcher, kShortageMs, type Order, type Suspicious } from './dispatcher.js';
import { Estimates } from './estimate.js';
import { Fetcher } from './fetcher.js';
import { type BatchObserver, batchMetrics } from './metrics.js';
import { Persistence } from './persistence.js';
import { runHostOf } from './run-host.js';

interface QueuedJob extends Suspicious {
  job: Job;
  /** The job is EXECUTING already. */
  fetched: boolean;
}

/** Of the time for stopping: what is left for writing down that the rest runs after a restart. */
const kStopMarginMs = 2000;
/** Of a job that is refused, where nothing was measured yet. */
const kRetryS = 30;

export class BatchExecutor implements Executor {
  readonly #runner: Runner;
  readonly #estimates = new Estimates();
  #host!: ExecutorHost;
  #persist!: Persistence;
  #dispatcher!: Dispatcher<QueuedJob>;
  #fetcher!: Fetcher;
  #ahead!: Ahead;
  #observe!: BatchObserver;
  /** Begun and not over. */
  readonly #running = new Map<string, { job: Job; itemsLeft: number }>();
  #timer: NodeJS.Timeout | undefined;
  /** What moved too soon after the last decision. */
  #later: NodeJS.Timeout | undefined;
  #decidedMs = Number.NEGATIVE_INFINITY;
  #batches = 0;
  #stopping = false;
  #started = false;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  get environment(): Environment {
    return this.#runner.environment;
  }

  get apart(): boolean {
    return this.#runner.apart ?? false;
  }

  async start(host: ExecutorHost): Promise<void> {
    this.#host = host;
    const { policy, fetch } = host.config;
    this.#persist = new Persistence(host);
    await this.#runner.start(this.#runHost(host));
    this.#observe = batchMetrics(host.metrics);
    // The next batches, and so many that as many come at once as may.
    this.#ahead = new Ahead(() => policy.max_batch * (this.#runner.room().length + 1) + fetch.per_owner);
    this.#fetcher = new Fetcher({
      limits: fetch,
      mayBegin: () => !host.readOnly,
      near: (job) => this.#ahead.has(job),
      bring: (job, signal) => this.#bring(job, signal),
      internal: (thrown) => host.internal(thrown),
    });
    this.#dispatcher = new Dispatcher({
      minJobs: policy.min_jobs,
      maxBatch: policy.max_batch,
      maxWaitMs: policy.max_wait_s * 1000,
      roundRobin: policy.round_robin,
    });
    this.#started = true;
  }

  admit(reserved: number): Admission {
    const { max_queued: limit } = this.#host.config.policy;
    const waiting = this.#dispatcher.size + this.#fetcher.count;
    if (waiting + reserved < limit) return { accepted: true };
    const seconds = this.#aheadSeconds(undefined) ?? kRetryS;
    const retryAfterS = Math.min(600, Math.max(1, Math.ceil(seconds / 4)));
    return { accepted: false, retryAfterS, reason: `queue holds ${waiting} of ${limit} jobs` };
  }

  submit(job: Job): void {
    if (this.#runner.needsFetching(job)) this.#fetcher.add(job);
    else this.#enqueue(job, false);
  }

  abort(jobId: string, _why: AbortReason): void {
    const waited = this.#dispatcher.remove(jobId);
    this.#fetcher.abort(jobId);
    this.#runner.abort(jobId);
    if (waited?.fetched) this.#leftAhead([waited.job]);
  }

  idle(jobId: string): boolean {
    return this.#dispatcher.has(jobId) && !this.#fetcher.isUnderWay(jobId);
  }

  represent(job: Job, format: string, filter?: RowFilter): Promise<ResultFile> {
    return this.#runner.represent(job, format, filter);
  }

  position(jobId: string): number | undefined {
    const place = this.#dispatcher.position(jobId);
    if (place !== undefined) return place;
    const behind = this.#fetcher.position(jobId);
    return behind === undefined ? undefined : this.#dispatcher.size + behind;
  }

  remainingMs(jobId: string): number | undefined {
    const running = this.#running.get(jobId);
    const seconds = running
      ? this.#estimates.tilesSeconds(keyOf(running.job), running.itemsLeft)
      : this.#aheadSeconds(jobId);
    return seconds === undefined ? undefined : seconds * 1000;
  }

  stats(): ExecutorStats {
    const { ready, notes } = this.#runner.status();
    const note = notes.join('; ');
    const queued = this.#dispatcher.depths();
    for (const [key, depth] of Object.entries(this.#fetcher.depths())) queued[key] = (queued[key] ?? 0) + depth;
    return {
      ready: this.#started && !this.#stopping && ready,
      queued,
      executing: new Set([...this.#running.keys(), ...this.#fetcher.underWay]).size,
      ...(note ? { note } : {}),
    };
  }

  state(): ExecutorState {
    const { max_batch: maxBatch } = this.#host.config.policy;
    const nowMs = performance.now();
    // For people, by the clock on the wall; what waits, waits by one that nobody sets.
    const queues = this.#dispatcher
      .queues(nowMs)
      .map((queue) =>
        queue.leavesMs === undefined ? queue : { ...queue, leavesMs: queue.leavesMs - nowMs + Date.now() },
      );
    return { ...this.#runner.state(), queues, maxBatch };
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#later);
    const unfetched = this.#fetcher.stop();
    const fetched = this.#dispatcher.all().filter((item) => item.fetched);
    const marginMs = Math.min(kStopMarginMs, graceMs / 2);
    await this.#runner.stop(graceMs - marginMs);
    const cutShort = new Set([...fetched.map(({ id }) => id), ...unfetched]);
    await Promise.all([...cutShort].map((id) => this.#host.requeued(id)));
    await this.#persist.stop();
    await this.#runner.close();
  }

  /** In phase EXECUTING: the job is at work. */
  async #bring(job: Job, signal: AbortSignal): Promise<void> {
    this.#ahead.add(job);
    try {
      if (!(await this.#persist.executing(job.id, {}))) return;
      // Aborted in between: it has been forgotten, too.
      const early = () => {
        this.#enqueue(job, true);
        return () => {
          this.#dispatcher.remove(job.id);
        };
      };
      if ((await this.#runner.fetch(job, signal, early)) && !signal.aborted) this.#enqueue(job, true);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    } finally {
      if (!this.#dispatcher.has(job.id)) this.#ahead.remove(job);
    }
  }

  #leftAhead(jobs: readonly Job[]): void {
    for (const job of jobs) this.#ahead.remove(job);
    this.#fetcher.look();
  }

  #enqueue(job: Job, fetched: boolean): void {
    const { id, priority } = job;
    if (fetched) this.#ahead.add(job);
    const attempts = this.apart ? 0 : (job.info.attempts ?? 0);
    const waiting = { id, key: keyOf(job), owner: ownerKey(job), priority, sinceMs: performance.now(), attempts };
    this.#dispatcher.add({ ...waiting, job, fetched });
    this.#dispatch();
  }

  /** Something has moved. */
  #dispatch(): void {
    const { togetherMs = 0 } = this.#runner;
    const waitMs = this.#decidedMs + togetherMs - performance.now();
    if (togetherMs === 0 || waitMs <= 0) this.#decide();
    else this.#later ??= setTimeout(() => this.#decide(), waitMs);
  }

  /** Begin what may begin; look again when something moves or somebody has waited long enough. */
  #decide(): void {
    if (this.#stopping || !this.#started) return;
    clearTimeout(this.#timer);
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#decidedMs = performance.now();
    if (this.#host.readOnly) this.#dispatcher.short(performance.now());
    for (;;) {
      const decision = this.#dispatcher.next(performance.now(), this.#runner.room());
      if ('order' in decision) {
        this.#begin(decision.order);
        continue;
      }
      if (decision.waitMs !== undefined) this.#timer = setTimeout(() => this.#decide(), decision.waitMs + 1);
      return;
    }
  }

  #begin({ place, key, reason, items }: Order<QueuedJob>): void {
    const jobs = items.map(({ job }) => job);
    for (const job of jobs) {
      this.#running.set(job.id, { job, itemsLeft: 0 });
      if (reason !== 'alone') continue;
      this.#host.log(job.id, 'warn', 'the server ended while the job was being executed: it runs alone now');
    }
    this.#leftAhead(jobs);
    this.#observe(key, jobs.length, reason);
    const startedMs = Date.now();
    const id = `b${startedMs.toString(36)}${randomBytes(2).toString('hex')}-${++this.#batches}`;
    this.#runner
      .begin({ id, place, key, reason, startedMs, jobs })
      .catch((thrown) => this.#host.internal(thrown))
      .finally(() => {
        this.#dispatcher.opened(place);
        this.#dispatch();
      });
  }

  #runHost(host: ExecutorHost): RunHost {
    return runHostOf(host, this.#persist, {
      opened: (job, items) => {
        this.#estimates.jobOpened(keyOf(job), items);
        this.#left(job.id, items);
      },
      progress: (jobId, { done, total }) => this.#left(jobId, total - done),
      passDone: (key, items, seconds) => this.#estimates.passDone(key, items, seconds),
      over: (jobId) => {
        this.#running.delete(jobId);
        this.#dispatcher.over(jobId);
        this.#dispatch();
      },
      short: () => {
        this.#dispatcher.short(performance.now());
        this.#fetcher.pause(kShortageMs);
      },
      again: (job) => this.submit(job),
      changed: () => this.#dispatch(),
    });
  }

  #left(jobId: string, items: number): void {
    const running = this.#running.get(jobId);
    if (running) running.itemsLeft = items;
  }

  /** Seconds of work before the job is done; of all that waits when it is undefined. No estimate where a rate is missing. */
  #aheadSeconds(jobId: string | undefined): number | undefined {
    let seconds = 0;
    for (const { job, itemsLeft } of this.#running.values()) {
      seconds += this.#estimates.tilesSeconds(keyOf(job), itemsLeft) ?? 0;
    }
    const place = jobId === undefined ? Number.POSITIVE_INFINITY : this.#dispatcher.positionInKey(jobId);
    if (place === undefined) return undefined;
    for (const [key, depth] of Object.entries(this.#dispatcher.depths())) {
      const each = this.#estimates.jobSeconds(key);
      if (each === undefined) return undefined;
      seconds += each * Math.min(depth, place);
    }
    return seconds / Math.max(1, this.#runner.room().length);
  }
}
