/** The files the service itself adds to a finished job: provenance in three notations, and the log. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { FileFacts, ProvenanceInput } from '../provenance/input.js';
import { provJson } from '../provenance/prov-json.js';
import { provN } from '../provenance/prov-n.js';
import { provXml } from '../provenance/prov-xml.js';
import { provenanceRecords } from '../provenance/records.js';
import { writeFileAtomically } from '../results/write.js';
import { kSoftware } from '../version.js';
import type { Outcome } from './executor.js';
import type { Job, ResultFile } from './job.js';

interface RecordInput {
  job: Job;
  outcome: Outcome;
  results: readonly ResultFile[];
  /** Absolute URL of the server without a slash at the end. */
  baseUrl: string;
}

/** Writes provenance.json, .provn and .xml into `dir`; gives their rows. */
export async function writeProvenance(dir: string, input: RecordInput): Promise<ResultFile[]> {
  const records = provenanceRecords(provenanceInput(input));
  return Promise.all([
    writeText(dir, 'provjson', 'provenance.json', 'application/json', provJson(records)),
    writeText(dir, 'provn', 'provenance.provn', 'text/provenance-notation', provN(records)),
    writeText(dir, 'provxml', 'provenance.xml', 'application/provenance+xml', provXml(records)),
  ]);
}

/** No lines, no file. */
export async function writeLog(dir: string, lines: readonly string[]): Promise<ResultFile[]> {
  if (lines.length === 0) return [];
  return [await writeText(dir, 'log', 'job.log', 'text/plain;charset=UTF-8', `${lines.join('\n')}\n`)];
}

async function writeText(dir: string, id: string, file: string, mime: string, text: string): Promise<ResultFile> {
  const bytes = Buffer.from(text, 'utf8');
  await writeFileAtomically(join(dir, file), [bytes]);
  return { id, file, mime, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

export function provenanceInput({ job, outcome, results, baseUrl }: RecordInput): ProvenanceInput {
  const jobUrl = `${baseUrl}/jobs/${job.id}`;
  const facts = outcome.provenance;
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
    endedMs: job.endedMs ?? Date.now(),
    service: { ...kSoftware, url: baseUrl },
    owner: job.owner,
    image: {
      id: `job-${job.id}-image`,
      label: facts.image.name,
      location: facts.image.url ?? `${jobUrl}/parameters/IMAGE`,
      mime: 'image/fits',
      sha256: facts.image.sha256,
      size: facts.image.size,
      ...(facts.image.wcs === undefined ? {} : { wcs: facts.image.wcs }),
    },
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
    },
    ...(facts.batch ? { batch: facts.batch } : {}),
  };
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
