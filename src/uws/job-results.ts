/** /jobs/ID/results: the list, the files, and the one download of the observatory's servers, older and today's. */
import { OtfError } from '../errors/catalogue.js';
import type { Job } from '../jobs/job.js';
import { isTableFormat, kTableFormats, type ResultFormats } from '../results/formats.js';
import type { ResultFile, RowFilter } from '../tasks/files.js';
import { kindNamed } from '../tasks/registry.js';
import { partFormat } from '../tasks/table-files.js';
import { kRawKind } from '../tasks/work.js';
import { type Handler, isLegacy, jobHref, type UwsContext } from './context.js';
import { resultsDocument } from './documents.js';
import { type Answer, type FileAnswer, json, type Request, xml } from './exchange.js';
import { type Choice, chooseResult, formatNamed } from './formats.js';
import { id, jobStatus } from './job.js';
import { acceptedTypes, wanted } from './negotiate.js';
import { badRequest, Parameters } from './parameters.js';
import { rowFilter } from './row-filter.js';

const kVaryAccept = { Vary: 'Accept' };
const kVotable = 'application/x-votable+xml';

export const getResults: Handler = (context, request, tree) => {
  const job = context.jobs.get(id(request), request);
  const accept = request.header('accept');
  const asks = wanted(accept);
  if (tree === '/jobs' && job.style === 'observatory') {
    // Their server sends the table whatever the header says: only who names XML or JSON and no VOTable gets the list.
    if (asks === 'any' || acceptedTypes(accept).includes(kVotable)) return observatoryDownload(context, job);
  }
  if (asks === 'json') {
    const results = job.results.map(({ id: rid, mime, size, sha256 }) => ({ id: rid, mime, size, sha256 }));
    return json(200, { ...jobStatus(job), results }, kVaryAccept);
  }
  if (asks === 'any' && isLegacy(tree, job)) return legacyDownload(context, job);
  return xml(resultsDocument(job, jobHref(request, job)), kVaryAccept);
};

/** docs/interop.md, The observatory's clients: the table, or 404 while there is none. */
function observatoryDownload(context: UwsContext, job: Job): Answer {
  const table = job.phase === 'COMPLETED' ? job.results.find((row) => row.id === 'result') : undefined;
  if (!table) throw new OtfError('OTF_NOT_FOUND', `the job is ${job.phase}: it has no result`);
  return attachment(fileAnswer(context, job, table), `net0_rts_${job.id}.vot`, kVotable);
}

function attachment(answer: FileAnswer, name: string, mime = answer.mime): FileAnswer {
  const headers = { ...answer.headers, 'Content-Disposition': `attachment; filename="${name}"` };
  return { ...answer, mime, headers };
}

/** The network's output as it left the network: what the older server had as its only result. */
function legacyDownload(context: UwsContext, job: Job): Answer {
  if (job.phase !== 'COMPLETED') {
    return json(400, { error: `Job not completed. Current state: ${job.phase}` }, kVaryAccept);
  }
  const raw = job.results.find((row) => row.id === kRawKind.id);
  if (!raw) return json(404, { error: 'Result file not found.' }, kVaryAccept);
  return attachment(fileAnswer(context, job, raw), `net0_rts_${job.id}.dat`);
}

export const getResult: Handler = async (context, request) => {
  const job = context.jobs.get(id(request), request);
  const query = Parameters.fromQuery(request.query);
  const asked = query.single('RESPONSEFORMAT');
  const filter = rowFilter(query);
  const { formats, part } = kindNamed(job.kind);
  const name = part && part.result === request.variables[1] ? query.single(part.parameter) : undefined;
  if (name !== undefined) {
    if (filter) throw badRequest(`${part?.parameter} and a filter of rows do not go together`);
    const inTable = formatNamed(asked ?? 'votable', kTableFormats);
    if (!inTable || !isTableFormat(inTable)) throw badRequest(`unknown RESPONSEFORMAT ${asked} of a part`);
    const wanted = partFormat({ name, format: inTable });
    return fileAnswer(context, job, await context.jobs.representation(job.id, wanted, request));
  }
  const format = asked === undefined ? undefined : formatNamed(asked, formats);
  if (asked !== undefined && format === undefined) throw badRequest(`unknown RESPONSEFORMAT ${asked}`);
  const choice = chooseResult(job.results, formats, request.variables[1] ?? '', format, request.header('accept'));
  if (!choice) throw new OtfError('OTF_NOT_FOUND', 'the job has no such result');
  if (format !== undefined) requireFormat(choice, format, formats);
  if (filter) return filtered(context, request, job, choice, filter);
  const row = 'file' in choice ? choice.file : await context.jobs.representation(job.id, choice.format, request);
  return fileAnswer(context, job, row);
};

/** Other results than the one of that name are there in one form only. */
function requireFormat(choice: Choice, format: string, formats: ResultFormats): void {
  const own = 'file' in choice ? choice.file.format : choice.format;
  if (own === format) return;
  if (own !== undefined) throw badRequest(`RESPONSEFORMAT ${format} is asked for of the result in ${own}: ask for one`);
  const { id, mime } = 'file' in choice ? choice.file : { id: '', mime: '' };
  if (formats[format]?.mediaType === mime) return;
  throw badRequest(`RESPONSEFORMAT ${format}: ${id} is there as ${mime} alone; leave it out`);
}

async function filtered(
  context: UwsContext,
  request: Request,
  job: Job,
  choice: Choice,
  filter: RowFilter,
): Promise<FileAnswer> {
  const format = 'file' in choice ? choice.file.format : choice.format;
  if (format === undefined) throw badRequest('KEEP and FIND choose rows of the result, and this is another file');
  const row = await context.jobs.representation(job.id, format, request, filter);
  return { ...fileAnswer(context, job, row), once: true };
}

function fileAnswer({ jobs }: UwsContext, job: Job, row: ResultFile): FileAnswer {
  const path = jobs.pathOf(job, row);
  const headers = row.format === undefined ? {} : kVaryAccept;
  return { kind: 'file', path, mime: row.mime, size: row.size, etag: row.sha256, sha256: row.sha256, headers };
}
