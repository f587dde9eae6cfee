/** One job on its way through the stages. Ends once: done, failed, aborted or put back; whatever comes later is dropped. */
import { rm } from 'node:fs/promises';
import type { EngineSupervisor } from '../../engine/supervisor.js';
import type { Job } from '../../jobs/job.js';
import type { InputSource, InputSources } from '../../tasks/files.js';
import { workOf } from '../../tasks/registry.js';
import type { OpenedTask } from '../../tasks/work.js';
import type { Batch } from '../runner.js';
import type { Arrival } from './arrival.js';
import type { Held } from './memory.js';

/** What was fetched or unpacked is not kept. */
export async function forget(inputs: InputSources | undefined): Promise<void> {
  for (const source of Object.values(inputs ?? {}).flat()) await forgetSource(source);
}

export async function forgetSource({ temporary, path }: InputSource): Promise<void> {
  if (temporary) await rm(path, { force: true });
}

/** Items of a task that are not those of its model's card. */
export type TaskItem = NonNullable<OpenedTask['item']>;

/** Where a task runs. */
export interface TaskDevice {
  readonly name: string;
  /** Of a key, and of items that are not the card's, in use there. */
  engineOf: (key: string, item?: TaskItem) => EngineSupervisor | undefined;
  /** What its network runs on. */
  kindFor: (key: string, item?: TaskItem) => 'cpu' | 'gpu';
}

export interface TaskParts {
  job: Job;
  key: string;
  batch: TaskBatch;
  device: TaskDevice;
  /** That were fetched before. */
  inputs: InputSources | undefined;
  /** The first of them is on its way. */
  arrival?: Arrival | undefined;
}

export interface TaskBatch {
  id: string;
  startedMs: number;
  size: number;
  reason: Batch['reason'];
}

export class TaskRun {
  readonly job: Job;
  readonly key: string;
  readonly batch: TaskBatch;
  readonly device: TaskDevice;
  /** Undefined until they have been looked at. */
  inputs: InputSources | undefined;
  readonly arrival: Arrival | undefined;
  /** Bytes of what is on its way that must be there before more tiles are prepared. */
  neededBytes = 0;
  readonly begun = performance.now();
  /** What `open` gave of the kind's own. */
  opened: Pick<OpenedTask, 'handle' | 'plan'> | undefined;
  item: TaskItem | undefined;
  tiles = 0;
  /** Of memory that its pixels take while its tiles are filled. */
  bytes = 0;
  /** Tiles below this can be filled from memory. */
  preparedTiles = 0;
  filledTiles = 0;
  consumedTiles = 0;
  inferSeconds = 0;
  /** What its network ran on, when its stream may be gone. */
  ranOn: 'cpu' | 'gpu' | undefined;
  #ended = false;
  #memory: Held | undefined;

  constructor({ job, key, batch, device, inputs, arrival }: TaskParts) {
    this.job = job;
    this.key = key;
    this.batch = batch;
    this.device = device;
    this.inputs = inputs;
    this.arrival = arrival;
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

  /** What it reads next is not here. */
  get mustWait(): boolean {
    return this.arrival !== undefined && !this.arrival.has(this.neededBytes);
  }

  /** Asked before tiles from this one on are prepared. */
  async findNeeded(next: number): Promise<void> {
    if (!this.arrival || !this.opened || next >= this.tiles) return;
    const work = await workOf(this.job.kind);
    if (this.opened) this.neededBytes = work.bytesFor?.(this.opened.handle, next) ?? Number.POSITIVE_INFINITY;
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

  /** Gives back what it holds in the workers; pieces of work under way keep it until they return. */
  async close(): Promise<void> {
    const opened = this.opened;
    if (opened === undefined) return;
    this.opened = undefined;
    (await workOf(this.job.kind)).close(opened.handle);
  }
}
