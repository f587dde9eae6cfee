/** What clients ask for: a new job, or changes of one. */
import type { Spool } from './folders.js';
import type { JobParameters, Style } from './job.js';

export interface NewJob {
  style: Style;
  owner: string | null;
  remote: string;
  runId: string | null;
  modelId: string;
  quantization: string;
  /** undefined = kDefaultPriority. */
  priority?: number | undefined;
  parameters: JobParameters;
  /** undefined = the configured default. */
  executionDurationS?: number | undefined;
  destructionMs?: number | undefined;
  /** Folder with the uploaded files `parameters` names. */
  spool?: Spool | undefined;
  /** Start at once (PHASE=RUN). */
  run: boolean;
}

/** Absent = stays. */
export interface Times {
  executionDurationS?: number | undefined;
  destructionMs?: number | undefined;
}

/** What POST /jobs/ID/parameters may replace; absent = stays. Times are cut to the maxima, as in a new job. */
export interface ParameterChange extends Times {
  parameters: JobParameters;
  runId?: string | null | undefined;
  modelId?: string | undefined;
  quantization?: string | undefined;
  priority?: number | undefined;
  spool?: Spool | undefined;
  run: boolean;
}
