/**
 * Runs jobs: the executor behind src/jobs/executor.ts.
 *
 *   submit ─► (fetch the image) ─► queue ─► dispatch: batch ─► open ─► stream of tiles ─► finish ─► host.completed
 *
 * Everything that may fail belongs to one task, and fails that task only.
 */

import { randomBytes } from 'node:crypto';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { type ChosenDevice, chooseDevice } from '../engine/device.js';
import { loadAddon } from '../engine/load.js';
import { EnginePool } from '../engine/pool.js';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import type { AbortReason, Admission, Executor, ExecutorHost, ExecutorStats } from '../jobs/executor.js';
import { type Job, type JobInfo, ownerKey } from '../jobs/job.js';
import { type Environment, environmentOf } from '../provenance/environment.js';
import { loadRegistry } from '../tasks/cards.js';
import type { InputSources, ResultFile } from '../tasks/files.js';
import { kindNamed } from '../tasks/registry.js';
import { Dispatcher, type Order, type Place, type Suspicious } from './dispatcher.js';
import { Estimates } from './estimate.js';
import { jobFailure } from './failure.js';
import { Fetcher } from './fetcher.js';
import { gpuMetrics, openNvml } from './gpu.js';
import { jobInputs, needsFetching } from './inputs.js';
import { MemoryBudget } from './memory.js';
import { type ExecutorMetrics, executorMetrics, readerMetrics } from './metrics.js';
import { Models, type ReadyModel } from './models.js';
import { outcomeOf } from './outcome.js';
import { Persistence } from './persistence.js';
import { type StreamEvents, TileStream } from './stream.js';
import { type Batch, forget, removeWritten, TaskRun } from './task.js';
import { Turns } from './turns.js';
import { Workers } from './workers.js';

interface QueuedJob extends Suspicious {
  job: Job;
  /** Fetched already: the job is EXECUTING. */
  inputs?: InputSources;
}

/** Three under way (filled, inferred, consumed), one between, and the spare of isolate.ts. */
const kSlots = 5;
const kStopStepMs = 20;
/** Of the time for stopping: what is left for writing down that the rest runs after a restart. */
const kStopMarginMs = 2000;
/** More are started when they are needed. */
const kWarmReaders = 1;
/** An image that takes no more memory than this is read when it is opened, where there is so much. */
const kReadNowBytes = 16 << 20;
/** Tasks of a batch that are open within this begin together. */
const kTogetherMs = 100;
/** In a job's folder while it runs: the network's output of every tile, for older clients. */
const kRawFile = 'network-output.tmp';

export class BatchExecutor implements Executor {
  environment: Environment = {};
  #host!: ExecutorHost;
  #device!: ChosenDevice;
  #workers!: Workers;
  #models!: Models;
  #engines!: EnginePool;
  #metrics!: ExecutorMetrics;
  #persist!: Persistence;
  #dispatcher!: Dispatcher<QueuedJob>;
  #fetcher!: Fetcher;
  #memory!: MemoryBudget;
  readonly #estimates = new Estimates();
  readonly #turns = new Turns();
  readonly #streams = new Map<string, TileStream>();
  readonly #running = new Map<string, TaskRun>();
  /** Batches released, but not in a stream yet. */
  #opening = 0;
  #timer: NodeJS.Timeout | undefined;
  #batches = 0;
  #stopping = false;
  #started = false;

  async start(host: ExecutorHost): Promise<void> {
    this.#host = host;
    const { policy, engine, models } = host.config;
    const addon = await loadAddon();
    const nvml = openNvml();
    const { cards } = await loadRegistry(models.dir);
    this.#device = await chooseDevice({
      devices: engine.devices,
      engine: engine.default,
      demands: cards,
      gpus: nvml?.identity.devices.length,
      describe: () => addon.describeEngines(),
      resolve: (name) => addon.resolveEngine(name),
    });
    this.#metrics = executorMetrics(host.metrics, () => this.#engines);
    gpuMetrics(host.metrics, nvml?.read);
    this.environment = environmentOf(addon.versions(), nvml?.identity);
    const imageBytes = engine.image_mb > 0 ? engine.image_mb * 2 ** 20 : memoryOfThisMachine() / 4;
    this.#memory = new MemoryBudget(imageBytes);
    addon.configureReaders({ deadlineMs: engine.read_s * 1000, memoryBytes: imageBytes });
    await addon.warmReaders(kWarmReaders);
    readerMetrics(host.metrics, () => addon.readerStats());
    this.#workers = new Workers(this.#metrics.stage);
    await this.#workers.ready;
    this.#models = await Models.open(models.dir, this.#workers);
    this.#persist = new Persistence(host);
    this.#fetcher = new Fetcher({
      host,
      persist: this.#persist,
      fetch: host.config.fetch,
      workers: this.#workers,
      fetched: (job, inputs) => this.#enqueue(job, inputs),
    });
    this.#dispatcher = new Dispatcher({
      minJobs: policy.min_jobs,
      maxBatch: policy.max_batch,
      maxWaitMs: policy.max_wait_s * 1000,
      roundRobin: policy.round_robin,
    });
    this.#engines = new EnginePool({
      limits: { readyMs: engine.ready_s * 1000, hangMs: engine.hang_s * 1000, firstMs: engine.first_s * 1000 },
      memoryBytes: engine.memory_mb * 2 ** 20,
      idleMs: engine.idle_s * 1000,
      events: {
        started: (key, ready, ms) =>
          this.#tell(key, 'info', `${ready.engine} ${ready.version} loaded in ${ms.toFixed(0)} ms`),
        died: (key, reason) => this.#tell(key, 'warn', reason.message),
      },
    });
    this.#started = true;
  }

  admit(reserved: number): Admission {
    const { max_queued: limit } = this.#host.config.policy;
    const waiting = this.#dispatcher.size + this.#fetcher.count;
    if (waiting + reserved < limit) return { accepted: true };
    const seconds = this.#aheadSeconds(undefined) ?? 30;
    const retryAfterS = Math.min(600, Math.max(1, Math.ceil(seconds / 4)));
    return { accepted: false, retryAfterS, reason: `queue holds ${waiting} of ${limit} jobs` };
  }

  submit(job: Job): void {
    if (needsFetching(job)) this.#fetcher.add(job);
    else this.#enqueue(job, undefined);
  }

  abort(jobId: string, _why: AbortReason): void {
    const queued = this.#dispatcher.remove(jobId);
    if (queued) this.#forget(queued.inputs);
    this.#fetcher.abort(jobId);
    const task = this.#running.get(jobId);
    if (task) this.#end(task);
  }

  represent({ id, kind }: Job, format: string): Promise<ResultFile> {
    return this.#workers.run('represent', { kind, dir: this.#host.jobDir(id), format });
  }

  position(jobId: string): number | undefined {
    const place = this.#dispatcher.position(jobId);
    if (place !== undefined) return place;
    const behind = this.#fetcher.position(jobId);
    return behind === undefined ? undefined : this.#dispatcher.size + behind;
  }

  remainingMs(jobId: string): number | undefined {
    const task = this.#running.get(jobId);
    if (task) {
      const seconds = this.#estimates.tilesSeconds(keyOf(task.job), task.tiles - task.consumedTiles);
      return seconds === undefined ? undefined : seconds * 1000;
    }
    const seconds = this.#aheadSeconds(jobId);
    return seconds === undefined ? undefined : seconds * 1000;
  }

  stats(): ExecutorStats {
    const loaded = (this.#engines?.list() ?? []).filter((engine) => engine.loaded);
    const notes = loaded.map(({ spec, info }) => `${spec.key} on ${info?.engine} (${info?.device})`);
    const executing = this.#running.size + this.#fetcher.underWay;
    const stuck = this.stuck;
    if (stuck > 0) notes.push(`${stuck} pieces of work take far too long`);
    const note = notes.join('; ');
    return {
      ready: this.#started && !this.#stopping && this.#workers.work,
      queued: this.#dispatcher.depths(),
      executing,
      ...(note ? { note } : {}),
    };
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const unfetched = this.#fetcher.stop();
    const fetched = this.#dispatcher.all().filter((item) => item.inputs);
    const marginMs = Math.min(kStopMarginMs, graceMs / 2);
    const until = Date.now() + graceMs - marginMs;
    while ((this.#running.size > 0 || this.#opening > 0) && Date.now() < until) await pause(kStopStepMs);
    const left = [...this.#running.values()];
    for (const task of left) this.#end(task);
    (await loadAddon()).stopReaders();
    const requeue = [...left.map((task) => task.job.id), ...fetched.map((item) => item.job.id), ...unfetched];
    await Promise.all(requeue.map((id) => this.#host.requeued(id)));
    await this.#persist.stop();
    await this.#engines.close();
    await this.#models.close();
    await this.#workers.close(kStopMarginMs);
  }

  /** Threads that did not come back: the program cannot end by itself while there are any. */
  get stuck(): number {
    return this.#workers?.stuck ?? 0;
  }

  // From the queue into streams

  #enqueue(job: Job, inputs: InputSources | undefined): void {
    const { id, priority } = job;
    this.#dispatcher.add({
      id,
      key: keyOf(job),
      owner: ownerKey(job),
      priority,
      sinceMs: Date.now(),
      attempts: job.info.attempts ?? 0,
      job,
      ...(inputs ? { inputs } : {}),
    });
    this.#dispatch();
  }

  /** The one device. */
  get #places(): Place[] {
    const streams = [...this.#streams.values()];
    const hungry = !streams.some((stream) => stream.hasWork);
    return [
      { name: 'device', takes: () => true, holds: (key) => this.#streams.has(key), hungry, busy: this.#turns.busy },
    ];
  }

  /** Begin what may begin; look again when something moves or somebody has waited long enough. */
  #dispatch(): void {
    if (this.#stopping || !this.#started) return;
    clearTimeout(this.#timer);
    for (;;) {
      const decision = this.#dispatcher.next(Date.now(), this.#places);
      if ('order' in decision) {
        this.#start(decision.order);
        continue;
      }
      if (decision.waitMs !== undefined) this.#timer = setTimeout(() => this.#dispatch(), decision.waitMs + 1);
      return;
    }
  }

  #start(order: Order<QueuedJob>): void {
    if (order.reason === 'alone') {
      for (const { id } of order.items)
        this.#host.log(id, 'warn', 'the server ended while the job was being executed: it runs alone now');
    }
    this.#opening++;
    this.#begin(order)
      .catch((thrown) => this.#host.internal(thrown))
      .finally(() => {
        this.#opening--;
        this.#dispatcher.opened(order.place);
        this.#dispatch();
      });
  }

  async #begin(order: Order<QueuedJob>): Promise<void> {
    const { key, reason, items } = order;
    const batch: Batch = {
      id: `b${Date.now().toString(36)}${randomBytes(2).toString('hex')}-${++this.#batches}`,
      startedMs: Date.now(),
      size: items.length,
      reason,
    };
    this.#metrics.batch(key, items.length, reason);
    const info: JobInfo = { batchId: batch.id, batchSize: batch.size, batchReason: reason };
    // Before anything is awaited: a job that has left the queue is found here by an abort.
    const begun = items.map((item) => {
      const task = new TaskRun(item.job, batch, item.inputs);
      this.#running.set(item.job.id, task);
      return this.#beginTask(task, info);
    });
    // Those that are open soon begin together; whoever takes longer follows and holds up nobody.
    let opened: TaskRun[] | undefined = [];
    const joining = begun.map(async (each) => {
      const task = await each;
      if (!task) return;
      if (opened) opened.push(task);
      else await this.#join(key, [task]);
    });
    for (const each of joining) each.catch((thrown) => this.#host.internal(thrown));
    await Promise.race([Promise.allSettled(joining), pause(kTogetherMs)]);
    const together = opened;
    opened = undefined;
    await this.#join(key, together);
  }

  async #join(key: string, opened: readonly TaskRun[]): Promise<void> {
    const tasks = opened.filter((task) => !task.ended);
    const [first] = tasks;
    if (!first) return;
    try {
      const model = await this.#models.get(first.job.modelId);
      this.#stream(key, model, first.job.quantization).add(tasks);
    } catch (thrown) {
      for (const task of tasks) this.#fail(task, toOtfError(thrown));
    }
  }

  /** The task, opened; undefined when the job is gone or has failed. Never rejects. */
  async #beginTask(task: TaskRun, info: JobInfo): Promise<TaskRun | undefined> {
    try {
      const fetched = task.inputs !== undefined;
      const told = fetched ? Promise.resolve(true) : this.#persist.executing(task.job.id, info);
      const [failure, executing] = await Promise.all([this.#open(task).then(() => undefined, toOtfError), told]);
      if (!executing) this.#end(task);
      if (task.ended) return undefined;
      if (failure) throw failure;
      this.#estimates.jobOpened(keyOf(task.job), task.tiles);
      this.#tellProgress(task);
      return task;
    } catch (thrown) {
      this.#fail(task, toOtfError(thrown));
      return undefined;
    }
  }

  async #open(task: TaskRun): Promise<void> {
    const { job } = task;
    const dir = this.#host.jobDir(job.id);
    const host = this.#host;
    const inputs = task.inputs ?? (await jobInputs(job, { host, fetch: host.config.fetch, workers: this.#workers }));
    task.inputs = inputs;
    const model = await this.#models.get(job.modelId);
    // Whoever ended it meanwhile had nothing to clear away.
    if (task.ended) return forget(inputs);
    const { kind, style, quantization, parameters } = job;
    const memory = this.#memory.takeNow(kReadNowBytes);
    try {
      const { items, bytes, ready, handle, plan } = await this.#workers.run('openTask', {
        kind,
        job: { style, quantization, parameters },
        card: model.card,
        model: model.model,
        inputs,
        defaults: host.config.detection,
        rawOutput: style === 'legacy' ? join(dir, kRawFile) : undefined,
        readNow: memory ? kReadNowBytes : 0,
      });
      task.opened = { handle, plan };
      task.tiles = items;
      task.bytes = bytes;
      task.preparedTiles = ready;
      if (memory && ready > 0 && !task.ended) {
        memory.shrink(bytes);
        task.holdMemory(memory);
      }
    } finally {
      if (!task.holdsMemory) memory?.release();
    }
    // Whoever ended it meanwhile had no handle to close.
    if (task.ended) await task.close();
  }

  #stream(key: string, model: ReadyModel, quantization: string): TileStream {
    const known = this.#streams.get(key);
    if (known) return known;
    const { engine } = this.#host.config;
    const { card, valuesIn, valuesOut } = model;
    const lease = this.#engines.lease({
      key,
      network: card.weightsPath,
      engine: card.engine ?? this.#device.engine,
      gpu: this.#device.gpu,
      quantization,
      threads: engine.threads,
      inputBias: card.input_bias,
      tilePx: kindNamed(card.kind).itemShape(card).width,
      valuesIn,
      valuesOut,
      batch: engine.batch,
      slots: kSlots,
    });
    const stream = new TileStream({
      lease,
      workers: this.#workers,
      device: this.#turns,
      memory: this.#memory,
      events: this.#events,
    });
    this.#streams.set(key, stream);
    // Loading goes on beside the filling of the first slots; what goes wrong is told by the first pass.
    this.#engines
      .makeRoom()
      .then(() => lease.engine.start())
      .catch(() => undefined);
    return stream;
  }

  readonly #events: StreamEvents = {
    consumed: (task) => {
      this.#tellProgress(task);
      if (task.consumedTiles === task.tiles) this.#finish(task).catch((thrown) => this.#host.internal(thrown));
    },
    failed: (task, error) => this.#fail(task, error),
    log: (task, level, message) => {
      if (!task.ended) this.#host.log(task.job.id, level, message);
    },
    passDone: (key, tiles, seconds) => {
      this.#metrics.pass(key, tiles, seconds);
      this.#estimates.passDone(key, tiles, seconds);
    },
    changed: () => {
      for (const [key, stream] of this.#streams) {
        if (!stream.quiet) continue;
        stream.lease.release();
        this.#streams.delete(key);
      }
      this.#dispatch();
    },
  };

  // The end of a task

  async #finish(task: TaskRun): Promise<void> {
    const { job, inputs, opened } = task;
    const engine = this.#streams.get(keyOf(job))?.lease.engine;
    try {
      const model = await this.#models.get(job.modelId);
      const ready = engine?.info;
      if (!engine || !ready || !inputs || !opened) {
        throw new OtfError('OTF_INTERNAL', 'the engine is gone');
      }
      const { engine: name, version, device, asked, effective, threads } = ready;
      const closing = this.#host.closing(job.id);
      if (!closing) return this.#end(task);
      const finished = await this.#workers.run('finish', {
        ...opened,
        kind: job.kind,
        dir: this.#host.jobDir(job.id),
        card: model.card,
        weightsBytes: model.weightsBytes,
        inputs,
        batch: task.batch,
        engine: { engine: name, version, device, asked, effective, threads },
        engineBytes: engine.memoryBytes,
        items: task.tiles,
        inferSeconds: task.inferSeconds,
        wallSeconds: (performance.now() - task.begun) / 1000,
        closing,
        raw: job.style === 'legacy' ? { temporary: kRawFile, file: `net0_rts_${job.id}.dat` } : undefined,
      });
      if (task.ended) return await removeWritten(this.#host.jobDir(job.id), finished.written);
      for (const warning of finished.warnings) this.#host.log(job.id, 'warn', warning);
      this.#host.log(job.id, 'info', finished.summary);
      const outcome = outcomeOf(task, finished, ready);
      this.#end(task);
      if (await this.#persist.completed(job.id, outcome)) return;
      // Aborted while it was written down: an aborted job has no results.
      await removeWritten(this.#host.jobDir(job.id), finished.written);
    } catch (thrown) {
      this.#fail(task, toOtfError(thrown));
    }
  }

  #fail(task: TaskRun, error: OtfError): void {
    if (task.ended || this.#cutShort(error)) return;
    // Before its end, which lets others begin.
    if (error.code === 'OTF_SHORTAGE') this.#dispatcher.short(Date.now());
    this.#end(task);
    if (error.code === 'OTF_SHORTAGE') {
      this.#putBack(task.job, error).catch((thrown) => this.#host.internal(thrown));
      return;
    }
    if (error.code === 'OTF_INTERNAL') this.#host.log(task.job.id, 'error', error.stack ?? error.message);
    this.#persist.failed(task.job.id, jobFailure(error, task.inputs)).catch((thrown) => this.#host.internal(thrown));
  }

  /** The server had too little of something: no fault of the job, which waits for better times. */
  async #putBack(job: Job, reason: OtfError): Promise<void> {
    this.#host.log(job.id, 'warn', `${reason.message}: the job waits and is run again`);
    if (await this.#persist.requeued(job.id)) this.submit(job);
  }

  /** Work that the shutdown stopped is no failure: the job is unfinished in the store and runs after the restart. */
  #cutShort(error: OtfError): boolean {
    return this.#stopping && error.code === 'OTF_CANCELLED';
  }

  #end(task: TaskRun): void {
    if (!task.end()) return;
    this.#running.delete(task.job.id);
    this.#dispatcher.over(task.job.id);
    this.#dispatch();
    const rest = task.job.style === 'legacy' ? removeWritten(this.#host.jobDir(task.job.id), [kRawFile]) : undefined;
    const closed = task.close().finally(() => task.releaseMemory());
    Promise.all([closed, rest]).catch((thrown) => this.#host.internal(thrown));
    this.#forget(task.inputs);
  }

  /** What is left behind goes with the job's folder at the latest. */
  #forget(inputs: InputSources | undefined): void {
    forget(inputs).catch((thrown) => this.#host.internal(thrown));
  }

  // For people

  #tellProgress({ job, consumedTiles: done, tiles: total }: TaskRun): void {
    this.#host.progress(job.id, { done, total, unit: kindNamed(job.kind).unit });
  }

  /** Seconds of work before the job is done; of all that waits when it is undefined. No estimate where a rate is missing. */
  #aheadSeconds(jobId: string | undefined): number | undefined {
    let seconds = 0;
    for (const task of this.#running.values()) {
      seconds += this.#estimates.tilesSeconds(keyOf(task.job), task.tiles - task.consumedTiles) ?? 0;
    }
    const place = jobId === undefined ? Number.POSITIVE_INFINITY : this.#dispatcher.positionInKey(jobId);
    if (place === undefined) return undefined;
    for (const [key, depth] of Object.entries(this.#dispatcher.depths())) {
      const each = this.#estimates.jobSeconds(key);
      if (each === undefined) return undefined;
      seconds += each * Math.min(depth, place);
    }
    return seconds;
  }

  #tell(key: string, level: 'info' | 'warn', message: string): void {
    for (const task of this.#running.values()) if (keyOf(task.job) === key) this.#host.log(task.job.id, level, message);
  }
}

function keyOf(job: Job): string {
  return `${job.modelId}/${job.quantization}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Or of the part of it this program may use. */
function memoryOfThisMachine(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
