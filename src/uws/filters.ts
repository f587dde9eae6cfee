/** GET /jobs?PHASE=...&AFTER=...&LAST=... (UWS 1.1, section 2.2.2.1). */
import { kOwnPhases, kPhases, type UwsPhase } from '../jobs/job.js';
import type { JobRef } from '../jobs/lists.js';
import type { JobStore } from '../jobs/store.js';
import { parseInstant } from './instants.js';
import { badRequest, type Parameters } from './parameters.js';

export interface JobFilter {
  /** Union; undefined = all but ARCHIVED. */
  phases: ReadonlySet<UwsPhase> | undefined;
  /** Strictly later. */
  afterMs: number | undefined;
  last: number | undefined;
}

/** Undefined for what is none. UWS writes phases in capitals; clients that do not mean the same. */
export function uwsPhase(value: string): UwsPhase | undefined {
  const phase = value.toUpperCase();
  return kPhases.find((known) => known === phase);
}

/** Throws OTF_BAD_REQUEST naming the filter. */
export function parseFilter(parameters: Parameters): JobFilter {
  const phases = new Set<UwsPhase>();
  for (const value of parameters.repeated('PHASE')) {
    const phase = uwsPhase(value);
    if (!phase) throw badRequest(`PHASE=${value}: not one of ${kPhases.join(', ')}`);
    phases.add(phase);
  }
  const after = parameters.single('AFTER');
  const afterMs = after === undefined ? undefined : parseInstant(after);
  if (after !== undefined && afterMs === undefined) {
    throw badRequest(`AFTER=${after}: not an instant in UTC such as 2015-10-26T09:00:00.000Z`);
  }
  const last = parameters.single('LAST');
  if (last !== undefined && (!/^\d{1,9}$/.test(last) || Number(last) < 1)) {
    throw badRequest(`LAST=${last}: not a whole number from 1`);
  }
  return { phases: phases.size > 0 ? phases : undefined, afterMs, last: last === undefined ? undefined : Number(last) };
}

/**
 * The jobs of the list, in pages: in order of creation, with LAST the newest first. More than `most` are never given:
 * after an instant those that come next, so that the list can be read on with AFTER=that of the last; else the newest.
 */
export function filterJobs({ lists, totals }: JobStore, filter: JobFilter, most: number): JobPages {
  const { last, afterMs } = filter;
  const phases = filter.phases && new Set(kOwnPhases.filter((phase) => filter.phases?.has(phase)));
  const limit = Math.min(last ?? most, most);
  let jobs = 0;
  for (const phase of phases ?? kOwnPhases) jobs += totals.of(phase);
  const expected = Math.min(limit, jobs);
  if (last !== undefined) return { expected, pages: lists.pages({ phases, afterMs, newestFirst: true, limit }) };
  const from = afterMs ?? (jobs > limit ? lists.startOfNewest(phases, limit) : undefined);
  return { expected, pages: lists.pages({ phases, afterMs: from, limit }) };
}

export interface JobPages {
  /** At most so many. */
  expected: number;
  pages: Iterable<JobRef[]>;
}
