/**
 * What a job is: plain, immutable values. A change makes a new object (src/jobs/store.ts), so that a reader never sees
 * half a change.
 *
 *     PENDING --RUN--> QUEUED --> EXECUTING --> COMPLETED
 *        |                |           +-------> ERROR
 *        +----------------+-----ABORT-+-------> ABORTED      (executionDuration exceeded: ABORTED too)
 */
import type { UwsErrorType } from '../errors/catalogue.js';
import type { NormalisationWish } from '../models/normalisation.js';
import type { Environment } from '../provenance/environment.js';

/** Every phase of UWS 1.1, section 2.1.3: all are valid filters, ours are the first six. */
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
export const kOwnPhases = ['PENDING', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED'] as const;
export type Phase = (typeof kOwnPhases)[number];

/**
 * How the job was created decides what a request without a telling Accept header gets: by UWS, by the observatory's client
 * of 2025-12, or by today's (docs/interop.md, Negotiation).
 */
export type Style = 'standard' | 'legacy' | 'observatory';

/** A file in the job's folder that was uploaded: gives back exactly these bytes. */
export interface UploadedFile {
  kind: 'upload';
  /** Name inside the job's folder. */
  file: string;
  /** As the client called it, without folders; for people only, never a path. */
  name: string;
  mime: string;
  size: number;
  sha256: string;
}

/** http, https or (below configured folders) file; fetched in phase EXECUTING by src/fetch. */
export interface ImageUrl {
  kind: 'url';
  url: string;
}

/** [ra, dec] degrees and [width, height] pixels, or a 1-based pixel box as people and FITS count. */
export interface Region {
  roi?: [number, number, number, number];
  box?: [number, number, number, number];
  /** Of roi; absent = the image's own equatorial frame. */
  frame?: 'ICRS';
  /** Meant only when it is on the image; else the whole image is searched. */
  ifInside?: boolean;
}

export interface JobParameters {
  /** As the client wrote it; undefined = the server's default. */
  model?: string;
  quantization?: string;
  image?: UploadedFile | ImageUrl;
  /** 64 lower-case hexadecimal digits the image must have. */
  imageSha256?: string;
  region?: Region;
  /** Which image of the file; see ImageSelect of src/engine/addon.ts. */
  hdu?: number;
  plane?: number;
  /** In place of the image's BUNIT. */
  pixelUnit?: string;
  /** Primary-beam image. */
  beam?: UploadedFile | ImageUrl;
  /** Above the model card's and the server's. */
  normalisation?: NormalisationWish;
  /** Format of the result with the id `result`; undefined = VOTable. */
  responseFormat?: string;
  /** When the request that made the job began to arrive, milliseconds since 1970. */
  receivedMs?: number;
  /** The request document of an older client: a file in the job's folder. */
  request?: UploadedFile;
}

/** One file the job left in its folder. `size` and `mime` are what the download sends. */
export interface ResultFile {
  /** Unique in the job, an NCName. The catalogue is `result`. */
  id: string;
  file: string;
  mime: string;
  size: number;
  sha256: string;
  /** Catalogue formats only (see kFormats of src/results): what RESPONSEFORMAT chooses by. */
  format?: string;
}

/** What a file is before it is written. */
export type FileKind = Pick<ResultFile, 'id' | 'file' | 'mime' | 'format'>;

export interface JobFailure {
  type: UwsErrorType;
  /** One line; no path of this machine, no stack. */
  message: string;
  /** More lines for /error, e.g. a library's last words. */
  detail?: string;
}

/** What people want to know of a run; kept with the job once known. */
export interface JobInfo {
  /** How often it was begun, less the times the server put it back in order: more than one is what crashes leave. */
  attempts?: number;
  batchId?: string;
  batchSize?: number;
  /** Why the batch was released. */
  batchReason?: 'full' | 'waited' | 'idle' | 'alone';
  engine?: string;
  engineVersion?: string;
  device?: string;
  /** Compute type really used. */
  computeType?: string;
  tilesDone?: number;
  tilesTotal?: number;
  warnings?: readonly string[];
  /** Where it ran; shared by all jobs of one start of a server. */
  environment?: Environment;
  /** The image as it was read, when it was not uploaded. */
  fetched?: { name: string; size: number; sha256?: string | undefined };
}

export const kDefaultPriority = 5;
export const kMaxPriority = 9;

export interface Job {
  id: string;
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

/** PENDING, QUEUED, EXECUTING: the phases in which WAIT blocks (UWS 1.1, section 2.2.1.2). */
export function isActive(phase: Phase): boolean {
  return !isFinal(phase);
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

export function uploadedBytes({ image, request }: JobParameters): number {
  return (image?.kind === 'upload' ? image.size : 0) + (request?.size ?? 0);
}
