/**
 * Brings results to where their job wants them (RESULTS_TO), after the job is COMPLETED: what has been computed is not lost
 * because a place is away. Which are to be brought is in the rows, so a start goes on where the program ended.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import { toOtfError } from '../errors/catalogue.js';
import { publicText } from '../errors/public-text.js';
import { putFile } from '../fetch/put.js';
import { kServer } from '../jobs/access.js';
import type { Job } from '../jobs/job.js';
import type { JobService } from '../jobs/service.js';
import { addressesOf } from './addresses.js';
import { putLimits } from './limits.js';

export interface CourierParts {
  config: Pick<Config, 'fetch'>;
  jobs: JobService;
  metrics: Registry;
  log: Logger;
}

const kAtOnce = 4;
const kFirstAgainMs = 1000;
const kMostAgainMs = 60_000;

export class Courier {
  readonly #parts: CourierParts;
  readonly #stop = new AbortController();
  readonly #waiting: string[] = [];
  readonly #known = new Set<string>();
  readonly #working = new Set<Promise<void>>();
  readonly #files: Counter;
  readonly #failed: Counter;
  readonly #unsubscribe: () => void;
  #busy = 0;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    const { jobs, metrics } = parts;
    const registers = [metrics];
    const known = this.#known;
    new Gauge({
      name: 'otf_deliveries_waiting',
      help: 'Jobs whose results are on their way to where they are wanted',
      registers,
      collect() {
        this.set(known.size);
      },
    });
    this.#files = new Counter({ name: 'otf_delivered_files_total', help: 'Results that were brought', registers });
    this.#failed = new Counter({
      name: 'otf_deliveries_failed_total',
      help: 'Jobs whose results could not be brought to where they are wanted',
      registers,
    });
    this.#unsubscribe = jobs.subscribe((event) => {
      if (event.type === 'phase' && event.phase === 'COMPLETED') this.#add(event.jobId);
    }, kServer);
    for (const id of jobs.deliveries.waiting()) this.#add(id);
  }

  #add(id: string): void {
    if (this.#known.has(id) || this.#parts.jobs.find(id, kServer)?.info.delivery?.state !== 'waiting') return;
    this.#known.add(id);
    this.#waiting.push(id);
    this.#next();
  }

  #next(): void {
    while (this.#busy < kAtOnce && !this.#stop.signal.aborted) {
      const id = this.#waiting.shift();
      if (id === undefined) return;
      this.#busy++;
      const work = this.#deliver(id)
        .catch((thrown) => {
          if (!this.#stop.signal.aborted) this.#parts.log.error({ err: thrown, jobId: id }, 'results on their way');
        })
        .finally(() => {
          this.#known.delete(id);
          this.#working.delete(work);
        });
      this.#working.add(work);
    }
  }

  async #deliver(id: string): Promise<void> {
    const { jobs, config, log } = this.#parts;
    const untilMs = performance.now() + config.fetch.send_s * 1000;
    const brought = new Set<string>();
    let busy = true;
    const release = () => {
      if (busy) this.#busy--;
      busy = false;
      this.#next();
    };
    try {
      for (let againMs = kFirstAgainMs; ; againMs = Math.min(2 * againMs, kMostAgainMs)) {
        const job = jobs.find(id, kServer);
        if (job?.info.delivery?.state !== 'waiting') return;
        try {
          await this.#bring(job, brought);
          await jobs.deliveries.set(id, { state: 'done', files: brought.size });
          return;
        } catch (thrown) {
          if (this.#stop.signal.aborted || !jobs.find(id, kServer)) return;
          const { code, message } = toOtfError(thrown);
          if (code !== 'OTF_SEND_FAILED' || performance.now() + againMs > untilMs) {
            this.#failed.inc();
            log.warn({ jobId: id }, message);
            await jobs.deliveries.set(id, { state: 'failed', files: brought.size, message: publicText(message) });
            return;
          }
        }
        // Others go on meanwhile.
        release();
        await pause(againMs, undefined, { signal: this.#stop.signal });
        busy = true;
        this.#busy++;
      }
    } finally {
      release();
    }
  }

  async #bring(job: Job, brought: Set<string>): Promise<void> {
    const { jobs, config } = this.#parts;
    const limits = putLimits(config.fetch, job.owner);
    for (const { address, result } of addressesOf(job, await jobs.deliveries.address(job.id))) {
      if (brought.has(result.id)) continue;
      const file = { ...result, path: jobs.pathOf(job, result) };
      await putFile(address, file, limits, this.#stop.signal);
      brought.add(result.id);
      this.#files.inc();
    }
  }

  /** What is under way is cut short, and begun again by the next start. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#stop.abort();
    await Promise.all(this.#working);
  }
}
