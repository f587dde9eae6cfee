/** What has become of jobs at each worker, for whoever looks; the counters of all of them are in metrics.ts. */
import type { WorkerState } from '../../jobs/executor.js';

export type Tally = Record<'completed' | 'lost' | 'swept' | 'back' | 'refused', number>;

/** Of workers that are not there any more: those of batch systems never come back by the same name. */
const kMostGone = 200;

export class Tallies {
  readonly #of = new Map<string, Tally>();

  add(worker: string, what: keyof Tally): void {
    const tally = this.of(worker);
    tally[what]++;
    // The latest last.
    this.#of.delete(worker);
    this.#of.set(worker, tally);
  }

  of(worker: string): Tally {
    return this.#of.get(worker) ?? { completed: 0, lost: 0, swept: 0, back: 0, refused: 0 };
  }

  /** `there`: workers that are heard of. */
  tidy(there: { has: (worker: string) => boolean }): void {
    const gone = [...this.#of.keys()].filter((worker) => !there.has(worker));
    for (const worker of gone.slice(0, Math.max(0, gone.length - kMostGone))) this.#of.delete(worker);
  }
}

export type WorkerFacts = Omit<WorkerState, keyof Tally>;
