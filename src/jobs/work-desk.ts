/**
 * What workers on other machines get and bring over HTTP, for whoever serves it: the terms they work on, files of models,
 * inputs of the jobs they were given, and what their runs have left. Implemented where such jobs run (src/run/remote).
 */
import { OtfError } from '../errors/catalogue.js';
import type { UploadedFile } from '../tasks/files.js';

/** The file as it lies on this machine, if it does. */
export interface ServedFile {
  path: string;
  /** undefined = it is not known. */
  sha256?: string | undefined;
}

export interface WorkDesk {
  /** What a worker has to know before it begins; plain values. */
  terms(): unknown;
  /** The network file of a model. Throws OTF_NOT_FOUND. */
  weights(modelId: string): ServedFile;
  /** A file of the inputs of a job. Throws OTF_NOT_FOUND, also for whoever was not given the job. */
  input(jobId: string, attempt: string, file: string): ServedFile;
  /** May this file be brought? Throws OTF_NOT_FOUND, OTF_BAD_REQUEST. */
  assertExpected(jobId: string, attempt: string, file: string): void;
  /** It has come, and lies at `path`: it is taken from there. Throws as assertExpected, OTF_IMAGE_CHECKSUM, OTF_INTERNAL. */
  bring(jobId: string, attempt: string, file: string, sha256: string, came: CameFile): Promise<void>;
  /**
   * How a run has ended, with the files it has left (src/run/remote/bundle.ts). Plain values: what the worker is told. Throws
   * OTF_BAD_REQUEST for what is none, OTF_TOO_LARGE, OTF_DISK_FULL.
   */
  end(jobId: string, body: Buffer): Promise<unknown>;
  /** Of a body of end(). */
  readonly mostEndBytes: number;
}

export type CameFile = Pick<UploadedFile, 'size' | 'sha256'> & { path: string };

/** `mostMb`: of a file. */
export function tooLargeResult(file: string, mostMb: number, cause?: unknown): OtfError {
  const message = `${file} is larger than ${mostMb} MB, which is all a server takes: see its workers.max_result_mb`;
  return new OtfError('OTF_TOO_LARGE', message, { cause });
}
