/** Provenance of a finished job in three notations. Source: docs/interop.md, Provenance; IVOA ProvenanceDM 1.0. */
import type { FileFacts, ProvenanceInput, UsedFile } from '../provenance/input.js';
import { provJson } from '../provenance/prov-json.js';
import { provN } from '../provenance/prov-n.js';
import { provXml } from '../provenance/prov-xml.js';
import { provenanceRecords } from '../provenance/records.js';
import { kSoftware } from '../version.js';
import type { FileKind, ResultFile, UsedInput } from './files.js';
import type { TaskKind } from './kind.js';
import type { Batch, TaskJob } from './work.js';

/** Facts only the run knows. */
export interface ProvenanceFacts {
  /** By the name of the input, as they were read; `url` as given by the client, undefined = uploaded. */
  inputs: Readonly<Record<string, readonly UsedInput[]>>;
  /** More attributes of the first of each name. */
  aboutInputs: Record<string, Record<string, string>>;
  /** The network file. */
  weights: { name: string; sha256: string; size: number };
  /** The model card or other description. */
  description: { id: string; title: string };
  /** undefined: no network ran. */
  engine: { name: string; version: string; device: string } | undefined;
  asked: Record<string, string>;
  /** Thresholds, normalisation, patch layout, ...: whatever decided the numbers, name -> value. */
  parameters: Record<string, string | number>;
  batch?: Batch & { endedMs: number };
}

export interface ProvenanceRequest {
  kind: Pick<TaskKind, 'title' | 'result' | 'inputs'>;
  job: TaskJob;
  endedMs: number;
  facts: ProvenanceFacts;
  /** The files that were made; one has the id `result`. */
  results: readonly ResultFile[];
  /** Absolute URL of the server without a slash at the end. */
  baseUrl: string;
}

/** The same records three times: what to write, and its text. */
export function provenanceTexts(request: ProvenanceRequest): [FileKind, string][] {
  const records = provenanceRecords(provenanceInput(request));
  return [
    [{ id: 'provjson', file: 'provenance.json', mime: 'application/json' }, provJson(records)],
    [{ id: 'provn', file: 'provenance.provn', mime: 'text/provenance-notation' }, provN(records)],
    [{ id: 'provxml', file: 'provenance.xml', mime: 'application/provenance+xml' }, provXml(records)],
  ];
}

function provenanceInput({ kind, job, endedMs, facts, results, baseUrl }: ProvenanceRequest): ProvenanceInput {
  const jobUrl = `${baseUrl}/jobs/${job.id}`;
  const generated = results.map((row) => ({ file: resultFacts(job, row, jobUrl, kind), role: roleOf(row, kind) }));
  const main = generated.find(({ file }) => file.id === `job-${job.id}-result`)?.file;
  if (!main) throw new Error(`job ${job.id} completed without a result named "result"`);
  return {
    jobId: job.id,
    jobUrl,
    namespace: `${baseUrl}/provenance#`,
    activity: kind.title.toLowerCase(),
    label: facts.engine ? `${kind.title} with ${facts.description.title}` : kind.title,
    startedMs: job.startedMs ?? job.createdMs,
    endedMs,
    service: { ...kSoftware, url: baseUrl },
    owner: job.owner,
    used: [...usedInputs(kind, job, facts, baseUrl), ...usedModel(facts, baseUrl)],
    main,
    generated,
    parameters: {
      model: facts.description.id,
      quantization: job.quantization,
      ...facts.asked,
      ...(facts.engine && { engine: `${facts.engine.name} ${facts.engine.version}`, device: facts.engine.device }),
      ...facts.parameters,
      ...job.info.environment,
      'srv.ServerReceivedAt': new Date(job.parameters.receivedMs ?? job.createdMs).toISOString(),
    },
    ...(facts.batch ? { batch: facts.batch } : {}),
  };
}

/** The first is what the result is derived from, the others are how it was made. */
function usedInputs(
  { inputs }: Pick<TaskKind, 'inputs'>,
  job: TaskJob,
  { inputs: read, aboutInputs }: ProvenanceFacts,
  baseUrl: string,
): UsedFile[] {
  return inputs.flatMap(({ name, role, mime = 'image/fits' }, place) =>
    (read[name] ?? []).map(({ name: label, sha256, size, url, origin }, index): UsedFile => {
      const parameter = index === 0 ? name : `${name}.${index + 1}`;
      // Of another job: the same entity as in the records of that one.
      const of = origin ?? { jobId: job.id, parameter };
      const part = 'result' in of ? ['results', of.result] : ['parameters', of.parameter];
      const file: FileFacts = {
        id: `job-${of.jobId}-${(part[1] ?? '').toLowerCase()}`,
        label,
        location: url ?? `${baseUrl}/jobs/${of.jobId}/${part.join('/')}`,
        mime,
        size,
        ...(sha256 === undefined ? {} : { sha256 }),
      };
      const about = (index === 0 && aboutInputs[name]) || {};
      return { file, role, type: place === 0 ? 'Main' : 'Setup', as: 'Entity', about };
    }),
  );
}

/** Without an engine the card alone: it has the widths and scales that every method takes. */
function usedModel({ weights, description, engine }: ProvenanceFacts, baseUrl: string): UsedFile[] {
  const file: FileFacts = {
    id: `weights-${weights.sha256.slice(0, 16)}`,
    label: weights.name,
    location: `${baseUrl}/model-files/${encodeURIComponent(description.id)}.dat`,
    mime: 'application/octet-stream',
    sha256: weights.sha256,
    size: weights.size,
  };
  const card: FileFacts = {
    id: `model-${description.id.replace(/[^A-Za-z0-9._-]/g, '_')}`,
    label: description.title,
    location: `${baseUrl}/model-files/CIANNA_models.xml`,
    mime: 'text/xml',
  };
  return [
    ...(engine ? [{ file, role: 'model', type: 'Setup', as: 'Entity', about: {} } as const] : []),
    { file: card, role: 'description', type: 'Setup', as: 'Plan', about: {} },
  ];
}

function resultFacts(job: TaskJob, row: ResultFile, jobUrl: string, { result }: Pick<TaskKind, 'result'>): FileFacts {
  return {
    id: `job-${job.id}-${row.id}`,
    label: row.id === 'result' ? result.title : row.id,
    location: `${jobUrl}/results/${row.id}`,
    mime: row.mime,
    sha256: row.sha256,
    size: row.size,
  };
}

function roleOf({ id }: ResultFile, { result }: Pick<TaskKind, 'result'>): string {
  if (id === 'result') return result.role;
  return id === 'log' ? 'log' : 'output';
}
