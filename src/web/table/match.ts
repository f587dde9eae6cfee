/** Which rows of two catalogues are one source: each the other's nearest, within a radius. On the sky, or on the image without sky. */
import { byUcd, type Catalogue } from '../api/catalogue.js';

export interface Positions {
  /** Along each axis: on the sky the unit vector's three, so that no place is nearer to a pole; else pixels. */
  axes: readonly Float64Array[];
  /** Of the radius. */
  unit: 'arcsec' | 'pixel';
}

export interface Matches {
  /** Row of the second for each of the first; -1 = none. */
  partner: Int32Array;
  pairs: number;
  onlyFirst: Uint32Array;
  onlySecond: Uint32Array;
}

const kDegree = Math.PI / 180;
const kArcsec = kDegree / 3600;

/** Undefined: there are no positions both have. */
export function positionsOf(catalogues: readonly [Catalogue, Catalogue]): [Positions, Positions] | undefined {
  const sky = catalogues.map(({ columns }) => {
    const [ra, dec] = [byUcd(columns, 'pos.eq.ra'), byUcd(columns, 'pos.eq.dec')];
    return ra && dec && hasAny(ra.values) ? skyPositions(ra.values, dec.values) : undefined;
  });
  if (sky[0] && sky[1]) return [sky[0], sky[1]];
  const pixels = catalogues.map(({ columns }): Positions | undefined => {
    const [x, y] = [byUcd(columns, 'pos.cartesian.x'), byUcd(columns, 'pos.cartesian.y')];
    return x && y && { axes: [x.values, y.values], unit: 'pixel' };
  });
  return pixels[0] && pixels[1] ? [pixels[0], pixels[1]] : undefined;
}

function hasAny(values: Float64Array): boolean {
  return values.some((value) => !Number.isNaN(value));
}

function skyPositions(ra: Float64Array, dec: Float64Array): Positions {
  const across = dec.map((value) => Math.cos(value * kDegree));
  const x = ra.map((value, row) => (across[row] ?? 0) * Math.cos(value * kDegree));
  const y = ra.map((value, row) => (across[row] ?? 0) * Math.sin(value * kDegree));
  return { axes: [x, y, dec.map((value) => Math.sin(value * kDegree))], unit: 'arcsec' };
}

/** Of a radius, in the unit of the axes: on the sky the chord. */
function reachOf({ unit }: Positions, radius: number): number {
  return unit === 'pixel' ? radius : 2 * Math.sin(Math.min(radius * kArcsec, Math.PI) / 2);
}

export function match(first: Positions, second: Positions, radius: number): Matches {
  const reach = reachOf(first, radius);
  const there = nearest(first.axes, second.axes, reach);
  const back = nearest(second.axes, first.axes, reach);
  const partner = there.map((row, own) => (row >= 0 && back[row] === own ? row : -1));
  const taken = new Set(partner);
  const rows = (count: number, keep: (row: number) => boolean) =>
    Uint32Array.from(Array.from({ length: count }, (_, row) => row).filter(keep));
  const onlyFirst = rows(partner.length, (row) => partner[row] === -1);
  return {
    partner,
    pairs: partner.length - onlyFirst.length,
    onlyFirst,
    onlySecond: rows(second.axes[0]?.length ?? 0, (row) => !taken.has(row)),
  };
}

/** Cells as large as the reach: a neighbour lies in one of nine, or of 27. Some share a number, which costs time alone. */
function nearest(from: readonly Float64Array[], to: readonly Float64Array[], reach: number): Int32Array {
  const cells = new Map<number, number[]>();
  const [along = new Float64Array()] = to;
  along.forEach((_, row) => {
    const key = cellOf(to, row, reach, [0, 0, 0]);
    const rows = cells.get(key);
    if (rows) rows.push(row);
    else cells.set(key, [row]);
  });
  const steps = from.length > 2 ? [-1, 0, 1] : [0];
  const around = [-1, 0, 1].flatMap((i) => [-1, 0, 1].flatMap((j) => steps.map((k) => [i, j, k])));
  return Int32Array.from(from[0] ?? [], (_, own) => {
    let best = -1;
    let least = reach * reach;
    for (const step of around) {
      for (const row of cells.get(cellOf(from, own, reach, step)) ?? []) {
        const distance = squaredDistance(from, own, to, row);
        if (distance <= least) [best, least] = [row, distance];
      }
    }
    return best;
  });
}

const kPrimes = [73_856_093, 19_349_663, 83_492_791];

function cellOf(axes: readonly Float64Array[], row: number, reach: number, step: readonly number[]): number {
  return axes.reduce((key, values, axis) => {
    const cell = Math.floor((values[row] ?? Number.NaN) / reach) + (step[axis] ?? 0);
    return key ^ Math.imul(cell, kPrimes[axis] ?? 1);
  }, 0);
}

function squaredDistance(a: readonly Float64Array[], row: number, b: readonly Float64Array[], other: number): number {
  return a.reduce(
    (sum, values, axis) => sum + ((values[row] ?? Number.NaN) - (b[axis]?.[other] ?? Number.NaN)) ** 2,
    0,
  );
}

/** Some rows of a catalogue as one of their own. */
export function rowsOf(catalogue: Catalogue, rows: Uint32Array): Catalogue {
  const columns = catalogue.columns.map((column) =>
    column.type === 'text'
      ? { ...column, values: Array.from(rows, (row) => column.values[row] ?? '') }
      : { ...column, values: Float64Array.from(rows, (row) => column.values[row] ?? Number.NaN) },
  );
  return { ...catalogue, columns, rows: rows.length };
}
