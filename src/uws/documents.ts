/** The XML of UWS 1.1. Child order as the schema has it: jobs and jobrefs are sequences there. */

import { escapeXml } from '../io/xml.js';
import type { Job, JobInfo } from '../jobs/job.js';
import type { JobRef } from '../jobs/lists.js';
import type { InputFile, ResultFile, UploadedFile } from '../tasks/files.js';
import { kindNamed } from '../tasks/registry.js';
import { checksumName, kOfUrls, mirrorsName } from './fields.js';
import { formatInstant } from './instants.js';

const kHead = '<?xml version="1.0" encoding="UTF-8"?>\n';
const kSpaces =
  'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
/** Elements of jobInfo are ours. */
const kInfoSpace = 'xmlns:otf="urn:cianna-otf:job-info"';

/** What of a job lives outside the store. */
export interface JobView {
  job: Job;
  /** Absolute URL of the job. */
  href: string;
  info: JobInfo;
  quoteMs: number | undefined;
  position: number | undefined;
}

/** A list in pieces, one per page. `hrefOf` gives the absolute URL at which the job always answers in XML. */
export function* jobsDocument(pages: Iterable<JobRef[]>, hrefOf: (job: JobRef) => string): Generator<string> {
  yield `${kHead}<uws:jobs ${kSpaces} version="1.1">\n`;
  for (const page of pages) yield page.map((job) => jobRef(job, hrefOf(job))).join('');
  yield '</uws:jobs>\n';
}

function jobRef(job: JobRef, href: string): string {
  return (
    `<uws:jobref id="${job.id}" xlink:type="simple" xlink:href="${escapeXml(href)}">` +
    `<uws:phase>${job.phase}</uws:phase>` +
    (job.runId === null ? '' : `<uws:runId>${escapeXml(job.runId)}</uws:runId>`) +
    (job.owner === null ? '<uws:ownerId xsi:nil="true"/>' : `<uws:ownerId>${escapeXml(job.owner)}</uws:ownerId>`) +
    `<uws:creationTime>${formatInstant(job.createdMs)}</uws:creationTime></uws:jobref>\n`
  );
}

export function jobDocument(view: JobView): string {
  const { job, href } = view;
  return (
    `${kHead}<uws:job ${kSpaces} version="1.1">\n<uws:jobId>${job.id}</uws:jobId>\n` +
    (job.runId === null ? '' : `<uws:runId>${escapeXml(job.runId)}</uws:runId>\n`) +
    nillable('ownerId', job.owner) +
    `<uws:phase>${job.phase}</uws:phase>\n` +
    (view.quoteMs === undefined ? '' : `<uws:quote>${formatInstant(view.quoteMs)}</uws:quote>\n`) +
    `<uws:creationTime>${formatInstant(job.createdMs)}</uws:creationTime>\n` +
    nillable('startTime', instant(job.startedMs)) +
    nillable('endTime', instant(job.endedMs)) +
    `<uws:executionDuration>${job.executionDurationS}</uws:executionDuration>\n` +
    nillable('destruction', instant(job.destructionMs)) +
    parametersElement(job, href, '') +
    resultsElement(job.results, href, '') +
    errorSummary(job) +
    jobInfo(view) +
    '</uws:job>\n'
  );
}

export function parametersDocument(job: Job, href: string): string {
  return kHead + parametersElement(job, href, ` ${kSpaces}`);
}

export function resultsDocument(job: Job, href: string): string {
  return kHead + resultsElement(job.results, href, ` ${kSpaces}`);
}

function instant(ms: number | null): string | null {
  return ms === null ? null : formatInstant(ms);
}

function nillable(name: string, value: string | null): string {
  if (value === null) return `<uws:${name} xsi:nil="true"/>\n`;
  return `<uws:${name}>${escapeXml(value)}</uws:${name}>\n`;
}

/** One parameter of a job: text, or (byReference) where its content can be had. */
export interface ParameterEntry {
  id: string;
  value: string;
  byReference: boolean;
  upload?: UploadedFile;
}

/** In a fixed order. Uploads are named by the URL that gives back their bytes. */
export function parameterEntries(job: Job, href: string): ParameterEntry[] {
  const { parameters: it } = job;
  const kind = kindNamed(job.kind);
  const entries: ParameterEntry[] = [];
  const add = (id: string, value: string | undefined) => {
    if (value !== undefined) entries.push({ id, value, byReference: false });
  };
  add('MODEL', it.model ?? job.modelId);
  add('QUANTIZATION', it.quantization ?? job.quantization);
  for (const [name, value] of kind.printParameters(it.asked)) add(name, value);
  add('RESPONSEFORMAT', it.responseFormat);
  for (const { name } of kind.inputs) {
    add(checksumName(name), it.checksums?.[name]);
    const [file] = it.inputs[name] ?? [];
    if (file?.kind !== 'url') continue;
    add(mirrorsName(name), file.mirrors?.map(({ url }) => url).join(' '));
    for (const digest of kOfUrls) add(checksumName(name, digest), file.digests?.[digest]);
  }
  add('PRIORITY', String(job.priority));
  add('AFTER', it.after?.join(','));
  add('RESULTS_TO', it.resultsTo?.url);
  for (const { name } of kind.inputs) {
    for (const [index, file] of (it.inputs[name] ?? []).entries()) {
      entries.push(fileEntry(index === 0 ? name : `${name}.${index + 1}`, file, href));
    }
  }
  if (it.request) entries.push(fileEntry('REQUEST', it.request, href));
  return entries;
}

function fileEntry(id: string, file: InputFile, href: string): ParameterEntry {
  if (file.kind === 'later') return { id, value: `job:${file.jobId}/${file.name}`, byReference: true };
  if (file.kind === 'url') return { id, value: file.url, byReference: true };
  return { id, value: `${href}/parameters/${id}`, byReference: true, upload: file };
}

function parametersElement(job: Job, href: string, attributes: string): string {
  const entries = parameterEntries(job, href).map(
    ({ id, value, byReference }) =>
      `<uws:parameter id="${id}"${byReference ? ' byReference="true"' : ''}>${escapeXml(value)}</uws:parameter>\n`,
  );
  return `<uws:parameters${attributes}>\n${entries.join('')}</uws:parameters>\n`;
}

function resultsElement(results: readonly ResultFile[], href: string, attributes: string): string {
  const rows = results.map(
    (row) =>
      `<uws:result id="${escapeXml(row.id)}" xlink:type="simple" ` +
      `xlink:href="${escapeXml(`${href}/results/${encodeURIComponent(row.id)}`)}" ` +
      `size="${row.size}" mime-type="${escapeXml(row.mime)}"/>\n`,
  );
  return `<uws:results${attributes}>\n${rows.join('')}</uws:results>\n`;
}

function errorSummary({ failure }: Job): string {
  if (!failure) return '';
  return (
    `<uws:errorSummary type="${failure.type}" hasDetail="true">` +
    `<uws:message>${escapeXml(failure.message)}</uws:message></uws:errorSummary>\n`
  );
}

function jobInfo({ job, info, position }: JobView): string {
  const parts: string[] = [];
  const add = (name: string, value: string | number | undefined) => {
    if (value !== undefined) parts.push(`<otf:${name}>${escapeXml(String(value))}</otf:${name}>\n`);
  };
  add('model', job.modelId);
  add('modelSha256', job.parameters.modelSha256);
  add('quantization', job.quantization);
  add('queuePosition', position);
  add('waitsFor', info.waitsFor?.join(' '));
  add('chain', job.parameters.chain?.id);
  add('chainStep', job.parameters.chain?.step);
  add('batchId', info.batchId);
  add('batchSize', info.batchSize);
  add('batchReason', info.batchReason);
  // tilesDone, tilesTotal for what goes by tiles.
  add(`${info.progress?.unit}Done`, info.progress?.done);
  add(`${info.progress?.unit}Total`, info.progress?.total);
  add('engine', info.engine);
  add('engineVersion', info.engineVersion);
  add('device', info.device);
  add('computeType', info.computeType);
  // sourcesFound for a catalogue of sources.
  add(`${kindNamed(job.kind).result.rows}Found`, info.found);
  add('delivery', info.delivery?.state);
  add('delivered', info.delivery?.files);
  add('deliveryError', info.delivery?.message);
  add('errorCode', job.failure?.code);
  for (const warning of info.warnings ?? []) add('warning', warning);
  for (const [name, value] of serverFacts(job, info)) add(name, value);
  return `<uws:jobInfo ${kInfoSpace}>\n${parts.join('')}</uws:jobInfo>\n`;
}

/** Provenance under the names of the observatory's server (docs/interop.md). */
function serverFacts(job: Job, info: JobInfo): [string, string | number | undefined][] {
  const { inputs, receivedMs } = job.parameters;
  const [first] = kindNamed(job.kind).inputs;
  const given = inputs[first?.name ?? '']?.[0];
  const input = given?.kind === 'upload' ? given : info.fetched;
  return [
    ['srv.ServerJobUUID', job.id],
    ['srv.ServerReceivedAt', formatInstant(receivedMs ?? job.createdMs)],
    ['input.FitsFilename', input?.name],
    ['input.FitsSizeBytes', input?.size],
    ['input.FitsChecksumSHA256', input?.sha256],
    ...Object.entries(info.environment ?? {}),
  ];
}
