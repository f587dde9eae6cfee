/**
 * A device that is a clock: tiles take so long and nothing is computed. All else of a worker is real. A network has to be
 * loaded first and there is room for one; what a run leaves is as many files, and as large, as those of a detection.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { OtfError } from '#otf/errors/catalogue.js';
import type { RunState } from '#otf/jobs/executor.js';
import type { Job } from '#otf/jobs/job.js';
import type { Environment } from '#otf/provenance/environment.js';
import type { Batch, Place, RunHost, Runner, RunnerStatus } from '#otf/run/runner.js';
import type { ResultFile } from '#otf/tasks/files.js';

export interface Simulated {
  tileMs: number;
  /** Of a job. */
  tiles: number;
  loadMs: number;
}

/** Since the start. */
export interface SimulatedCounts {
  tiles: number;
  jobs: number;
  loads: number;
}

interface Task {
  job: Job;
  batch: Batch;
  arrivedMs: number;
  left: number;
}

const kPassTiles = 8;
/** Passes that are filled ahead of the device (src/run/local/device.ts). */
const kPassesAhead = 3;
/** Of each file: a catalogue, its log, three notations of provenance. */
const kFiles: readonly [id: string, file: string, mime: string, bytes: number][] = [
  ['result', 'catalogue.vot', 'application/x-votable+xml', 8000],
  ['log', 'job.log', 'text/plain', 1000],
  ['provjson', 'provenance.json', 'application/json', 5000],
  ['provn', 'provenance.provn', 'text/provenance-notation', 3000],
  ['provxml', 'provenance.xml', 'application/xml', 5000],
];
const kLetters = 'x'.repeat(8000);

export class SimulatedRunner implements Runner, Place {
  readonly environment: Environment = {};
  readonly name = 'clock';
  readonly tier = 0;
  readonly stuck = 0;
  readonly counts: SimulatedCounts = { tiles: 0, jobs: 0, loads: 0 };
  readonly #how: Simulated;
  #host!: RunHost;
  #tasks: Task[] = [];
  #loaded: string | undefined;
  /** When the device has done what it was given. */
  #freeMs = 0;
  #working = false;
  #stopped = false;

  constructor(how: Simulated) {
    this.#how = how;
  }

  async start(host: RunHost): Promise<void> {
    this.#host = host;
  }

  room(): readonly Place[] {
    return [this];
  }

  takes(): boolean {
    return true;
  }

  holds(key: string): boolean {
    return this.#loaded === key || this.#tasks.some(({ batch }) => batch.key === key);
  }

  get hungry(): boolean {
    const left = this.#tasks.reduce((sum, task) => sum + task.left, 0);
    return left <= kPassesAhead * kPassTiles;
  }

  get busy(): boolean {
    return this.#working;
  }

  needsFetching(): boolean {
    return false;
  }

  fetch(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async begin(batch: Batch): Promise<void> {
    for (const job of batch.jobs) {
      if (!(await this.#host.executing(job.id, { batchId: batch.id, batchReason: batch.reason }))) continue;
      this.#host.opened(job, this.#how.tiles);
      this.#tasks.push({ job, batch, arrivedMs: performance.now(), left: this.#how.tiles });
    }
    this.#work().catch((thrown) => this.#host.internal(thrown));
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (let task = this.#tasks[0]; task && !this.#stopped; task = this.#tasks[0]) {
      const { key } = task.batch;
      // A late timer is this process's, not the device's: it goes on from when it was done.
      this.#freeMs = Math.max(this.#freeMs, task.arrivedMs);
      if (this.#loaded !== key) {
        this.#loaded = key;
        this.counts.loads++;
        await this.#take(this.#how.loadMs);
      }
      while (task.left > 0 && this.#tasks[0] === task) {
        const tiles = Math.min(kPassTiles, task.left);
        await this.#take(tiles * this.#how.tileMs);
        task.left -= tiles;
        this.counts.tiles += tiles;
        this.#host.passDone(key, tiles, (tiles * this.#how.tileMs) / 1000);
        this.#tellProgress(task);
      }
      if (this.#tasks[0] !== task) continue;
      this.#tasks.shift();
      this.#finish(task).catch((thrown) => this.#host.internal(thrown));
    }
    this.#working = false;
    this.#host.changed();
  }

  async #take(ms: number): Promise<void> {
    this.#freeMs += ms;
    await pause(Math.max(0, this.#freeMs - performance.now()));
  }

  #tellProgress({ job, left }: Task): void {
    const { tiles: total } = this.#how;
    this.#host.progress(job.id, { done: total - left, total, unit: 'tiles' });
  }

  async #finish({ job, batch }: Task): Promise<void> {
    const host = this.#host;
    if (!host.closing(job.id)) return;
    const folder = host.folder(job.id);
    const results: ResultFile[] = kFiles.map(([id, file, mime, bytes]) => {
      return { id, file, mime, ...folder.write(file, [kLetters.slice(0, bytes)]) };
    });
    host.over(job, { items: this.#how.tiles, device: 'gpu', seconds: (this.#how.tiles * this.#how.tileMs) / 1000 });
    this.counts.jobs++;
    const info = { batchId: batch.id, batchSize: batch.size ?? batch.jobs.length, found: 0, warnings: [] };
    const written = results.map(({ file }) => file);
    await host.completed(job.id, { results, written, info, endedMs: Date.now() });
  }

  abort(jobId: string): void {
    this.#tasks = this.#tasks.filter(({ job }) => job.id !== jobId);
  }

  represent(): Promise<ResultFile> {
    return Promise.reject(new OtfError('OTF_NOT_FOUND', 'nothing was computed'));
  }

  status(): RunnerStatus {
    return { ready: true, notes: [] };
  }

  state(): RunState {
    const key = this.#loaded;
    const networks = key === undefined ? [] : [{ key, memoryBytes: 0, loaded: true, restarts: 0 }];
    return { devices: [{ name: this.name, busy: this.#working, networks }], gpus: [], itemsPerSecond: 0 };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#tasks.map(({ job }) => this.#host.requeued(job.id)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
