/** The ends of a task: finished, failed, or dropped. */
import { OtfError, toOtfError } from '../../errors/catalogue.js';
import type { Used } from '../../jobs/executor.js';
import type { RunHost } from '../runner.js';
import { jobFailure } from './failure.js';
import type { Models } from './models.js';
import { outcomeOf } from './outcome.js';
import { rawOutputOf } from './raw-output.js';
import { forget, type TaskRun } from './task.js';
import type { Workers } from './workers.js';

export interface EndParts {
  host: RunHost;
  workers: Workers;
  models: Models;
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

  /** Its last tile has been consumed. Never rejects. */
  async finish(task: TaskRun): Promise<void> {
    try {
      await this.#finish(task);
    } catch (thrown) {
      this.fail(task, toOtfError(thrown));
    }
  }

  async #finish(task: TaskRun): Promise<void> {
    const { host, workers, models } = this.#parts;
    const { job, inputs, opened } = task;
    const engine = task.device.engineOf(task.key, task.item);
    const model = await models.get(job.modelId);
    const ready = engine?.info;
    if (!engine || !ready || !inputs || !opened) throw new OtfError('OTF_INTERNAL', 'the engine is gone');
    const { engine: name, version, device, asked, effective, threads } = ready;
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
      engine: { engine: name, version, device, asked, effective, threads },
      engineBytes: engine.memoryBytes,
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
    if (!task.end()) return;
    const { host, ended } = this.#parts;
    const { job, inputs } = task;
    ended(task);
    const raw = rawOutputOf(job);
    const closed = task.close().finally(() => task.releaseMemory());
    const removed = raw && host.folder(job.id).remove([raw.temporary]);
    // What is left behind goes with the job's folder at the latest.
    Promise.all([closed, removed, forget(inputs)]).catch((thrown) => host.internal(thrown));
    host.over(job, usedBy(task));
  }
}

function usedBy({ device, key, item, consumedTiles: items, inferSeconds: seconds }: TaskRun): Used {
  return { items, seconds, device: device.kindFor(key, item) };
}
