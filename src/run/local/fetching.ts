/**
 * Inputs from elsewhere. A large image that is not compressed may be begun while the rest of it is on its way:
 *
 *   fetch ─► its head is here: queued early ─► begun ─► (tiles, as their rows come) ─► everything is here, and checked ─► finish
 *              └─ it is slow, or comes anew: taken back ───────────────────────────────► queued
 *
 * Nothing counts before all of it is here and has the checksum it should.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { toOtfError } from '../../errors/catalogue.js';
import type { TransferWatch } from '../../fetch/fetch-image.js';
import type { Job } from '../../jobs/job.js';
import type { InputSource, InputSources } from '../../tasks/files.js';
import { kindNamed } from '../../tasks/registry.js';
import type { QueueEarly, RunHost } from '../runner.js';
import { Arrival } from './arrival.js';
import type { Ends } from './ends.js';
import { jobFailure } from './failure.js';
import { FetchThread } from './fetch-thread.js';
import { jobInputs } from './inputs.js';
import { rawOutputOf } from './raw-output.js';
import { forget, type TaskRun } from './task.js';
import type { Workers } from './workers.js';

/** A smaller one is here in a moment. */
const kWorthBytes = 4 << 20;
/** Headers are not longer, but for a few. */
const kHeadBytes = 256 << 10;
/** How every FITS file begins that is not packed. */
const kMagic = Buffer.from('SIMPLE  =');

/** Of a job that has not begun. */
export interface Brought {
  inputs: InputSources;
  /** Absent: all are here. */
  arrival?: Arrival | undefined;
}

export interface FetchingParts {
  host: RunHost;
  workers: Workers;
  ends: Ends;
  /** The job's task, when it has begun. */
  running: (jobId: string) => TaskRun | undefined;
}

export class Fetching {
  readonly #parts: FetchingParts;
  readonly #brought = new Map<string, Brought>();
  readonly receiving = new FetchThread();

  constructor(parts: FetchingParts) {
    this.#parts = parts;
  }

  /** For its task. */
  take(jobId: string): Brought | undefined {
    const brought = this.#brought.get(jobId);
    this.#brought.delete(jobId);
    return brought;
  }

  /** As Runner.fetch. */
  async fetch(job: Job, signal: AbortSignal, queue: QueueEarly): Promise<boolean> {
    const { host, workers, ends, running } = this.#parts;
    const stop = new AbortController();
    const early = new Early(job, { ...this.#parts, queue, stop: () => stop.abort(), brought: this.#brought });
    const either = AbortSignal.any([signal, stop.signal]);
    try {
      const watch = early.possible ? early.watch : undefined;
      const { receiving } = this;
      const { fetch } = host.config;
      const inputs = await jobInputs(job, { host, fetch, workers, receiving, signal: either, watch });
      for (const file of Object.values(inputs).flat()) {
        if (file.url !== undefined) host.log(job.id, 'info', `fetched ${file.size} bytes from ${file.url}`);
      }
      if (either.aborted) {
        await forget(inputs);
        return false;
      }
      const { arrival } = early;
      if (!arrival || this.#brought.has(job.id)) this.#brought.set(job.id, { inputs });
      arrival?.ended(inputs);
      return !arrival;
    } catch (thrown) {
      const error = toOtfError(thrown);
      early.arrival?.failed(error);
      const task = early.arrival && running(job.id);
      if (task) {
        if (either.aborted) ends.drop(task);
        else ends.fail(task, error);
        return false;
      }
      early.withdraw();
      if (either.aborted) return false;
      if (error.code === 'OTF_SHORTAGE') host.short(job, error);
      else await host.failed(job.id, jobFailure(error, undefined));
      return false;
    }
  }
}

interface EarlyParts extends FetchingParts {
  queue: QueueEarly;
  stop: () => void;
  brought: Map<string, Brought>;
}

/** Whether a job may begin before its first input is here, and whether it has. */
class Early {
  readonly #job: Job;
  readonly #parts: EarlyParts;
  /** While it may have begun. */
  arrival: Arrival | undefined;
  #unqueue: (() => void) | undefined;
  /** Once is enough. */
  #tried = false;

  constructor(job: Job, parts: EarlyParts) {
    this.#job = job;
    this.#parts = parts;
  }

  /** One that may have ended a server runs alone: nothing else begins meanwhile, and that must not take as long as somebody's network. */
  get possible(): boolean {
    const { kind, parameters, info } = this.#job;
    const suspicious = (info.attempts ?? 0) > 0;
    return !suspicious && !rawOutputOf(this.#job) && kindNamed(kind).beginsEarly?.(parameters.asked) === true;
  }

  /** Of a transfer into `file`, of the input `name`, beside the others. */
  readonly watch = (name: string, file: InputSource, others: InputSources): TransferWatch => ({
    restarts: () => {
      this.arrival?.callOff('its image comes from its beginning again');
    },
    came: (bytes, total) => {
      this.arrival?.came(bytes);
      if (this.#tried || bytes < kHeadBytes || total === undefined || total < kWorthBytes || bytes >= total) return;
      this.#tried = true;
      if (!beginsAsFits(file.path)) return;
      this.#begin({ ...others, [name]: [{ ...file, size: total, growing: true }] }, bytes);
    },
  });

  #begin(inputs: InputSources, bytes: number): void {
    const { host, queue, stop, brought } = this.#parts;
    this.arrival = new Arrival({ stop, takeBack: (why) => this.#takeBack(why) });
    this.arrival.came(bytes);
    brought.set(this.#job.id, { inputs, arrival: this.arrival });
    host.log(this.#job.id, 'info', 'may begin while the rest of its image is on its way');
    this.#unqueue = queue();
  }

  withdraw(): void {
    this.#unqueue?.();
    this.#unqueue = undefined;
    if (this.arrival) this.#parts.brought.delete(this.#job.id);
  }

  #takeBack(why: string): void {
    const { host, ends, running } = this.#parts;
    this.withdraw();
    this.arrival = undefined;
    host.log(this.#job.id, 'info', `${why}: it begins when all of it is here`);
    const task = running(this.#job.id);
    if (task) ends.takeBack(task);
  }
}

/** What has just been written is read from memory. */
function beginsAsFits(path: string): boolean {
  const bytes = Buffer.alloc(kMagic.length);
  const file = openSync(path, 'r');
  try {
    return readSync(file, bytes) === bytes.length && bytes.equals(kMagic);
  } finally {
    closeSync(file);
  }
}
