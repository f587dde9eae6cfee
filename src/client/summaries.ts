/** Jobs as a server of ours lists them in JSON (GET /summaries), read with care: what has another shape is left out. */
import { OtfError } from '../errors/catalogue.js';
import type { JobSummary } from './documents.js';

type Members = Record<string, unknown>;

export function parseSummaries(text: string): JobSummary[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (thrown) {
    throw new OtfError('OTF_SERVER_ANSWER', `the server's answer cannot be read: ${(thrown as Error).message}`);
  }
  const { jobs } = members(document);
  if (!Array.isArray(jobs)) throw new OtfError('OTF_SERVER_ANSWER', "the server's answer is no list of jobs");
  return jobs.map(readSummary);
}

const kTexts = [
  ...(['kind', 'runId', 'ownerId', 'image', 'model', 'quantization', 'creationTime', 'startTime', 'endTime'] as const),
  ...(['quote', 'engine', 'device', 'computeType', 'error', 'errorCode'] as const),
];

export function readSummary(value: unknown): JobSummary {
  const given = members(value);
  const summary: JobSummary = {
    id: text(given.id) ?? '',
    href: text(given.href) ?? '',
    phase: text(given.phase) ?? 'UNKNOWN',
  };
  for (const name of kTexts) {
    const found = text(given[name]);
    if (found !== undefined) summary[name] = found;
  }
  const position = number(given.position);
  if (position !== undefined) summary.position = position;
  const { done, total, unit } = members(given.progress);
  if (number(total) !== undefined)
    summary.progress = { done: number(done) ?? 0, total: number(total) ?? 0, unit: text(unit) ?? '' };
  const { count, rows } = members(given.found);
  if (number(count) !== undefined) summary.found = { count: number(count) ?? 0, rows: text(rows) ?? 'rows' };
  const { id, size, reason } = members(given.batch);
  if (text(id) !== undefined)
    summary.batch = { id: text(id) ?? '', size: number(size) ?? 1, reason: text(reason) ?? '' };
  return summary;
}

function members(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
