/**
 * The port between the protocol half and whatever runs jobs (scheduler, engine processes, workers).
 *
 *     JobService --admit/submit/abort/position/stats/stop--> Executor
 *     JobService <--executing/progress/info/log/completed/failed/requeued-- Executor      (through ExecutorHost)
 *
 * Life of a job as the executor sees it:
 *     submit(job)  the row is committed as QUEUED; from now on the executor owns the order
 *       host.executing(id, ...)          -> true: go on; false: the job is gone or ended, drop it silently
 *       host.progress(id, {done, total, unit})  as often as you like: kept in memory only, events are throttled by the host
 *       host.completed(id, outcome)      -> true: it counts; false: it had been aborted or deleted meanwhile
 *    or host.failed(id, failure)         -> same
 *    or host.requeued(id)                   back to QUEUED (engine lost, shutting down); the executor keeps the job
 * A job whose info has attempts when it is submitted was being executed when the server crashed: it runs with no other
 * beside it, so that a job that ends the server takes none with it, and is known by it.
 * abort(id, why) may come at any time, also for ids the executor does not know (any more): then it does nothing. The job
 * has already left its phase when abort is called; nothing needs to be reported back. The host never calls submit twice
 * for one id in one process, except after host.requeued() was answered by a restart of the program.
 */
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import type { Folder } from '../io/folder.js';
import type { Environment } from '../provenance/environment.js';
import type { ResultFile, RowFilter } from '../tasks/files.js';
import type { Progress } from '../tasks/kind.js';
import type { LogLevel } from '../tasks/log.js';
import type { Closing } from '../tasks/work.js';
import type { Job, JobFailure, JobInfo } from './job.js';

export type Admission =
  | { accepted: true }
  /** 503 with Retry-After: `retryAfterS`; `reason` is the line the client reads. */
  | { accepted: false; retryAfterS: number; reason: string };

export type AbortReason = 'aborted' | 'deleted' | 'duration';

/** Jobs of one key that wait, for people. Times are milliseconds since 1970. */
export interface QueueState {
  key: string;
  waiting: number;
  oldestMs: number;
  /** How many of them go together next, as it stands. */
  batch: number;
  /**
   * Why not now. busy: the devices compute, and it leaves when one will soon have nothing to do, when it is full, or at
   * leavesMs; opening: the batch before it is being opened; alone: a job that a crash interrupted runs with no other beside
   * it; short: something ran short for a moment.
   */
  why: 'busy' | 'opening' | 'alone' | 'short';
  leavesMs?: number;
}

/** A network on a device. */
export interface NetworkState {
  key: string;
  engine?: string | undefined;
  version?: string | undefined;
  /** As the engine calls it. */
  device?: string | undefined;
  computeType?: string | undefined;
  memoryBytes: number;
  loaded: boolean;
  /** Deaths of its process since the server started. */
  restarts: number;
}

export interface DeviceState {
  name: string;
  busy: boolean;
  networks: readonly NetworkState[];
}

export interface GpuState {
  gpu: string;
  name: string;
  memoryUsedBytes: number;
  memoryTotalBytes: number;
  /** 0..1, share of the last sample period in which a kernel ran. */
  load: number;
}

/** A worker on another machine. What has become of jobs there counts since the server first heard of it. */
export interface WorkerState {
  name: string;
  /** Its machine. */
  node: string;
  /** Milliseconds since 1970, by its own clock. */
  startedMs: number;
  /** It takes nothing more. */
  leaving: boolean;
  /** Networks that are loaded there. */
  keys: readonly string[];
  /** Jobs it has, or is being given. */
  held: number;
  completed: number;
  /** Begun elsewhere: it was lost under them. */
  lost: number;
  /** Of these, those that it did not know any more. */
  swept: number;
  /** Not taken, or given back. */
  back: number;
  /** Ends that came late or twice, or of jobs that were aborted. */
  refused: number;
}

/** What runs where. */
export interface RunState {
  /** Absent where jobs run in this process. */
  workers?: readonly WorkerState[];
  devices: readonly DeviceState[];
  /** As the driver sees them; empty where there is none. */
  gpus: readonly GpuState[];
  /** Of the last ten seconds. */
  itemsPerSecond: number;
}

export interface ExecutorState extends RunState {
  queues: readonly QueueState[];
  maxBatch: number;
}

export interface ExecutorStats {
  /** Can jobs be run at all? False makes /healthz/ready answer 503. */
  ready: boolean;
  /** Jobs waiting, by key `model/quantization`. */
  queued: Record<string, number>;
  executing: number;
  /** One line per loaded network or similar, for people (VOSI note). */
  note?: string;
}

export interface Executor {
  /** Where jobs run. Known once started. */
  readonly environment: Environment;
  /** Jobs run elsewhere and go on there when this process ends: none of them is to blame for that. */
  readonly apart?: boolean;
  /** Called once, before any other call. Metrics of its own are registered in host.metrics with the prefix otf_. */
  start(host: ExecutorHost): Promise<void>;
  /** Would one more job be taken? `reserved` = admitted moments ago, not yet submitted. Must be fast and synchronous. */
  admit(reserved: number): Admission;
  submit(job: Job): void;
  abort(jobId: string, why: AbortReason): void;
  /**
   * The result of a COMPLETED job in another of its kind's formats, or some of its rows (a file the caller removes), as a file
   * in its folder. Throws OTF_NOT_FOUND; OTF_BAD_REQUEST for a column that is not there.
   */
  represent(job: Job, format: string, filter?: RowFilter): Promise<ResultFile>;
  /** Place in the queue, 1 = next; undefined when not waiting. */
  position(jobId: string): number | undefined;
  /** Nothing is done for it: what it needs is here, and it waits for its turn, though it may be EXECUTING (it was fetched). */
  idle(jobId: string): boolean;
  /** Milliseconds from now until the job should be done (queue and measured rate); undefined = no honest estimate. */
  remainingMs(jobId: string): number | undefined;
  stats(): ExecutorStats;
  /** More of it, for people: asked for once a second while somebody looks. */
  state(): ExecutorState;
  /** Finish what runs within graceMs, requeue the rest, then release everything. No new work is submitted afterwards. */
  stop(graceMs: number): Promise<void>;
}

/** What a finished job hands over. Result files lie in host.folder(id), complete and synced, and so is the folder. */
export interface Outcome {
  results: ResultFile[];
  /** Names of every file that was made in the folder. */
  written: readonly string[];
  info: JobInfo;
  /** As the records say it. */
  endedMs: number;
}

/** What a job took of a device, whatever became of it. */
export interface Used {
  /** That went through the network, e.g. tiles. */
  items: number;
  device: 'cpu' | 'gpu';
  /** Of the device: the job's share of the forward passes it was in. */
  seconds: number;
}

export interface ExecutorHost {
  readonly config: Config;
  readonly metrics: Registry;
  /** The job as it is now; undefined = deleted. */
  job(jobId: string): Job | undefined;
  /** Its files are out of the way, its row waits for the disk: soon it is gone, or there again. */
  deleting(jobId: string): boolean;
  /** Its folder. Only files named in Outcome.results are kept track of; the folder goes when the job goes. */
  folder(jobId: string): Folder;
  /** Asked while something large is written. Throws OTF_DISK_FULL. */
  assertRoom(): void;
  /** Nothing of a job can be kept at the moment: none is begun, and none fails. Undefined: nobody waits for that to end. */
  readonly readOnly: boolean | undefined;
  executing(jobId: string, info: JobInfo): Promise<boolean>;
  progress(jobId: string, progress: Progress): void;
  /** undefined = deleted. */
  closing(jobId: string): Closing | undefined;
  completed(jobId: string, outcome: Outcome): Promise<boolean>;
  failed(jobId: string, failure: JobFailure, info?: JobInfo): Promise<boolean>;
  requeued(jobId: string): Promise<boolean>;
  /** For the accounts; each time something of the job has run. */
  used(job: Pick<Job, 'owner'>, used: Used): void;
  /** A line of the job's own log (result `log`) and of the server's. */
  log(jobId: string, level: LogLevel, message: string): void;
  /** A bug of ours that belongs to no job: to the server's log. */
  internal(thrown: unknown): void;
}
