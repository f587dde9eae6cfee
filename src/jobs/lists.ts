/** Lists of jobs, read in pages along an index: what is shown of a job in a list, never the whole of it. */
import type { Database, Statement } from 'better-sqlite3';
import { kOwnPhases, type Phase, type Style, type UwsPhase } from './job.js';
import type { JobCounts } from './totals.js';

export interface JobRef {
  id: string;
  style: Style;
  phase: Phase;
  runId: string | null;
  owner: string | null;
  createdMs: number;
}

export interface ListQuery {
  /** Of everybody, or of one owner (null = of nobody). */
  of: 'all' | { owner: string | null };
  /** undefined = all. */
  phases?: ReadonlySet<Phase> | undefined;
  /** Strictly later. */
  afterMs?: number | undefined;
  /** The newest first. */
  newestFirst?: boolean;
  /** At most so many. */
  limit: number;
}

type Which = Pick<ListQuery, 'phases' | 'of'>;

/** A place in the order of creation: (createdMs, rowid). */
interface Place {
  createdMs: number;
  place: number;
}

type Row = JobRef & Place;

/** Rows read at a time: well below a millisecond of work. */
const kPageRows = 200;
const kColumns = 'rowid AS place, id, style, phase, runId, owner, createdMs';
const kBeginning: Place = { createdMs: Number.MIN_SAFE_INTEGER, place: -1 };
const kEnd: Place = { createdMs: Number.MAX_SAFE_INTEGER, place: Number.MAX_SAFE_INTEGER };

export class JobLists {
  readonly #phaseNow: (id: string) => Phase | undefined;
  readonly #all: Record<'up' | 'down', Statement>;
  readonly #ofPhase: Record<'up' | 'down', Statement>;
  readonly #ofOwner: Record<'up' | 'down', Statement>;
  readonly #named: Statement;
  readonly #newest: Statement;
  readonly #undelivered: Statement;

  /** `phaseNow`: of a job that is not over. */
  constructor(database: Database, phaseNow: (id: string) => Phase | undefined) {
    this.#phaseNow = phaseNow;
    this.#undelivered = database.prepare("SELECT id FROM job WHERE info ->> '$.delivery.state' = 'waiting'").pluck();
    const select = (where: string, up: boolean) =>
      database.prepare(
        `SELECT ${kColumns} FROM job WHERE ${where} (createdMs, rowid) ${up ? '>' : '<'} (@createdMs, @place)
         ORDER BY createdMs ${up ? '' : 'DESC'}, rowid ${up ? '' : 'DESC'} LIMIT @limit`,
      );
    this.#all = { up: select('', true), down: select('', false) };
    this.#ofPhase = { up: select('phase = @phase AND', true), down: select('phase = @phase AND', false) };
    const owned = 'owner IS @owner AND phase = @phase AND';
    this.#ofOwner = { up: select(owned, true), down: select(owned, false) };
    this.#named = database.prepare(
      `SELECT ${kColumns} FROM job WHERE id >= @from AND id < @to AND (@all OR owner IS @owner) ORDER BY createdMs DESC, rowid DESC LIMIT @limit`,
    );
    this.#newest = database.prepare('SELECT MAX(createdMs) FROM job').pluck();
  }

  /** Of the newest job; 0 = there is none. */
  newestMs(): number {
    return (this.#newest.get() as number | null) ?? 0;
  }

  /** Pages, each read when it is asked for: nothing of the database is held between two. */
  *pages(query: ListQuery): Generator<JobRef[]> {
    const { newestFirst = false, afterMs } = query;
    // All jobs of the millisecond afterMs lie before this place.
    const after: Place = afterMs === undefined ? kBeginning : { createdMs: afterMs, place: Number.MAX_SAFE_INTEGER };
    let from = newestFirst ? kEnd : after;
    for (let left = query.limit; left > 0; ) {
      const rows = this.#read(query, newestFirst ? 'down' : 'up', from, Math.min(left, kPageRows));
      const last = rows.at(-1);
      if (!last) return;
      from = { createdMs: last.createdMs, place: last.place };
      for (const row of rows) row.phase = this.#phaseNow(row.id) ?? row.phase;
      const wanted = rows.filter(
        ({ phase, createdMs }) =>
          (!query.phases || query.phases.has(phase)) && (!newestFirst || afterMs === undefined || createdMs > afterMs),
      );
      left -= wanted.length;
      if (wanted.length > 0) yield wanted;
      if (newestFirst && afterMs !== undefined && last.createdMs <= afterMs) return;
    }
  }

  /** Those whose ids begin so, the newest first. An id is letters and digits: nothing else follows what it begins with. */
  named(prefix: string, of: ListQuery['of'], limit: number): JobRef[] {
    const whose = of === 'all' ? { all: 1, owner: null } : { all: 0, owner: of.owner };
    const rows = this.#named.all({ from: prefix, to: `${prefix}\uffff`, ...whose, limit }) as Row[];
    for (const row of rows) row.phase = this.#phaseNow(row.id) ?? row.phase;
    return rows;
  }

  /** The creation time after which there are `limit` jobs of these phases, or fewer. */
  startOfNewest(which: Which, limit: number): number {
    const oldest = this.#read(which, 'down', kEnd, limit).at(-1);
    return oldest === undefined ? 0 : oldest.createdMs - 1;
  }

  /** In order; rows of several phases come along their indices and are merged. */
  #read({ phases, of }: Which, way: 'up' | 'down', from: Place, limit: number): Row[] {
    if (!phases && of === 'all') return this.#all[way].all({ ...from, limit }) as Row[];
    const statement = of === 'all' ? this.#ofPhase[way] : this.#ofOwner[way];
    const place = of === 'all' ? { ...from, limit } : { ...from, limit, owner: of.owner };
    const rows = [...inRows(phases ?? new Set(kOwnPhases))].flatMap(
      (phase) => statement.all({ ...place, phase }) as Row[],
    );
    const sign = way === 'up' ? 1 : -1;
    rows.sort((a, b) => sign * (a.createdMs - b.createdMs || a.place - b.place));
    return rows.slice(0, limit);
  }

  /** Of jobs whose results are to be brought somewhere. */
  undelivered(): string[] {
    return this.#undelivered.all() as string[];
  }
}

/** Phases as they may stand in rows: an executing job may be a queued one there. */
function inRows(phases: ReadonlySet<Phase>): Set<Phase> {
  if (!phases.has('QUEUED') && !phases.has('EXECUTING')) return new Set(phases);
  return new Set<Phase>([...phases, 'QUEUED', 'EXECUTING']);
}

export interface JobFilter {
  /** Their ids begin so. */
  idPrefix?: string | undefined;
  /** Union; undefined = all but ARCHIVED. */
  phases: ReadonlySet<UwsPhase> | undefined;
  /** Strictly later. */
  afterMs: number | undefined;
  last: number | undefined;
}

/**
 * The jobs of the list, in pages: in order of creation, with LAST the newest first. More than `most` are never given:
 * after an instant those that come next, so that the list can be read on with AFTER=that of the last; else the newest.
 */
export function listJobs(
  lists: JobLists,
  totals: JobCounts,
  filter: JobFilter & Pick<ListQuery, 'of'>,
  most: number,
): JobPages {
  const { last, afterMs, idPrefix, of } = filter;
  const phases = filter.phases && new Set(kOwnPhases.filter((phase) => filter.phases?.has(phase)));
  const limit = Math.min(last ?? most, most);
  if (idPrefix !== undefined) {
    const found = lists.named(idPrefix, of, limit).filter(({ phase }) => !phases || phases.has(phase));
    const named = found.filter(({ createdMs }) => afterMs === undefined || createdMs > afterMs);
    return { expected: named.length, pages: named.length > 0 ? [named] : [] };
  }
  let jobs = 0;
  for (const phase of phases ?? kOwnPhases) jobs += totals.of(phase);
  const expected = Math.min(limit, jobs);
  if (last !== undefined) return { expected, pages: lists.pages({ of, phases, afterMs, newestFirst: true, limit }) };
  const from = afterMs ?? (jobs > limit ? lists.startOfNewest({ of, phases }, limit) : undefined);
  return { expected, pages: lists.pages({ of, phases, afterMs: from, limit }) };
}

export interface JobPages {
  /** At most so many. */
  expected: number;
  pages: Iterable<JobRef[]>;
}
