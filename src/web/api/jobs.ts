/** Jobs: the list, one of them with all it was given and left, and what can be done to it (IVOA UWS 1.1). */
import { address, readJson, readXml, send } from './http.js';

export interface Progress {
  done: number;
  total: number;
  unit: string;
}

export interface Delivery {
  state: 'waiting' | 'done' | 'failed';
  files: number;
  message?: string;
}

/** GET /summaries: what is not known is absent. Instants in UTC. */
export interface Summary {
  id: string;
  kind: string;
  phase: string;
  runId?: string;
  ownerId?: string;
  image?: string;
  model: string;
  quantization: string;
  priority: number;
  creationTime: string;
  startTime?: string;
  endTime?: string;
  quote?: string;
  position?: number;
  progress?: Progress;
  found?: { count: number; rows: string };
  batch?: { id: string; size?: number; reason?: string };
  engine?: string;
  device?: string;
  computeType?: string;
  /** Of results that are wanted elsewhere. */
  delivery?: Delivery;
  error?: string;
}

export interface Parameter {
  id: string;
  value: string;
  byReference: boolean;
}

export interface Result {
  id: string;
  mime: string;
  size: number;
}

export interface JobDetails {
  parameters: Parameter[];
  results: Result[];
  destruction: string;
  executionDuration: string;
  /** Members of jobInfo in their order; a name may come several times (warning). */
  info: [name: string, value: string][];
}

const kEnded = new Set(['COMPLETED', 'ERROR', 'ABORTED']);

export function isEnded(phase: string): boolean {
  return kEnded.has(phase);
}

export function jobPath(id: string, rest = ''): string {
  return `jobs/${encodeURIComponent(id)}${rest}`;
}

const kId = /^[\w-]{1,64}$/;

export async function readSummaries(last: number): Promise<Summary[]> {
  return (await readJson<{ jobs: Summary[] }>(`summaries?LAST=${last}`)).jobs;
}

/** Undefined: there is no such job (any more), or it is no id at all, as an address that was cut may have it. */
export async function readSummary(id: string): Promise<Summary | undefined> {
  if (!kId.test(id)) return undefined;
  const { jobs } = await readJson<{ jobs: Summary[] }>(`summaries?ID=${encodeURIComponent(id)}&LAST=1`);
  return jobs.find((job) => job.id === id);
}

const kUws = 'http://www.ivoa.net/xml/UWS/v1.0';

/** From the tree that always answers in XML. */
export async function readDetails(id: string, signal?: AbortSignal): Promise<JobDetails> {
  const document = await readXml(`uws/${encodeURIComponent(id)}`, signal);
  const all = (name: string) => [...document.getElementsByTagNameNS(kUws, name)];
  const textOf = (name: string) => all(name)[0]?.textContent ?? '';
  return {
    parameters: all('parameter').map((element) => ({
      id: element.getAttribute('id') ?? '',
      value: element.textContent ?? '',
      byReference: element.getAttribute('byReference') === 'true',
    })),
    results: all('result').map((element) => ({
      id: element.getAttribute('id') ?? '',
      mime: element.getAttribute('mime-type') ?? '',
      size: Number(element.getAttribute('size')),
    })),
    destruction: textOf('destruction'),
    executionDuration: textOf('executionDuration'),
    info: [...(all('jobInfo')[0]?.children ?? [])].map((element) => [element.localName, element.textContent ?? '']),
  };
}

/** Rows of a table: whoever is given this keeps the same ones, the page and the server (docs/interop.md, Results). */
export interface RowFilter {
  /** Both ends belong to it, infinite ones are none; a missing number is within no bound. All must hold. */
  bounds: readonly { column: string; low: number; high: number }[];
  /** In a column of text, without case; '' = anything. */
  text: string;
}

export function resultAddress(id: string, result: string, format?: string, filter?: RowFilter): string {
  return address(jobPath(id, `/results/${encodeURIComponent(result)}`), {
    RESPONSEFORMAT: format,
    KEEP: filter?.bounds.map(({ column, low, high }) => `${column} ${endText(low)} ${endText(high)}`),
    FIND: filter?.text || undefined,
  });
}

/** As DALI writes intervals. */
function endText(value: number): string {
  return Number.isFinite(value) ? String(value) : `${value < 0 ? '-' : '+'}Inf`;
}

export async function abortJob(id: string): Promise<void> {
  await send(jobPath(id, '/phase'), form({ PHASE: 'ABORT' }));
}

export async function startJob(id: string): Promise<void> {
  await send(jobPath(id, '/phase'), form({ PHASE: 'RUN' }));
}

export async function deleteJob(id: string): Promise<void> {
  // A redirect to the list follows success; the list is not needed.
  await send(jobPath(id), { method: 'DELETE' });
}

function form(fields: Record<string, string>): RequestInit {
  return { method: 'POST', body: new URLSearchParams(fields) };
}
