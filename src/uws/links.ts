/** GET /links?ID=job URL: what belongs to a job, as DataLink 1.1 has it: one row per link, errors as rows. */

import type { Job } from '../jobs/job.js';
import { datalinkDocument, kDatalinkType, type Link } from '../results/datalink.js';
import type { TaskKind } from '../tasks/kind.js';
import { kindNamed } from '../tasks/registry.js';
import { type Handler, jobHref, type UwsContext } from './context.js';
import { parameterEntries } from './documents.js';
import { type Request, text } from './exchange.js';
import { badRequest, Parameters } from './parameters.js';

const kMaxIds = 100;

export const getLinks: Handler = (context, request) => {
  const ids = Parameters.fromQuery(request.query).repeated('ID');
  if (ids.length > kMaxIds) throw badRequest(`at most ${kMaxIds} IDs at a time`);
  return text(200, kDatalinkType, datalinkDocument(ids.flatMap((id) => linksOf(context, request, id))));
};

function linksOf(context: UwsContext, request: Request, id: string): Link[] {
  const jobId = /^(?:.*\/(?:jobs|uws)\/)?([^/]+)\/?$/.exec(id)?.[1];
  const job = jobId === undefined ? undefined : context.jobs.find(jobId, request);
  if (!job) return [fault(id, `NotFoundFault: ${id} is no job of this service`)];
  if (job.phase !== 'COMPLETED') return [fault(id, `DefaultFault: the job is ${job.phase}, it has no results`)];
  const href = jobHref(request, job);
  const kind = kindNamed(job.kind);
  return [
    ...resultLinks(job, id, href, kind),
    ...formatLinks(job, id, href, kind),
    ...inputLinks(job, id, href, kind),
    ...previewLinks(job, id, href, kind),
  ];
}

function fault(id: string, error: string): Link {
  return { id, error, description: error, semantics: '#this' };
}

function resultLinks(job: Job, id: string, href: string, { result }: TaskKind): Link[] {
  return job.results.map((row) => ({
    id,
    url: `${href}/results/${encodeURIComponent(row.id)}`,
    description: row.id === 'result' ? result.title : `result ${row.id}`,
    semantics: semanticsOf(row.id, row.mime, row.format),
    type: row.mime,
    length: row.size,
  }));
}

/** The result in its other formats; their sizes are known once somebody has asked for them. */
function formatLinks(job: Job, id: string, href: string, { formats, result }: TaskKind): Link[] {
  const written = job.results.find((row) => row.id === 'result');
  if (written?.format === undefined) return [];
  return Object.entries(formats)
    .filter(([format]) => format !== written.format)
    .map(([format, { mediaType }]) => ({
      id,
      url: `${href}/results/result?RESPONSEFORMAT=${format}`,
      description: `${result.title} as ${format}`,
      semantics: '#this',
      type: mediaType,
    }));
}

/** Terms of the IVOA vocabulary datalink/core. */
function semanticsOf(id: string, mime: string, format: string | undefined): string {
  if (id === 'result') return '#this';
  if (format !== undefined) return '#this';
  if (mime.startsWith('image/') && !mime.includes('fits')) return '#preview';
  if (id === 'log' || id.startsWith('prov')) return '#documentation';
  return '#auxiliary';
}

/** What the result is derived from: the first of the kind's inputs. */
function inputLinks(job: Job, id: string, href: string, { inputs }: TaskKind): Link[] {
  const [first] = inputs;
  const input = parameterEntries(job, href).find((entry) => entry.id === first?.name);
  if (!first || !input) return [];
  const known = input.upload ? { type: input.upload.mime, length: input.upload.size } : {};
  return [{ id, url: input.value, description: first.help, semantics: '#progenitor', ...known }];
}

/** A picture of that input, made when asked for; there is none of what was fetched and is not kept. */
function previewLinks(job: Job, id: string, href: string, { inputs }: TaskKind): Link[] {
  const [first] = inputs;
  const input = parameterEntries(job, href).find((entry) => entry.id === first?.name);
  if (!first || !(input?.upload || input?.value.startsWith('file:'))) return [];
  const url = `${href}/image/preview.png`;
  return [{ id, url, description: `Picture: ${first.help}`, semantics: '#preview', type: 'image/png' }];
}
