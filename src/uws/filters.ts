/** GET /jobs?PHASE=...&AFTER=...&LAST=... (UWS 1.1, section 2.2.2.1). */
import { kPhases, type UwsPhase } from '../jobs/job.js';
import type { JobFilter } from '../jobs/lists.js';
import { parseInstant } from './instants.js';
import { badRequest, type Parameters } from './parameters.js';

/** Undefined for what is none. UWS writes phases in capitals; clients that do not mean the same. */
export function uwsPhase(value: string): UwsPhase | undefined {
  const phase = value.toUpperCase();
  return kPhases.find((known) => known === phase);
}

/** And ID: the beginning of ids. */
export function parseSummaryFilter(parameters: Parameters): JobFilter {
  const idPrefix = parameters.single('ID');
  if (idPrefix !== undefined && !/^[\w-]{1,64}$/.test(idPrefix))
    throw badRequest(`ID=${idPrefix}: no beginning of an id`);
  return { ...parseFilter(parameters), idPrefix };
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
