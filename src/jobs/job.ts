/**
 * What a job is: plain, immutable values. A change makes a new object (src/jobs/store.ts), so that a reader never sees
 * half a change.
 *
 *     PENDING --RUN--> QUEUED --> EXECUTING --> COMPLETED
 *        |  RUN        ^  |           +-------> ERROR
 *        |   +-> HELD -+  |           |
 *        +-------+--------+-----ABORT-+-------> ABORTED      (executionDuration exceeded, or the end of a job it follows: too)
 */
import type { ErrorCode, UwsErrorType } from '../errors/catalogue.js';
import type { Environment } from '../provenance/environment.js';
import type { ResultFile, UploadedFile } from '../tasks/files.js';
import type { Progress } from '../tasks/kind.js';
import type { JobParameters } from '../tasks/parameters.js';

/** Every phase of UWS 1.1, section 2.1.3: all are valid filters, ours are kOwnPhases. */
export const kPhases = [
  'PENDING',
  'QUEUED',
  'EXECUTING',
  'COMPLETED',
  'ERROR',
  'ABORTED',
  'UNKNOWN',
  'HELD',
  'SUSPENDED',
  'ARCHIVED',
] as const;
export type UwsPhase = (typeof kPhases)[number];
/** Those jobs are in here. */
export const kOwnPhases = ['PENDING', 'HELD', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED'] as const;
export type Phase = (typeof kOwnPhases)[number];

/**
 * How the job was created decides what a request without a telling Accept header gets: by UWS, by the observatory's client
 * of 2025-12, or by today's (docs/interop.md, Negotiation).
 */
export type Style = 'standard' | 'legacy' | 'observatory';

export interface JobFailure {
  type: UwsErrorType;
  /** Of the catalogue; absent where an earlier version wrote it. */
  code?: ErrorCode;
  /** One line; no path of this machine, no stack. */
  message: string;
  /** More lines for /error, e.g. a library's last words. */
  detail?: string;
}

export interface Delivery {
  state: 'waiting' | 'done' | 'failed';
  /** That were brought. */
  files: number;
  /** Why not the others. */
  message?: string;
}

/** What people want to know of a run; kept with the job once known. */
export interface JobInfo {
  /** HELD until these jobs have ended well. */
  waitsFor?: readonly string[];
  /** How often it was begun, less the times that ended without its doing: more than one is what crashes leave. */
  attempts?: number;
  /** How often the server was killed, or its machine went down, while it was being executed. */
  interruptions?: number;
  batchId?: string;
  batchSize?: number;
  /** Why the batch was released. */
  batchReason?: 'full' | 'waited' | 'idle' | 'alone';
  engine?: string;
  engineVersion?: string;
  device?: string;
  /** Compute type really used. */
  computeType?: string;
  progress?: Progress;
  /** Rows of the result; absent where an earlier version wrote it. */
  found?: number;
  warnings?: readonly string[];
  /** Where it ran; shared by all jobs of one start of a server. */
  environment?: Environment;
  /** Of results that are wanted elsewhere (RESULTS_TO). */
  delivery?: Delivery;
  /** Its first input as it was read, when that was not uploaded. */
  fetched?: { name: string; size: number; sha256?: string | undefined };
}

export const kDefaultPriority = 5;
export const kMaxPriority = 9;

export interface Job {
  id: string;
  /** What it is to do: name of a TaskKind, and that of its model's card. */
  kind: string;
  style: Style;
  phase: Phase;
  /** null = anonymous. */
  owner: string | null;
  /** Whom per-owner fairness counts an anonymous job for: the address it came from. */
  remote: string;
  runId: string | null;
  /** Milliseconds since 1970, UTC. */
  createdMs: number;
  queuedMs: number | null;
  startedMs: number | null;
  endedMs: number | null;
  /** Seconds, 0 = no limit. */
  executionDurationS: number;
  destructionMs: number | null;
  /** Canonical: what the batching key is made of. */
  modelId: string;
  quantization: string;
  /** 0 to 9: of the waiting jobs of one owner and key, the highest goes first. */
  priority: number;
  parameters: JobParameters;
  results: readonly ResultFile[];
  failure: JobFailure | null;
  info: JobInfo;
}

export function isFinal(phase: Phase): boolean {
  return phase === 'COMPLETED' || phase === 'ERROR' || phase === 'ABORTED';
}

export function isActive(phase: Phase): boolean {
  return !isFinal(phase);
}

/** PENDING, QUEUED, EXECUTING: the phases in which WAIT blocks (UWS 1.1, section 2.2.1.2). */
export function isWaitedFor(phase: Phase): boolean {
  return isActive(phase) && phase !== 'HELD';
}

/** Whom it is counted for: its owner, or the address an anonymous one came from. */
export function ownerKey({ owner, remote }: Pick<Job, 'owner' | 'remote'>): string {
  return owner === null ? `@${remote}` : `=${owner}`;
}

/** Of its uploads and results. */
export function storedBytes({ parameters, results }: Pick<Job, 'parameters' | 'results'>): number {
  let bytes = uploadedBytes(parameters);
  for (const { size } of results) bytes += size;
  return bytes;
}

export function uploadedBytes({ inputs, request }: Pick<JobParameters, 'inputs' | 'request'>): number {
  return uploads({ inputs }).reduce((bytes, { size }) => bytes + size, request?.size ?? 0);
}

/** Inputs that lie in the job's folder. */
export function uploads({ inputs }: Pick<JobParameters, 'inputs'>): UploadedFile[] {
  return Object.values(inputs)
    .flat()
    .filter((file): file is UploadedFile => file.kind === 'upload');
}
