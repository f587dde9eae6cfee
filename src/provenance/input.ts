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

export interface ProvenanceInput {
  jobId: string;
  /** Absolute URL of the job. */
  jobUrl: string;
  /** Prefix otf: expands to this; ends in # or /. */
  namespace: string;
  label: string;
  startedMs: number;
  endedMs: number;
  service: { name: string; version: string; url: string };
  /** null = anonymous. */
  owner: string | null;
  image: FileFacts & { wcs?: string };
  /** Primary-beam image. */
  beam?: FileFacts;
  weights: FileFacts;
  description: FileFacts;
  catalogue: FileFacts;
  /** Other formats of the catalogue, log, ...: made by the run too. */
  others: FileFacts[];
  /** Attributes of the run: model, quantization, region, thresholds, device, versions, ... */
  parameters: Record<string, string | number>;
  /** The forward passes this run shared with others. */
  batch?: { id: string; startedMs: number; endedMs: number; size: number; reason: string };
}
