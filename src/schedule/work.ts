/** What the workers are asked to do and what they answer: plain values only, tensors stay in shared memory. */
import type {
  CopyItemsRequest,
  DetectorConfig,
  EngineInfo,
  OpenedModel,
  OpenTaskRequest,
  StageTimes,
  TaskHandle,
  TilePiece,
} from '../engine/addon.js';
import type { ErrorCode } from '../errors/catalogue.js';
import type { ResultFile } from '../jobs/job.js';
import type { ModelCard } from '../models/card.js';

export interface FinishRequest {
  task: TaskHandle;
  jobId: string;
  /** The job's folder. */
  dir: string;
  card: ModelCard;
  input: { name: string; sha256: string };
  engine: EngineInfo;
  engineBytes: number;
  /** Seconds: the task's share of the forward passes, and since it was begun. */
  inferSeconds: number;
  wallSeconds: number;
  /** The file openTask was given, to become a result under this name. */
  raw?: { temporary: string; file: string } | undefined;
}

export interface Finished {
  results: ResultFile[];
  sources: number;
  warnings: string[];
  /** One line: frame, projection, centre, scale; absent = no celestial WCS. */
  wcs?: string | undefined;
  times: StageTimes;
  /** Whatever decided the numbers, by the names it has in the catalogue. */
  parameters: Record<string, string | number>;
}

export interface Work {
  openModel: (request: {
    card: ModelCard;
    detector: DetectorConfig;
  }) => Promise<OpenedModel & { weightsBytes: number }>;
  openTask: (request: OpenTaskRequest) => { task: TaskHandle; tiles: number };
  fill: (piece: TilePiece) => void;
  consume: (piece: TilePiece) => void;
  copy: (request: CopyItemsRequest) => void;
  hash: (path: string) => Promise<{ sha256: string; size: number }>;
  finish: (request: FinishRequest) => Promise<Finished>;
}

export interface WorkOrder<S extends keyof Work> {
  stage: S;
  request: Parameters<Work[S]>[0];
}

export interface WorkAnswer<S extends keyof Work> {
  value?: Awaited<ReturnType<Work[S]>>;
  failure?: { code: ErrorCode; message: string; stack: string | undefined };
}
