/**
 * Jobs as people look at them, in JSON: GET /summaries, and the events of the topic `job`. Words are those of UWS; what is
 * not known is absent.
 */
import type { Asker } from '../jobs/access.js';
import { type Delivery, isFinal, type Job } from '../jobs/job.js';
import type { JobService } from '../jobs/service.js';
import type { Progress } from '../tasks/kind.js';
import { kindNamed } from '../tasks/registry.js';
import { type Handler, jobHref } from './context.js';
import { inPieces, kJsonType } from './exchange.js';
import { parseSummaryFilter } from './filters.js';
import { formatInstant } from './instants.js';
import { Parameters } from './parameters.js';

export interface JobSummary {
  id: string;
  href: string;
  kind: string;
  phase: string;
  runId?: string | undefined;
  ownerId?: string | undefined;
  /** Name of its first input. */
  image?: string | undefined;
  model: string;
  quantization: string;
  priority: number;
  creationTime: string;
  startTime?: string | undefined;
  endTime?: string | undefined;
  /** When it should be done. */
  quote?: string | undefined;
  /** Place in the queue, 1 = next. */
  position?: number | undefined;
  progress?: Progress | undefined;
  /** `rows`: what they are, e.g. sources. */
  found?: { count: number; rows: string } | undefined;
  batch?: { id: string; size: number | undefined; reason: string | undefined } | undefined;
  engine?: string | undefined;
  device?: string | undefined;
  computeType?: string | undefined;
  /** Of results that are wanted elsewhere. */
  delivery?: Delivery | undefined;
  error?: string | undefined;
  errorCode?: string | undefined;
}

/** A list is made at once up to a page of it, like that of /jobs. */
export const getSummaries: Handler = ({ jobs, config }, request) => {
  const filter = parseSummaryFilter(Parameters.fromQuery(request.query));
  const { pages } = jobs.list(filter, config.server.list_page, request);
  return inPieces(kJsonType, pieces());

  function* pieces(): Generator<string> {
    let before = '{"jobs":[\n';
    for (const page of pages) {
      const known = page.flatMap(({ id }) => jobs.find(id, request) ?? []);
      if (known.length === 0) continue;
      yield before + known.map((job) => JSON.stringify(summaryOf(jobs, job, request))).join(',\n');
      before = ',\n';
    }
    yield `${before === ',\n' ? '' : before}\n]}\n`;
  }
};

export function summaryOf(jobs: JobService, job: Job, request: { origin: string }): JobSummary {
  const { parameters, failure } = job;
  const { inputs, result } = kindNamed(job.kind);
  const info = jobs.info(job);
  const quoteMs = jobs.quoteMs(job);
  const first = parameters.inputs[inputs[0]?.name ?? '']?.[0];
  const { batchId, found } = info;
  return {
    id: job.id,
    href: jobHref(request, job),
    kind: job.kind,
    phase: job.phase,
    runId: job.runId ?? undefined,
    ownerId: job.owner ?? undefined,
    image: first?.kind === 'url' ? (info.fetched?.name ?? nameInUrl(first.url)) : first?.name,
    model: job.modelId,
    quantization: job.quantization,
    priority: job.priority,
    creationTime: formatInstant(job.createdMs),
    startTime: instant(job.startedMs),
    endTime: instant(job.endedMs),
    quote: instant(quoteMs ?? null),
    position: jobs.position(job),
    progress: isFinal(job.phase) && job.phase !== 'ERROR' ? undefined : info.progress,
    found: found === undefined ? undefined : { count: found, rows: result.rows },
    batch: batchId === undefined ? undefined : { id: batchId, size: info.batchSize, reason: info.batchReason },
    engine: info.engine,
    device: info.device,
    computeType: info.computeType,
    delivery: info.delivery,
    error: failure?.message,
    errorCode: failure?.code,
  };
}

function instant(ms: number | null): string | undefined {
  return ms === null ? undefined : formatInstant(ms);
}

/** Its last segment: never the query, which may hold a signature. */
export function nameInUrl(url: string): string {
  const { hostname, pathname } = new URL(url);
  const last = pathname.split('/').filter(Boolean).pop();
  if (last === undefined) return hostname;
  try {
    return decodeURIComponent(last);
  } catch {
    // Not encoded as it should be: as it stands.
    return last;
  }
}

export function findSummary(jobs: JobService, id: string, who: Asker & { origin: string }): JobSummary | undefined {
  const job = jobs.find(id, who);
  return job && summaryOf(jobs, job, who);
}
