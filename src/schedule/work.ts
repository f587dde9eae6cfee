/** What the workers are asked to do and what they answer: plain values only, tensors stay in shared memory. */
import type {
  CopyItemsRequest,
  DetectorConfig,
  EngineInfo,
  OpenedModel,
  OpenedTask,
  OpenTaskRequest,
  TaskHandle,
  TilePiece,
} from '../engine/addon.js';
import type { ErrorCode } from '../errors/catalogue.js';
import type { UnpackLimits } from '../fetch/unpack.js';
import type { Closing } from '../jobs/executor.js';
import type { ResultFile } from '../jobs/job.js';
import type { ModelCard } from '../models/card.js';
import type { FormatName } from '../results/formats.js';
import type { Origins } from '../results/run-record.js';
import type { Batch, ImageSource } from './task.js';

export interface FinishRequest {
  task: TaskHandle;
  /** The job's folder. */
  dir: string;
  /** With the normalisation of this run. */
  card: ModelCard;
  origins: Origins;
  /** Warnings beside those of the native side. */
  notes: readonly string[];
  weightsBytes: number;
  image: Omit<ImageSource, 'path' | 'temporary'>;
  batch: Batch;
  engine: EngineInfo;
  engineBytes: number;
  tiles: number;
  /** Seconds: the task's share of the forward passes, and since it was begun. */
  inferSeconds: number;
  wallSeconds: number;
  closing: Closing;
  /** File of the job's folder that openTask was given, to become a result under this name. */
  raw?: { temporary: string; file: string } | undefined;
}

export interface Finished {
  results: ResultFile[];
  /** Names of every file that was made in the job's folder. */
  written: readonly string[];
  sources: number;
  warnings: string[];
  endedMs: number;
}

export interface Work {
  openModel: (request: {
    card: ModelCard;
    detector: DetectorConfig;
  }) => Promise<OpenedModel & { weightsBytes: number }>;
  /** One that takes at most `readNow` bytes is prepared at once: `ready` tiles (a small image is worth no second visit). */
  openTask: (request: OpenTaskRequest & { readNow: number }) => OpenedTask & { ready: number };
  /** Reads what the next tiles need; gives how many can be filled then. */
  prepare: (task: TaskHandle) => number;
  fill: (piece: TilePiece) => void;
  consume: (piece: TilePiece) => void;
  copy: (request: CopyItemsRequest) => void;
  hash: (path: string) => Promise<{ sha256: string; size: number }>;
  unpack: (request: { from: string; to: string; label: string; limits: UnpackLimits }) => Promise<number>;
  finish: (request: FinishRequest) => Promise<Finished>;
  /** The catalogue of a finished job in another format. */
  represent: (request: { dir: string; format: FormatName }) => Promise<ResultFile>;
}

export interface WorkOrder<S extends keyof Work> {
  stage: S;
  request: Parameters<Work[S]>[0];
}

export interface WorkAnswer<S extends keyof Work> {
  value?: Awaited<ReturnType<Work[S]>>;
  failure?: { code: ErrorCode; message: string; stack: string | undefined };
}
