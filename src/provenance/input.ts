/** What the provenance of one run is made of: plain values, no jobs, no files. */

/** A file that was used or made. `id` is an NCName; the record becomes `otf:<id>`. */
export interface FileFacts {
  id: string;
  label: string;
  /** Absolute URL. */
  location: string;
  mime: string;
  sha256?: string;
  size?: number;
}

/** A file the run used. */
export interface UsedFile {
  file: FileFacts;
  role: string;
  /** Of use (IVOA ProvenanceDM): what it was about, or how it was to be done. */
  type: 'Main' | 'Setup';
  as: 'Entity' | 'Plan';
  /** Further attributes under otf:. */
  about: Record<string, string>;
}

export interface ProvenanceInput {
  jobId: string;
  /** Absolute URL of the job. */
  jobUrl: string;
  /** Prefix otf: expands to this; ends in # or /. */
  namespace: string;
  /** What was done, e.g. source detection, and with what. */
  activity: string;
  label: string;
  startedMs: number;
  endedMs: number;
  service: { name: string; version: string; url: string };
  /** null = anonymous. */
  owner: string | null;
  /** Files of type Main first, from which the result is derived; one is a Plan. */
  used: readonly UsedFile[];
  /** What it was all for: one of `generated`. */
  main: FileFacts;
  generated: readonly { file: FileFacts; role: string }[];
  /** Attributes of the run: model, quantization, region, thresholds, device, versions, ... */
  parameters: Record<string, string | number>;
  /** The forward passes this run shared with others. */
  batch?: { id: string; startedMs: number; endedMs: number; size: number; reason: string };
}
