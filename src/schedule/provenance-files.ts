/** Provenance of a finished job in three notations. Source: docs/interop.md, Provenance; IVOA ProvenanceDM 1.0. */
import type { FileKind, Job, ResultFile } from '../jobs/job.js';
import type { FileFacts, ProvenanceInput } from '../provenance/input.js';
import { provJson } from '../provenance/prov-json.js';
import { provN } from '../provenance/prov-n.js';
import { provXml } from '../provenance/prov-xml.js';
import { provenanceRecords } from '../provenance/records.js';
import { kSoftware } from '../version.js';

/** Facts only the run knows. */
export interface RunFacts {
  /** The image as it was read; `url` as given by the client, undefined = uploaded. */
  image: UsedImage & { wcs?: string | undefined };
  beam?: UsedImage | undefined;
  /** The network file. */
  weights: { name: string; sha256: string; size: number };
  /** The model card or other description. */
  description: { id: string; title: string; version?: string; sha256?: string };
  engine: { name: string; version: string; device: string };
  /** Thresholds, normalisation, patch layout, ...: whatever decided the numbers, name -> value. */
  parameters: Record<string, string | number>;
  batch?: { id: string; startedMs: number; endedMs: number; size: number; reason: string };
}

interface UsedImage {
  name: string;
  /** Of the file as it was given, packed or not. */
  sha256?: string | undefined;
  size: number;
  url?: string | undefined;
}

export interface ProvenanceFacts {
  job: Job;
  endedMs: number;
  facts: RunFacts;
  /** The files that were made; one has the id `result`. */
  results: readonly ResultFile[];
  /** Absolute URL of the server without a slash at the end. */
  baseUrl: string;
}

/** The same records three times: what to write, and its text. */
export function provenanceTexts(input: ProvenanceFacts): [FileKind, string][] {
  const records = provenanceRecords(provenanceInput(input));
  return [
    [{ id: 'provjson', file: 'provenance.json', mime: 'application/json' }, provJson(records)],
    [{ id: 'provn', file: 'provenance.provn', mime: 'text/provenance-notation' }, provN(records)],
    [{ id: 'provxml', file: 'provenance.xml', mime: 'application/provenance+xml' }, provXml(records)],
  ];
}

function provenanceInput({ job, endedMs, facts, results, baseUrl }: ProvenanceFacts): ProvenanceInput {
  const jobUrl = `${baseUrl}/jobs/${job.id}`;
  const outputs = results.map((row) => resultFacts(job, row, jobUrl));
  const catalogue = outputs.find((file) => file.id === `job-${job.id}-result`);
  if (!catalogue) throw new Error(`job ${job.id} completed without a result named "result"`);
  const weightsId = `weights-${facts.weights.sha256.slice(0, 16)}`;
  const region = job.parameters.region;
  return {
    jobId: job.id,
    jobUrl,
    namespace: `${baseUrl}/provenance#`,
    label: `Source detection with ${facts.description.title}`,
    startedMs: job.startedMs ?? job.createdMs,
    endedMs,
    service: { ...kSoftware, url: baseUrl },
    owner: job.owner,
    image: {
      ...usedFacts(facts.image, `job-${job.id}-image`, `${jobUrl}/parameters/IMAGE`),
      ...(facts.image.wcs === undefined ? {} : { wcs: facts.image.wcs }),
    },
    ...(facts.beam ? { beam: usedFacts(facts.beam, `job-${job.id}-beam`, `${jobUrl}/parameters/BEAM`) } : {}),
    weights: {
      id: weightsId,
      label: facts.weights.name,
      location: `${baseUrl}/model-files/${encodeURIComponent(facts.weights.name)}`,
      mime: 'application/octet-stream',
      sha256: facts.weights.sha256,
      size: facts.weights.size,
    },
    description: {
      id: `model-${facts.description.id.replace(/[^A-Za-z0-9._-]/g, '_')}`,
      label: facts.description.title,
      location: `${baseUrl}/model-files/CIANNA_models.xml`,
      mime: 'text/xml',
      ...(facts.description.sha256 === undefined ? {} : { sha256: facts.description.sha256 }),
    },
    catalogue,
    others: outputs.filter((file) => file !== catalogue),
    parameters: {
      model: facts.description.id,
      quantization: job.quantization,
      ...(region?.roi ? { roi: region.roi.join(',') } : {}),
      ...(region?.box ? { box: region.box.join(',') } : {}),
      engine: `${facts.engine.name} ${facts.engine.version}`,
      device: facts.engine.device,
      ...facts.parameters,
      ...job.info.environment,
      'srv.ServerReceivedAt': new Date(job.parameters.receivedMs ?? job.createdMs).toISOString(),
    },
    ...(facts.batch ? { batch: facts.batch } : {}),
  };
}

function usedFacts({ name, sha256, size, url }: UsedImage, id: string, uploaded: string): FileFacts {
  const digest = sha256 === undefined ? {} : { sha256 };
  return { id, label: name, location: url ?? uploaded, mime: 'image/fits', size, ...digest };
}

function resultFacts(job: Job, row: ResultFile, jobUrl: string): FileFacts {
  return {
    id: `job-${job.id}-${row.id}`,
    label: row.id === 'result' ? 'source catalogue' : row.id,
    location: `${jobUrl}/results/${row.id}`,
    mime: row.mime,
    sha256: row.sha256,
    size: row.size,
  };
}
