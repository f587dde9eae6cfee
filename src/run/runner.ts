/**
 * Where jobs run. The scheduler decides what begins next (src/schedule); a runner runs it, on devices of this machine
 * (local/) or elsewhere, and tells its host what becomes of it:
 *
 *     scheduler --start/room/fetch/begin/abort/stop--> Runner
 *     scheduler <--executing/opened/progress/over, then completed | failed | short | requeued-- Runner      (through RunHost)
 *
 * Every job that was begun is over once, and has one outcome unless it was aborted. abort(id) may come at any time, also for
 * jobs the runner does not know: then it does nothing.
 */
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import type { OtfError } from '../errors/catalogue.js';
import type { Folder } from '../io/folder.js';
import type { Outcome, RunState, Used } from '../jobs/executor.js';
import type { Job, JobFailure, JobInfo } from '../jobs/job.js';
import type { Environment } from '../provenance/environment.js';
import type { ResultFile, RowFilter } from '../tasks/files.js';
import type { Progress } from '../tasks/kind.js';
import type { LogLevel } from '../tasks/log.js';
import type { Closing } from '../tasks/work.js';

/** A device that runs networks, or a machine with one, as far as the scheduler is concerned. */
export interface Place {
  /** Unique. */
  readonly name: string;
  /** Of the fastest kind: 0. Slower ones get jobs while no faster place wants any. */
  readonly tier: number;
  /** Can it run jobs of this key at all? */
  takes: (key: string) => boolean;
  /** The key's network is loaded there, or being loaded. */
  holds: (key: string) => boolean;
  /** No tiles wait for it: it will soon have nothing to do. */
  readonly hungry: boolean;
  /** It computes. */
  readonly busy: boolean;
  /** It gets nothing now, however long something has waited. */
  readonly full?: boolean;
}

/** Jobs of one model and compute type that begin together. */
export interface Batch {
  id: string;
  /** Name of a place of room(). */
  place: string;
  key: string;
  reason: NonNullable<JobInfo['batchReason']>;
  startedMs: number;
  jobs: readonly Job[];
  /** How many were released together, where these are only some of them. */
  size?: number;
}

/** Queues a job that may begin though its inputs are still on their way; what it gives takes the job out of the queue again. */
export type QueueEarly = () => () => void;

/** Of the runner, for people. */
export interface RunnerStatus {
  /** Work of every kind can be done. */
  ready: boolean;
  /** One line per loaded network, and what is out of order. */
  notes: readonly string[];
}

export interface Runner {
  /** Where jobs run. Known once started. */
  readonly environment: Environment;
  /** As of the executor (src/jobs/executor.ts). */
  readonly apart?: boolean;
  /** With many places: what begins where is decided no more often than this. Absent: whenever something moves. */
  readonly togetherMs?: number;
  /** Called once, before any other call. Throws OTF_CONFIG_INVALID and what keeps jobs from being run at all. */
  start(host: RunHost): Promise<void>;
  room(): readonly Place[];
  /** Inputs are elsewhere, and are brought before the job is queued, so that a slow server of somebody holds up no batch. */
  needsFetching(job: Job): boolean;
  /**
   * True: they are here, until the job is begun or aborted, which waits for being queued. False: the signal was given, or the host
   * has been told why not, or the job was queued `early` and still is, or has been begun since.
   */
  fetch(job: Job, signal: AbortSignal, early: QueueEarly): Promise<boolean>;
  /** Resolves when the place may get another batch: jobs that open quickly are under way. Never rejects. */
  begin(batch: Batch): Promise<void>;
  abort(jobId: string): void;
  /**
   * The result of a COMPLETED job in another of its kind's formats, or some of its rows (a file the caller removes), as a file
   * in its folder. Throws OTF_NOT_FOUND; OTF_BAD_REQUEST for a column that is not there.
   */
  represent(job: Job, format: string, filter?: RowFilter): Promise<ResultFile>;
  status(): RunnerStatus;
  state(): RunState;
  /** What runs may end within graceMs; the rest is told to the host as requeued. */
  stop(graceMs: number): Promise<void>;
  /** Gives everything back, once nothing is told to the host any more. */
  close(): Promise<void>;
}

export interface RunHost {
  readonly config: Config;
  readonly metrics: Registry;
  /** The job as it is now; undefined = deleted. */
  job(jobId: string): Job | undefined;
  /** Its files are out of the way, its row waits for the disk: soon it is gone, or there again. */
  deleting(jobId: string): boolean;
  /** Of the job: what was uploaded lies there, and what it leaves goes there. */
  folder(jobId: string): Folder;
  /** Asked while something large is written. Throws OTF_DISK_FULL. */
  assertRoom(): void;
  /** False: the job is gone or ended; it is to be dropped. */
  executing(jobId: string, info: JobInfo): Promise<boolean>;
  /** How many items it has is known. */
  opened(job: Job, items: number): void;
  progress(jobId: string, progress: Progress): void;
  /** A forward pass of so many items of a key. */
  passDone(key: string, items: number, seconds: number): void;
  /** undefined = deleted. */
  closing(jobId: string): Closing | undefined;
  /** Nothing of it runs any more, and what it took; the outcome comes beside whatever begins then. */
  over(job: Job, used: Used): void;
  /** False: it does not count, and its files are to be removed. */
  completed(jobId: string, outcome: Outcome): Promise<boolean>;
  failed(jobId: string, failure: JobFailure): Promise<boolean>;
  /** There was too little of something (OTF_SHORTAGE): no fault of the job, which waits for better times. Before `over`, if it was begun. */
  short(job: Job, reason: OtfError): void;
  /** What it ran on is gone, or would not have it: no fault of anybody else's jobs, which go on. Before `over`. */
  lost(job: Job, reason: OtfError): void;
  /** Cut short by stop(). */
  requeued(jobId: string): Promise<boolean>;
  /** A line of the job's log. */
  log(jobId: string, level: LogLevel, message: string): void;
  /** Something moved: more may begin. */
  changed(): void;
  /** A bug of ours that belongs to no job. */
  internal(thrown: unknown): void;
}
