/** Two catalogues side by side: rows of the one with rows of the other that are near on the sky. */
import type { NativeAddon, ReadColumn, ReadTable, SkyPairs } from '../engine/addon.js';
import { OtfError } from '../errors/catalogue.js';
import { numberColumn } from '../results/columns.js';
import { degreesNamed } from '../results/degrees.js';
import { type Column, kCreated, type Table, type TableDocument, timestamp } from '../results/table.js';
import { kSoftware } from '../version.js';

export interface JoinRequest {
  radiusArcsec: number;
  /** Most separation in units of its error; needs errors of positions. undefined = separations alone count. */
  maxSigma: number | undefined;
  /** Every pair, or each row once, the closest first. */
  find: 'best' | 'all';
  /** Rows of A without a partner stay. */
  keepAll: boolean;
  threads: number;
}

/** One catalogue and where its positions are. */
interface Side {
  table: ReadTable;
  raDeg: Float64Array;
  decDeg: Float64Array;
  /** Arcsec; undefined = it has none. */
  raError: Float64Array | undefined;
  decError: Float64Array | undefined;
}

const kRa = ['ra', 'ra_core', 'raj2000', 'ra_j2000'];
const kDec = ['dec', 'dec_core', 'dej2000', 'decj2000', 'dec_j2000'];
const kArcsecPer = new Map([
  ['arcsec', 1],
  ['mas', 1e-3],
  ['deg', 3600],
]);

/** `warnings`: undefined = an error that cannot be used stops the join. */
function side(table: ReadTable, label: string, warnings: string[] | undefined): Side {
  const find = (names: string[]) => table.columns.find(({ name }) => names.includes(name.toLowerCase()));
  const error = (name: string) => {
    const column = find([name]);
    if (!column?.numbers) return undefined;
    const factor = kArcsecPer.get(column.unit);
    if (factor !== undefined) return column.numbers.map((value) => value * factor);
    const unit = column.unit === '' ? 'no unit' : `the unit ${column.unit}`;
    const what = `${label}: ${column.name} has ${unit}, not arcsec, mas or deg`;
    if (warnings === undefined) throw new OtfError('OTF_UNIT_MISMATCH', what);
    warnings.push(`${what}: left out of separation_sigma`);
    return undefined;
  };
  return {
    table,
    raDeg: degreesNamed(table, label, kRa),
    decDeg: degreesNamed(table, label, kDec),
    raError: error('ra_err'),
    decError: error('dec_err'),
  };
}

/** Of each pair: the separation in units of its error along the line between both; NaN without errors. */
function inSigmas(a: Side, b: Side, pairs: SkyPairs): Float64Array {
  const errors = [a.raError, a.decError, b.raError, b.decError];
  if (errors.every((values) => values === undefined)) return new Float64Array(pairs.a.length).fill(Number.NaN);
  const square = (values: Float64Array | undefined, row: number) =>
    values === undefined ? 0 : (values[row] ?? 0) ** 2;
  return pairs.separation.map((_, pair) => {
    const i = pairs.a[pair] ?? 0;
    const j = pairs.b[pair] ?? 0;
    const declination = a.decDeg[i] ?? Number.NaN;
    const turn = ((((a.raDeg[i] ?? Number.NaN) - (b.raDeg[j] ?? Number.NaN)) % 360) + 540) % 360;
    const ra = (turn - 180) * 3600 * Math.cos((declination * Math.PI) / 180);
    const dec = (declination - (b.decDeg[j] ?? Number.NaN)) * 3600;
    const raVariance = square(a.raError, i) + square(b.raError, j);
    const decVariance = square(a.decError, i) + square(b.decError, j);
    return Math.sqrt(ra ** 2 / raVariance + dec ** 2 / decVariance);
  });
}

/** Pairs that stay, closest first where each row may be used once; in the order of A at the end. */
function choose(pairs: SkyPairs, sigmas: Float64Array, { find, maxSigma }: JoinRequest): number[] {
  const within = Array.from(pairs.a.keys()).filter((pair) => maxSigma === undefined || (sigmas[pair] ?? 0) <= maxSigma);
  if (find === 'all') return within;
  const distance = maxSigma === undefined ? pairs.separation : sigmas;
  const takenA = new Set<number>();
  const takenB = new Set<number>();
  const kept: number[] = [];
  for (const pair of within.sort((x, y) => (distance[x] ?? 0) - (distance[y] ?? 0) || x - y)) {
    const a = pairs.a[pair] ?? 0;
    const b = pairs.b[pair] ?? 0;
    if (takenA.has(a) || takenB.has(b)) continue;
    takenA.add(a);
    takenB.add(b);
    kept.push(pair);
  }
  return kept.sort((x, y) => x - y);
}

/** Row of A, row of B (-1 = none), pair (-1 = none). */
type JoinedRow = [a: number, b: number, pair: number];

function rowsOf(pairs: SkyPairs, kept: number[], rowsA: number, keepAll: boolean): JoinedRow[] {
  const matched = kept.map((pair): JoinedRow => [pairs.a[pair] ?? 0, pairs.b[pair] ?? 0, pair]);
  if (!keepAll) return matched;
  const rows: JoinedRow[] = [];
  let next = 0;
  for (let a = 0; a < rowsA; a += 1) {
    const before = rows.length;
    for (; next < matched.length && matched[next]?.[0] === a; next += 1) rows.push(matched[next] as JoinedRow);
    if (rows.length === before) rows.push([a, -1, -1]);
  }
  return rows;
}

function columnsOf(columns: ReadColumn[], suffix: string, taken: Set<string>, rows: number[]): Column[] {
  return columns.map((from) => {
    const { unit, ucd, description, numbers } = from;
    const texts = from.texts ?? from.digits;
    let name = `${from.name}${suffix}`;
    while (taken.has(name)) name += '_';
    taken.add(name);
    if (texts) return { type: 'text', name, unit, ucd, description, values: rows.map((row) => texts[row] ?? '') };
    const values = Float64Array.from(rows, (row) => numbers?.[row] ?? Number.NaN);
    return { type: 'double', name, unit, ucd, description, celestial: false, values };
  });
}

export interface JoinNames {
  a: string;
  b: string;
}

export async function skyJoin(
  addon: NativeAddon,
  names: JoinNames,
  tables: { a: ReadTable; b: ReadTable },
  request: JoinRequest,
): Promise<TableDocument> {
  const warnings: string[] = [];
  const lenient = request.maxSigma === undefined ? warnings : undefined;
  const a = side(tables.a, names.a, lenient);
  const b = side(tables.b, names.b, lenient);
  const pairs = await addon.matchSky({ a, b, radiusArcsec: request.radiusArcsec, threads: request.threads });
  const sigmas = inSigmas(a, b, pairs);
  if (request.maxSigma !== undefined && !a.raError && !a.decError && !b.raError && !b.decError) {
    throw new OtfError(
      'OTF_TABLE_COLUMN',
      `neither ${names.a} nor ${names.b} has ra_err or dec_err: leave out --sigma`,
    );
  }
  const rows = rowsOf(pairs, choose(pairs, sigmas, request), a.table.rows, request.keepAll);
  const table = joined({ a, b }, pairs, sigmas, rows);
  return { ...document(names, request, table, a.table.rows, b.table.rows), warnings };
}

function joined({ a, b }: { a: Side; b: Side }, pairs: SkyPairs, sigmas: Float64Array, rows: JoinedRow[]): Table {
  const taken = new Set(['separation', 'separation_sigma']);
  const of = (values: Float64Array) => rows.map(([, , pair]) => values[pair] ?? Number.NaN);
  return {
    rows: rows.length,
    columns: [
      ...columnsOf(
        a.table.columns,
        '_a',
        taken,
        rows.map(([row]) => row),
      ),
      ...columnsOf(
        b.table.columns,
        '_b',
        taken,
        rows.map(([, row]) => row),
      ),
      numberColumn(
        'separation',
        ['double', 'arcsec', 'pos.angDistance'],
        'Great-circle distance',
        of(pairs.separation),
      ),
      numberColumn('separation_sigma', ['double', '', 'stat.value'], 'Distance over its error', of(sigmas)),
    ],
  };
}

function document(names: JoinNames, request: JoinRequest, table: Table, rowsA: number, rowsB: number): TableDocument {
  const createdAt = new Date();
  const matched = table.columns.find(({ name }) => name === 'separation')?.values as Float64Array;
  const fact = (name: string, key: string, value: string | number, comment: string) => ({ name, key, value, comment });
  return {
    name: 'matches',
    description: `${names.a} (columns _a) with ${names.b} (columns _b), paired on the sky as their positions stand: frames are not compared (docs/score.md)`,
    rowsDescription: 'Pairs, in the order of the first catalogue',
    rowsName: 'pairs',
    table,
    facts: [
      fact('software', 'CREATOR', `${kSoftware.name} ${kSoftware.version}`, 'program that made this table'),
      fact(kCreated, 'DATE', timestamp(createdAt), 'UTC'),
      fact('radius', 'RADIUS', request.radiusArcsec, 'arcsec'),
      ...(request.maxSigma === undefined ? [] : [fact('max_sigma', 'MAXSIGMA', request.maxSigma, 'of a pair')]),
      fact('find', 'FIND', request.find, 'each row once (best), or every pair (all)'),
      fact('rows_a', 'NROWSA', rowsA, 'of the first catalogue'),
      fact('rows_b', 'NROWSB', rowsB, 'of the second catalogue'),
      fact('pairs', 'NPAIRS', matched.filter(Number.isFinite).length, 'found'),
    ],
    warnings: [],
    createdAt,
  };
}
