/**
 * Tasks whose next tiles are not in memory. Reading pixels takes what a disk or a decoder takes: it is done apart, for each
 * task by itself, and only tiles that are there join a pass, so that one slow image holds up nobody but itself.
 */
import { type OtfError, toOtfError } from '../../errors/catalogue.js';
import type { MemoryBudget } from './memory.js';
import type { TaskRun } from './task.js';
import type { Workers } from './workers.js';

export interface PreparingParts {
  workers: Workers;
  memory: MemoryBudget;
  failed: (task: TaskRun, error: OtfError) => void;
  /** Tiles are there, a task has failed, or one that was expected soon is slow. */
  changed: () => void;
}

/** What takes longer is not waited for. */
const kSoonMs = 2000;

export class Preparing {
  readonly #parts: PreparingParts;
  readonly #soon = new Set<TaskRun>();
  #count = 0;

  constructor(parts: PreparingParts) {
    this.#parts = parts;
  }

  /** Tasks being prepared. */
  get count(): number {
    return this.#count;
  }

  /** Of them, those that have not been slow. */
  get expected(): number {
    return this.#soon.size;
  }

  /** The task has tiles left and none in memory. */
  begin(task: TaskRun): void {
    this.#count++;
    this.#soon.add(task);
    const slow = setTimeout(() => {
      if (this.#soon.delete(task)) this.#parts.changed();
    }, kSoonMs);
    this.#prepare(task)
      .catch((thrown) => this.#parts.failed(task, toOtfError(thrown)))
      .finally(() => {
        clearTimeout(slow);
        this.#soon.delete(task);
        this.#count--;
        // What it had is let go of once nothing reads into it any more.
        if (task.ended) task.releaseMemory();
        this.#parts.changed();
      });
  }

  async #prepare(task: TaskRun): Promise<void> {
    if (!task.holdsMemory) task.holdMemory(await this.#parts.memory.take(task.bytes));
    if (task.ended || task.opened === undefined) return;
    const { handle } = task.opened;
    const ready = await this.#parts.workers.run('prepare', { kind: task.job.kind, handle });
    const next = task.filledTiles + ready;
    await task.findNeeded(next);
    task.preparedTiles = next;
  }
}
