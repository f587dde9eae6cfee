/** Files a task works on, and files it leaves. */
import type { Digests } from '../fetch/digests.js';

export type { RowFilter } from '../results/filter.js';

/** Of which job a file was: one of its results, or an upload by the name of its parameter. */
export type Origin = { jobId: string; result: string } | { jobId: string; parameter: string };

/** A file in the job's folder that was uploaded, or linked from another job: gives back exactly these bytes. */
export interface UploadedFile {
  kind: 'upload';
  /** Name inside the job's folder. */
  file: string;
  /** As the client called it, without folders; for people only, never a path. */
  name: string;
  mime: string;
  size: number;
  sha256: string;
  /** Absent: it came with the request. */
  origin?: Origin;
}

/** Where something can be had. */
export interface Address {
  /** As it may be shown (publicUrl of src/errors). */
  url: string;
  /** File of the job's folder that has the whole address, when more of it is needed than may be shown. */
  sealed?: string;
  /** The same in rows of before there were such files; only while the job is not over. */
  whole?: string;
}

/** http, https, dav, davs, s3 or (below configured folders) file; fetched in phase EXECUTING by src/fetch. */
export interface ImageUrl extends Address {
  kind: 'url';
  /** The same file elsewhere, in the order in which they are tried. */
  mirrors?: readonly Address[];
  /** What it must have, beside its SHA-256. */
  digests?: Digests;
}

/** A file of a job that is not over yet: it becomes an UploadedFile, linked from there, before this one is queued. */
export interface LaterFile {
  kind: 'later';
  jobId: string;
  /** Of a result, a format, or an upload's parameter. */
  name: string;
}

export type InputFile = UploadedFile | ImageUrl | LaterFile;

/** By the name of the kind's input (InputDescription). */
export type Inputs = Readonly<Record<string, readonly InputFile[]>>;

/** An input as the task will read it. */
export interface InputSource {
  path: string;
  /** For people: never a path. */
  name: string;
  /** Of the file as it was given; undefined: a region of a file of this machine, which is not read as a whole. */
  sha256?: string | undefined;
  size: number;
  modified?: Date | undefined;
  /** As it may be shown; undefined = uploaded. */
  url?: string | undefined;
  /** Of another job. */
  origin?: Origin | undefined;
  /** Fetched or unpacked for this run only. */
  temporary?: boolean | undefined;
  /** Still on its way: `size` is what it will have. */
  growing?: boolean | undefined;
}

/** By the name of the kind's input. */
export type InputSources = Readonly<Record<string, readonly InputSource[]>>;

/** What the records say of it. */
export type UsedInput = Omit<InputSource, 'path' | 'temporary' | 'growing'>;

/** Begins the name of a file with some rows of a result, which is there for one answer. */
export const kFilteredFile = 'filtered-';

/** One file the job left in its folder. `size` and `mime` are what the download sends. */
export interface ResultFile {
  /** Unique in the job, an NCName. What the task is about is `result`. */
  id: string;
  file: string;
  mime: string;
  size: number;
  sha256: string;
  /** Of `result` in its formats (TaskKind.formats): what RESPONSEFORMAT chooses by. */
  format?: string;
}

/** What a file is before it is written. */
export type FileKind = Pick<ResultFile, 'id' | 'file' | 'mime' | 'format'>;
