/**
 * What was fetched, or is being fetched, and has not begun: so much of one owner and key that batches find enough, and no more. The
 * rest of a long queue stays where it is until its turn comes near, and takes no room on the disk.
 */
import { type Job, ownerKey } from '../jobs/job.js';
import { keyOf } from '../run/key.js';

export class Ahead {
  /** Of one owner and key. */
  readonly #most: () => number;
  readonly #lanes = new Map<string, Map<string, Job>>();

  constructor(most: () => number) {
    this.#most = most;
  }

  /** Those that go after it are not in its way. */
  has(job: Job): boolean {
    const most = this.#most();
    const lane = this.#lanes.get(laneOf(job));
    if (lane === undefined || lane.size < most) return true;
    return [...lane.values()].filter(({ priority }) => priority >= job.priority).length < most;
  }

  add(job: Job): void {
    const name = laneOf(job);
    const lane = this.#lanes.get(name) ?? new Map<string, Job>();
    this.#lanes.set(name, lane.set(job.id, job));
  }

  remove(job: Job): void {
    const name = laneOf(job);
    const lane = this.#lanes.get(name);
    lane?.delete(job.id);
    if (lane?.size === 0) this.#lanes.delete(name);
  }
}

function laneOf(job: Job): string {
  return `${keyOf(job)} ${ownerKey(job)}`;
}
