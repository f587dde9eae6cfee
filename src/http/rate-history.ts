/** Items per second of the last hour: sampled at intervals, kept in memory, gone with the process. */
import type { Rate } from '../uws/context.js';

/** As long as the rate is averaged over (src/run/local/metrics.ts). */
const kStepMs = 10_000;
const kSamples = 360;

export class RateHistory {
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #samples: readonly Rate[] = [];

  /** `now`: tiles per second at this moment; not asked before begin(). */
  constructor(now: () => number) {
    this.#now = now;
  }

  begin(): void {
    this.#timer ??= setInterval(() => this.sample(), kStepMs);
    this.#timer.unref();
  }

  /** The oldest first. */
  get samples(): readonly Rate[] {
    return this.#samples;
  }

  sample(): void {
    this.#samples = [...this.#samples.slice(1 - kSamples), { timeMs: Date.now(), itemsPerSecond: this.#now() }];
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
