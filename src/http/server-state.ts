/** How the server is, in one document: GET /server, and once a second in the events of the topic `server`. */
import { statfsSync } from 'node:fs';
import type { Config } from '../config/schema.js';
import { kOwnPhases } from '../jobs/job.js';
import { hindrance } from '../jobs/readiness.js';
import type { JobService } from '../jobs/service.js';
import type { Rate, ServerState, StateFeed } from '../uws/context.js';
import { kSoftware } from '../version.js';
import { RateHistory } from './rate-history.js';

const kTickMs = 1000;

export class Feed implements StateFeed {
  readonly #jobs: JobService;
  readonly #dataDir: string;
  readonly #startedAt: string;
  readonly #listeners = new Set<(document: string) => void>();
  readonly #rates: RateHistory;
  #timer: NodeJS.Timeout | undefined;

  constructor(jobs: JobService, config: Config, startedMs: number) {
    this.#jobs = jobs;
    this.#dataDir = config.storage.data_dir;
    this.#startedAt = new Date(startedMs).toISOString();
    this.#rates = new RateHistory(() => jobs.executor.state().itemsPerSecond);
  }

  history(): readonly Rate[] {
    return this.#rates.samples;
  }

  /** Samples are taken from now on: what they are taken of has been started. */
  begin(): void {
    this.#rates.begin();
  }

  /** Nothing is sampled any more. */
  stop(): void {
    this.#rates.stop();
  }

  now(): ServerState {
    const jobs = this.#jobs;
    const counts = jobs.counts();
    const { executing } = jobs.executor.stats();
    const { bavail, bsize } = statfsSync(this.#dataDir);
    return {
      software: { name: kSoftware.name, version: kSoftware.version },
      startedAt: this.#startedAt,
      ready: hindrance(jobs) === undefined,
      jobs: Object.fromEntries(kOwnPhases.map((phase) => [phase, counts.of(phase)])),
      storedBytes: counts.bytes,
      freeBytes: bavail * bsize,
      executing,
      ...jobs.executor.state(),
    };
  }

  /** The document, once at once and then every second: made once for all who listen. The result ends it. */
  subscribe(listener: (document: string) => void): () => void {
    this.#listeners.add(listener);
    listener(JSON.stringify(this.now()));
    this.#timer ??= setInterval(() => this.#tell(), kTickMs);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #tell(): void {
    const document = JSON.stringify(this.now());
    for (const listener of this.#listeners) listener(document);
  }
}
