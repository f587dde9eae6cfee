/** The ends of a task: finished, failed, or dropped. */
import type { EngineInfo } from '../../engine/addon.js';
import type { EngineReady } from '../../engine/process.js';
import { OtfError, toOtfError } from '../../errors/catalogue.js';
import type { Used } from '../../jobs/executor.js';
import type { RunHost } from '../runner.js';
import type { Arrival } from './arrival.js';
import { jobFailure } from './failure.js';
import type { MemoryBudget } from './memory.js';
import type { Models } from './models.js';
import { outcomeOf } from './outcome.js';
import { rawOutputOf } from './raw-output.js';
import { forget, type TaskRun } from './task.js';
import type { Workers } from './workers.js';

/** For the rest of a file whose pixels have been searched. */
const kRestMs = 600_000;

export interface EndParts {
  host: RunHost;
  workers: Workers;
  models: Models;
  memory: MemoryBudget;
  /** The runner is being stopped. */
  stopping: () => boolean;
  /** The task is none of the runner's any more. */
  ended: (task: TaskRun) => void;
}

export class Ends {
  readonly #parts: EndParts;

  constructor(parts: EndParts) {
    this.#parts = parts;
  }

  /** Its last tile has been consumed, or it has none. */
  finish(task: TaskRun): void {
    this.#finish(task)
      .catch((thrown) => this.fail(task, toOtfError(thrown)))
      .catch((thrown) => this.#parts.host.internal(thrown));
  }

  async #finish(task: TaskRun): Promise<void> {
    const { host, workers, models, memory } = this.#parts;
    if (task.tiles === 0 && !task.holdsMemory) {
      // All of its work is still to come; one with tiles had what it needs while they were filled.
      task.holdMemory(await memory.take(task.bytes));
      if (task.ended) return task.releaseMemory();
    }
    const engine = task.tiles > 0 ? task.device.engineOf(task.key, task.item) : undefined;
    const [ready, engineBytes] = [engine?.info, engine?.memoryBytes ?? 0];
    if (task.arrival && !(await this.#everythingHere(task, task.arrival))) return;
    const { job, inputs, opened } = task;
    const model = await models.get(job.modelId);
    if ((task.tiles > 0 && !ready) || !inputs || !opened) throw new OtfError('OTF_INTERNAL', 'the engine is gone');
    const closing = host.closing(job.id);
    if (!closing) return this.drop(task);
    const folder = host.folder(job.id);
    const finished = await workers.run('finish', {
      ...opened,
      kind: job.kind,
      folder: folder.ref,
      card: model.card,
      weightsBytes: model.weightsBytes,
      inputs,
      batch: task.batch,
      engine: ready && factsOf(ready),
      engineBytes,
      items: task.tiles,
      inferSeconds: task.inferSeconds,
      wallSeconds: (performance.now() - task.begun) / 1000,
      closing,
      raw: rawOutputOf(job),
    });
    if (task.ended) return folder.remove(finished.written);
    for (const warning of finished.warnings) host.log(job.id, 'warn', warning);
    host.log(job.id, 'info', finished.summary);
    const outcome = outcomeOf(task, finished, ready);
    this.drop(task);
    if (await host.completed(job.id, outcome)) return;
    // Aborted while it was written down: an aborted job has no results.
    await folder.remove(finished.written);
  }

  /** Its tiles are done; the rest of its image may not be here, nor be what it should. */
  async #everythingHere(task: TaskRun, arrival: Arrival): Promise<boolean> {
    task.ranOn = task.device.kindFor(task.key, task.item);
    await arrival.reach(Number.POSITIVE_INFINITY, kRestMs);
    if (task.ended) return false;
    task.inputs = await arrival.whole;
    return !task.ended;
  }

  fail(task: TaskRun, error: OtfError): void {
    if (task.ended || this.#cutShort(error)) return;
    const { host } = this.#parts;
    const { job } = task;
    if (error.code === 'OTF_SHORTAGE') {
      host.short(job, error);
      this.drop(task);
      return;
    }
    this.drop(task);
    if (error.code === 'OTF_INTERNAL') host.log(job.id, 'error', error.stack ?? error.message);
    host.failed(job.id, jobFailure(error, task.inputs)).catch((thrown) => host.internal(thrown));
  }

  /** Work that the shutdown stopped is no failure: the job is unfinished in the store and runs after the restart. */
  #cutShort(error: OtfError): boolean {
    return this.#parts.stopping() && error.code === 'OTF_CANCELLED';
  }

  /** Whatever still comes of it is of no account. */
  drop(task: TaskRun): void {
    if (!this.takeBack(task)) return;
    task.arrival?.drop();
    // What is left behind goes with the job's folder at the latest.
    forget(task.inputs).catch((thrown) => this.#parts.host.internal(thrown));
  }

  /** The same, but its job begins again, with what was brought for it. False: it has ended before. */
  takeBack(task: TaskRun): boolean {
    if (!task.end()) return false;
    const { host, ended } = this.#parts;
    const { job } = task;
    ended(task);
    const raw = rawOutputOf(job);
    const closed = task.close().finally(() => task.releaseMemory());
    const removed = raw && host.folder(job.id).remove([raw.temporary]);
    Promise.all([closed, removed]).catch((thrown) => host.internal(thrown));
    host.over(job, usedBy(task));
    return true;
  }
}

function factsOf({ engine, version, device, asked, effective, threads }: EngineReady): EngineInfo {
  return { engine, version, device, asked, effective, threads };
}

function usedBy({ device, key, item, ranOn, consumedTiles: items, inferSeconds: seconds }: TaskRun): Used {
  return { items, seconds, device: ranOn ?? device.kindFor(key, item) };
}
