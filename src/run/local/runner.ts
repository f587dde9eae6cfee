/**
 * Runs jobs on the devices of this machine:
 *
 *   (fetch the inputs) ─► begin ─► open ─► stream of tiles on a device ─► finish
 *
 * Everything that may fail belongs to one task, and fails that task only.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { native } from '../../engine/addon.js';
import { toOtfError } from '../../errors/catalogue.js';
import type { GpuState, RunState } from '../../jobs/executor.js';
import type { Job, JobInfo } from '../../jobs/job.js';
import { type Environment, environmentOf } from '../../provenance/environment.js';
import { loadRegistry } from '../../tasks/cards.js';
import type { ResultFile, RowFilter } from '../../tasks/files.js';
import { kindNamed } from '../../tasks/registry.js';
import { modelOfKey } from '../key.js';
import type { Batch, Place, QueueEarly, RunHost, Runner, RunnerStatus } from '../runner.js';
import { LocalDevice } from './device.js';
import { Ends } from './ends.js';
import { Fetching } from './fetching.js';
import { gpuMetrics, openNvml } from './gpu.js';
import { needsFetching } from './inputs.js';
import { MemoryBudget } from './memory.js';
import { type RunMetrics, runMetrics } from './metrics.js';
import { Models } from './models.js';
import { openTask } from './opening.js';
import { rowsHere } from './rows.js';
import { devicesOf, startReaders } from './starting.js';
import type { StreamEvents } from './stream.js';
import { forget, TaskRun } from './task.js';
import { TensorRuns } from './tensors.js';
import { Workers } from './workers.js';

const kStopStepMs = 20;
/** For threads to come back when the server ends. */
const kCloseMs = 2000;
/** Tasks of a batch that are open within this begin together. */
const kTogetherMs = 100;

export class LocalRunner implements Runner {
  environment: Environment = {};
  #host!: RunHost;
  #devices: LocalDevice[] = [];
  #workers!: Workers;
  #models!: Models;
  #memory!: MemoryBudget;
  #ends!: Ends;
  /** Tensors without jobs, once started. */
  inference!: TensorRuns;
  #metrics!: RunMetrics;
  #gpus: () => readonly GpuState[] = () => [];
  #fetching!: Fetching;
  readonly #running = new Map<string, TaskRun>();
  /** Batches that are being opened. */
  #opening = 0;
  #stopping = false;

  async start(host: RunHost): Promise<void> {
    this.#host = host;
    const { engine, models } = host.config;
    const addon = native();
    const nvml = openNvml();
    const registry = await loadRegistry(models.dir);
    const devices = await devicesOf(addon, host.config, registry, nvml?.identity.devices.length);
    this.#metrics = runMetrics(host.metrics, () => this.#devices);
    gpuMetrics(host.metrics, nvml?.read);
    if (nvml) this.#gpus = nvml.read;
    this.environment = environmentOf(addon.versions(), nvml?.identity);
    const imageBytes = await startReaders(addon, host);
    this.#workers = new Workers(this.#metrics.stage);
    await this.#workers.ready;
    this.#models = new Models(registry, this.#workers);
    this.#memory = new MemoryBudget(imageBytes);
    this.#ends = new Ends({
      host,
      workers: this.#workers,
      models: this.#models,
      memory: this.#memory,
      stopping: () => this.#stopping,
      ended: (task) => this.#running.delete(task.job.id),
    });
    const running = (jobId: string) => this.#running.get(jobId);
    this.#fetching = new Fetching({ host, workers: this.#workers, ends: this.#ends, running });
    await this.#fetching.receiving.ready;
    this.inference = new TensorRuns({
      models: this.#models,
      events: this.#events,
      devices: () => this.#devices,
      over: (job, used) => host.over(job, used),
    });
    this.#devices = devices.map(
      (device) =>
        new LocalDevice({
          device,
          config: engine,
          workers: this.#workers,
          memory: this.#memory,
          demanded: (key) => this.#models.demandedEngine(modelOfKey(key)),
          engines: {
            started: (key, ready, ms) =>
              this.#tell(device.name, key, 'info', `${ready.engine} ${ready.version} loaded in ${ms.toFixed(0)} ms`),
            died: (key, reason) => this.#tell(device.name, key, 'warn', reason.message),
          },
          streams: this.inference.events,
        }),
    );
  }

  room(): readonly Place[] {
    return this.#devices;
  }

  needsFetching(job: Job): boolean {
    return needsFetching(job);
  }

  fetch(job: Job, signal: AbortSignal, early: QueueEarly): Promise<boolean> {
    return this.#fetching.fetch(job, signal, early);
  }

  async begin(batch: Batch): Promise<void> {
    this.#opening++;
    try {
      await this.#begin(batch);
    } catch (thrown) {
      this.#host.internal(thrown);
    } finally {
      this.#opening--;
    }
  }

  async #begin({ id, place, key, reason, startedMs, jobs, size = jobs.length }: Batch): Promise<void> {
    const device = this.#devices.find(({ name }) => name === place);
    if (!device) throw new Error(`there is no place ${place}`);
    const batch = { id, startedMs, size, reason };
    const info: JobInfo = { batchId: id, batchSize: batch.size, batchReason: reason };
    // Before anything is awaited: a job that has left the queue is found here by an abort.
    const begun = jobs.map((job) => {
      const { inputs, arrival } = this.#fetching.take(job.id) ?? { inputs: undefined };
      const task = new TaskRun({ job, key, batch, device, inputs, arrival });
      this.#running.set(job.id, task);
      return this.#beginTask(task, info);
    });
    // Those that are open soon begin together; whoever takes longer follows and holds up nobody.
    let opened: TaskRun[] | undefined = [];
    const joining = begun.map(async (each) => {
      const task = await each;
      if (!task) return;
      if (opened) opened.push(task);
      else await this.#join(device, key, [task]);
    });
    for (const each of joining) each.catch((thrown) => this.#host.internal(thrown));
    await Promise.race([Promise.allSettled(joining), pause(kTogetherMs)]);
    const together = opened;
    opened = undefined;
    await this.#join(device, key, together);
  }

  /** The task, opened; undefined when the job is gone or has failed. Never rejects. */
  async #beginTask(task: TaskRun, info: JobInfo): Promise<TaskRun | undefined> {
    const [host, ends] = [this.#host, this.#ends];
    const { job } = task;
    try {
      const { receiving } = this.#fetching;
      const parts = { host, workers: this.#workers, receiving, models: this.#models, memory: this.#memory };
      // Of one whose inputs were fetched it is known.
      const told = task.inputs ? Promise.resolve(true) : host.executing(job.id, info);
      const [failure, executing] = await Promise.all([openTask(task, parts).then(() => undefined, toOtfError), told]);
      if (!executing) ends.drop(task);
      if (task.ended) return undefined;
      if (failure) throw failure;
      host.opened(job, task.tiles);
      this.#tellProgress(task);
      return (await rowsHere(task, 0, this.#memory)) ? task : undefined;
    } catch (thrown) {
      ends.fail(task, toOtfError(thrown));
      return undefined;
    }
  }

  async #join(device: LocalDevice, key: string, opened: readonly TaskRun[]): Promise<void> {
    const tasks = opened.filter((task) => !task.ended && task.tiles > 0);
    for (const task of opened) if (!task.ended && task.tiles === 0) this.#ends.finish(task);
    // A pass has items of one shape.
    const shapes = new Map<string, TaskRun[]>();
    for (const task of tasks) {
      const shape = JSON.stringify(task.item ?? null);
      shapes.set(shape, [...(shapes.get(shape) ?? []), task]);
    }
    for (const alike of shapes.values()) {
      const [first] = alike;
      if (!first) continue;
      try {
        const model = await this.#models.get(first.job.modelId);
        device.open(key, model, first.job.quantization, first.item).add(alike);
      } catch (thrown) {
        for (const task of alike) this.#ends.fail(task, toOtfError(thrown));
      }
    }
  }

  async #comeBack(task: TaskRun): Promise<void> {
    const device = this.#devices.find(({ name }) => name === task.device.name);
    if (device && (await rowsHere(task, task.preparedTiles, this.#memory))) await this.#join(device, task.key, [task]);
  }

  readonly #events: StreamEvents = {
    consumed: (task) => {
      this.#tellProgress(task);
      if (task.consumedTiles === task.tiles) this.#ends.finish(task);
    },
    failed: (task, error) => this.#ends.fail(task, error),
    log: (task, level, message) => {
      if (!task.ended) this.#host.log(task.job.id, level, message);
    },
    passDone: (key, tiles, seconds) => {
      this.#metrics.pass(key, tiles, seconds);
      this.#host.passDone(key, tiles, seconds);
    },
    starved: (task) => {
      this.#comeBack(task).catch((thrown) => this.#ends.fail(task, toOtfError(thrown)));
    },
    changed: () => {
      for (const device of this.#devices) device.tidy();
      this.#host.changed();
    },
  };

  #tellProgress({ job, consumedTiles: done, tiles: total }: TaskRun): void {
    this.#host.progress(job.id, { done, total, unit: kindNamed(job.kind).unit });
  }

  #tell(device: string, key: string, level: 'info' | 'warn', message: string): void {
    for (const task of this.#running.values()) {
      if (task.key === key && task.device.name === device) this.#host.log(task.job.id, level, message);
    }
  }

  abort(jobId: string): void {
    forget(this.#fetching.take(jobId)?.inputs).catch((thrown) => this.#host.internal(thrown));
    const task = this.#running.get(jobId);
    if (task) this.#ends.drop(task);
  }

  represent({ id, kind }: Job, format: string, filter?: RowFilter): Promise<ResultFile> {
    return this.#workers.run('represent', { kind, folder: this.#host.folder(id).ref, format, filter });
  }

  status(): RunnerStatus {
    const notes = this.#devices.flatMap(({ name, engines }) =>
      engines
        .list()
        .filter(({ loaded }) => loaded)
        .map(({ spec, info }) => {
          const where = this.#devices.length > 1 ? `${name}, ${info?.device}` : info?.device;
          return `${spec.key} on ${info?.engine} (${where})`;
        }),
    );
    if (this.stuck > 0) notes.push(`${this.stuck} pieces of work take far too long`);
    return { ready: this.#workers.work, notes };
  }

  state(): RunState {
    const devices = this.#devices.map((device) => device.state());
    return { devices, gpus: this.#gpus(), itemsPerSecond: this.#metrics.tilesPerSecond() };
  }

  /** Threads that did not come back: the program cannot end by itself while there are any. */
  get stuck(): number {
    return this.#workers?.stuck ?? 0;
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.inference.close();
    const until = performance.now() + graceMs;
    while ((this.#running.size > 0 || this.#opening > 0) && performance.now() < until) await pause(kStopStepMs);
    const left = [...this.#running.values()];
    for (const task of left) this.#ends.drop(task);
    native().stopReaders();
    await Promise.all(left.map(({ job }) => this.#host.requeued(job.id)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#devices.map(({ engines }) => engines.close()));
    await this.#models.close();
    await this.#fetching.receiving.close();
    await this.#workers.close(kCloseMs);
  }
}
