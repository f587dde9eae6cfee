/** One job on its way through the stages. Ends once: done, failed, aborted or put back; whatever comes later is dropped. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskHandle } from '../engine/addon.js';
import { loadAddon } from '../engine/load.js';
import type { Job } from '../jobs/job.js';
import type { Held } from './memory.js';
import type { ReleaseReason } from './queue.js';
import type { ChosenRequest } from './request.js';

/** The image as the job will read it. */
export interface ImageSource {
  path: string;
  /** For people: never a path. */
  name: string;
  /** Of the file as it was given; undefined: a region of a file of this machine, which is not read as a whole. */
  sha256?: string | undefined;
  size: number;
  modified?: Date | undefined;
  /** As the client gave it; undefined = uploaded. */
  url?: string | undefined;
  /** Fetched or unpacked for this run only. */
  temporary?: boolean | undefined;
  /** The primary-beam image of the job. */
  beam?: ImageSource | undefined;
}

/** A fetched image is not kept. */
export async function forget(image: ImageSource | undefined): Promise<void> {
  if (image?.temporary) await rm(image.path, { force: true });
  if (image?.beam) await forget(image.beam);
}

/** Files of a run whose end does not count. */
export async function removeWritten(dir: string, files: readonly string[]): Promise<void> {
  await Promise.all(files.map((file) => rm(join(dir, file), { force: true })));
}

export interface Batch {
  id: string;
  startedMs: number;
  size: number;
  reason: ReleaseReason;
}

export class TaskRun {
  readonly job: Job;
  readonly batch: Batch;
  /** Undefined until it has been looked at. */
  image: ImageSource | undefined;
  readonly begun = performance.now();
  handle: TaskHandle | undefined;
  /** Once it is being opened. */
  request: ChosenRequest | undefined;
  tiles = 0;
  /** Of memory that its pixels take while its tiles are filled. */
  bytes = 0;
  /** Tiles below this can be filled from memory. */
  preparedTiles = 0;
  filledTiles = 0;
  consumedTiles = 0;
  inferSeconds = 0;
  #ended = false;
  #memory: Held | undefined;

  constructor(job: Job, batch: Batch, image: ImageSource | undefined) {
    this.job = job;
    this.batch = batch;
    this.image = image;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get tilesToFill(): number {
    return this.#ended ? 0 : this.tiles - this.filledTiles;
  }

  /** Tiles that can be filled at once. */
  get readyTiles(): number {
    return this.#ended ? 0 : this.preparedTiles - this.filledTiles;
  }

  get holdsMemory(): boolean {
    return this.#memory !== undefined;
  }

  /** Until the last tile is filled, or somebody sees the task's end. */
  holdMemory(memory: Held): void {
    this.#memory = memory;
  }

  releaseMemory(): void {
    this.#memory?.release();
    this.#memory = undefined;
  }

  /** True the first time. Work under way stops soon. */
  end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    return true;
  }

  /** Gives the native side back; pieces of work under way keep it until they return. */
  async close(): Promise<void> {
    const handle = this.handle;
    if (handle === undefined) return;
    this.handle = undefined;
    const addon = await loadAddon();
    addon.cancelTask(handle);
    addon.closeTask(handle);
  }
}
