/**
 * A kind of task in a worker thread: what is done with the items of its tasks. Calls of one task come in this order, each
 * from whatever thread is free:
 *
 *   openModel (once for all tasks of a model)
 *   open ─► prepare ─► fill ─► (a forward pass) ─► consume ─► finish ─► close
 *            └──── again and again, several at a time ────┘
 *
 * What crosses between threads are plain values; tensors stay in shared memory. A kind whose tiles are native takes
 * prepare, fill, consume and close from native-tiles.ts.
 */
import type { EngineInfo, SlotsHandle } from '../engine/addon.js';
import type { ItemShape } from '../engine/process.js';
import type { FolderRef } from '../io/folder.js';
import type { ModelCard } from '../models/card.js';
import type { Environment } from '../provenance/environment.js';
import type { RowFilter } from '../results/filter.js';
import type { TableFormat } from '../results/formats.js';
import type { Content } from '../results/serialise.js';
import type { FileKind, InputSources, ResultFile, UsedInput } from './files.js';
import type { ServerDefaults } from './kind.js';
import type { JobParameters } from './parameters.js';

/** What `open` gave, as every later call names it: shared by all threads of this process. */
export type TaskHandle = unknown;

export interface OpenedModel {
  /** For `open` and closeModel. */
  model: unknown;
  /** Floats per item, in and out of the network. */
  valuesIn: number;
  valuesOut: number;
}

/** Of a job, what tasks and their records need to know. */
export interface TaskJob {
  id: string;
  kind: string;
  /** How the job was created (src/jobs/job.ts). */
  style: string;
  /** null = anonymous. */
  owner: string | null;
  createdMs: number;
  startedMs: number | null;
  quantization: string;
  parameters: JobParameters;
  info: { environment?: Environment };
}

export interface OpenRequest {
  job: Pick<TaskJob, 'style' | 'quantization' | 'parameters'>;
  card: ModelCard;
  model: unknown;
  inputs: InputSources;
  defaults: ServerDefaults;
  /** File for the network's output of every item, float32, in the order of the items. */
  rawOutput?: string | undefined;
  /** Where a kind that leaves files beside its result writes them while it works (Found.files); undefined = nowhere. */
  folder?: string | undefined;
}

export interface OpenedTask {
  handle: TaskHandle;
  /** 0: it needs no network, and is finished at once. */
  items: number;
  /** Of memory that filling them takes at most. */
  bytes: number;
  /** Reading goes through a decoder, which may hang: it is not done in passing, where nothing can cancel it. */
  decodes: boolean;
  /** Of its items, where they are not those of the card: its passes are then its own and of tasks with the same. */
  item?: ItemShape & { valuesIn: number; valuesOut: number };
  /** The kind's own, plain values: comes back with `finish`. */
  plan: unknown;
}

/** Items [first, first+count) of a task are items [item, item+count) of a slot. */
export interface Piece {
  handle: TaskHandle;
  first: number;
  count: number;
  slots: SlotsHandle;
  slot: number;
  item: number;
}

/** What the run was like, for the record. */
export interface RunFacts {
  /** undefined: of a task without items, for which none ran. */
  engine: EngineInfo | undefined;
  engineBytes: number;
  items: number;
  /** Seconds: the task's share of the forward passes, and since it was begun. */
  inferSeconds: number;
  wallSeconds: number;
}

export interface EndRequest extends RunFacts {
  handle: TaskHandle;
  card: ModelCard;
  plan: unknown;
  jobId?: string | undefined;
  /** Absolute URL of the job, for links in what it leaves. */
  jobUrl?: string | undefined;
  /** By the name of the input. */
  inputs: Readonly<Record<string, readonly UsedInput[]>>;
  /** CPU threads it may use; 0 = all. */
  threads: number;
}

export interface Found {
  /** What every format of the result is made of: plain values, kept with the job. */
  record: unknown;
  /** UTC, milliseconds since 1970. */
  endedMs: number;
  /** Rows of the result. */
  count: number;
  /** One line for people: what was found, in how many items. */
  summary: string;
  warnings: readonly string[];
  /** For the provenance records: what the request asked for, what decided the numbers, and more about inputs by their names. */
  asked: Record<string, string>;
  parameters: Record<string, string | number>;
  aboutInputs: Record<string, Record<string, string>>;
  /** Results beside the one of the kind: made here, or there already, under `temporary` in the folder `open` was given. */
  files?: readonly (FileKind & ({ pieces: Iterable<string | Uint8Array> } | { temporary: string }))[];
}

export interface TaskWork {
  /** Reads the network and keeps what tasks need of it. Throws when it does not fit the card. */
  openModel: (card: ModelCard) => OpenedModel;
  closeModel: (model: unknown) => void;
  /** Reads headers only. */
  open: (request: OpenRequest) => OpenedTask;
  /** Reads what the next items need, as long as that takes; gives how many of them `fill` can write from memory then. */
  prepare: (handle: TaskHandle) => number;
  /**
   * Of a kind that begins early (TaskKind): so many bytes of its first input must be there before `prepare` is called for this item,
   * the first that is not prepared; Infinity = all. In the main thread: must not wait.
   */
  bytesFor?: (handle: TaskHandle, item: number) => number;
  /** One call per task at a time, forward only. */
  fill: (piece: Piece) => void;
  /** Each item once, in any order. */
  consume: (piece: Piece) => void;
  /** When every item is consumed. Ends the task. */
  finish: (request: EndRequest) => Found | Promise<Found>;
  /** Gives back what `open` took; pieces of work under way end soon. In the main thread: must not wait. */
  close: (handle: TaskHandle) => void;
  /** The result in one of the kind's formats; of a filter, the rows it keeps alone (OTF_BAD_REQUEST: no such column). */
  content: (record: unknown, format: string, filter?: RowFilter) => Content;
  /** Of a kind with `part`: the one of this name in a format of tables; undefined = there is none. */
  part?: (record: unknown, name: string, format: TableFormat) => Content | undefined;
  /**
   * Step n brings a record of version n + 1 to n + 2. One is needed when `content` reads what older records do not have;
   * test/fixtures/data-0.1.0 has one of version 1, and a test writes it in every format.
   */
  upgrades: readonly ((record: unknown) => unknown)[];
}

/** What the records of a job need of whoever has it, when it ends. */
export interface Closing {
  job: TaskJob;
  /** Lines of its log so far. */
  log: readonly string[];
  /** Absolute URL of the server without a slash at the end. */
  baseUrl: string;
}

export interface Batch {
  id: string;
  startedMs: number;
  size: number;
  reason: string;
}

/** The end of a task of a job: results, log and provenance go into its folder. */
export interface FinishRequest extends Omit<EndRequest, 'jobId' | 'jobUrl' | 'threads'> {
  kind: string;
  /** The job's. */
  folder: FolderRef;
  weightsBytes: number;
  batch: Batch;
  closing: Closing;
  /** File of the job's folder that `open` was given, to become a result under this name. */
  raw?: { temporary: string; file: string } | undefined;
}

export interface Finished extends Pick<Found, 'endedMs' | 'count' | 'summary' | 'warnings'> {
  results: ResultFile[];
  /** Names of every file that was made in the job's folder. */
  written: readonly string[];
}

export const kRawKind: Pick<FileKind, 'id' | 'mime'> = { id: 'raw', mime: 'application/octet-stream' };
