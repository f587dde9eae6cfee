/** Which rows of two catalogues are one source: each the other's nearest, within a radius. On the sky, or on the image without sky. */
import { byUcd, type Catalogue } from '../api/catalogue.js';

export interface Positions {
  /** Along and across, in the unit of the radius: arcsec on the sky, else pixels. */
  u: Float64Array;
  v: Float64Array;
  unit: 'arcsec' | 'pixel';
}

export interface Matches {
  /** Row of the second for each of the first; -1 = none. */
  partner: Int32Array;
  pairs: number;
  onlyFirst: Uint32Array;
  onlySecond: Uint32Array;
}

const kArcsec = 3600;

/**
 * Undefined: there are no positions both have. Arcsec on a plane around `centre`: right ascensions are scaled with the cosine
 * of each row's own declination, which is exact enough for separations far below a degree.
 */
export function positionsOf(catalogues: readonly [Catalogue, Catalogue]): [Positions, Positions] | undefined {
  const sky = catalogues.map(({ columns }) => [byUcd(columns, 'pos.eq.ra'), byUcd(columns, 'pos.eq.dec')] as const);
  const [first] = sky[0]?.[0]?.values.filter((value) => !Number.isNaN(value)) ?? [];
  const onSky = sky.map(([ra, dec]) => ra && dec && first !== undefined && skyPositions(ra.values, dec.values, first));
  if (onSky[0] && onSky[1] && hasAny(onSky[1])) return [onSky[0], onSky[1]];
  const pixels = catalogues.map(({ columns }): Positions | undefined => {
    const [x, y] = [byUcd(columns, 'pos.cartesian.x'), byUcd(columns, 'pos.cartesian.y')];
    return x && y && { u: x.values, v: y.values, unit: 'pixel' };
  });
  return pixels[0] && pixels[1] ? [pixels[0], pixels[1]] : undefined;
}

function hasAny({ u }: Positions): boolean {
  return u.some((value) => !Number.isNaN(value));
}

function skyPositions(ra: Float64Array, dec: Float64Array, around: number): Positions {
  const u = ra.map((value, row) => {
    // Across 0 h there are 360 degrees between neighbours.
    const turn = ((((value - around + 180) % 360) + 360) % 360) - 180;
    return turn * Math.cos(((dec[row] ?? 0) * Math.PI) / 180) * kArcsec;
  });
  return { u, v: dec.map((value) => value * kArcsec), unit: 'arcsec' };
}

export function match(first: Positions, second: Positions, radius: number): Matches {
  const there = nearest(first, second, radius);
  const back = nearest(second, first, radius);
  const partner = there.map((row, own) => (row >= 0 && back[row] === own ? row : -1));
  const taken = new Set(partner);
  const rows = (count: number, keep: (row: number) => boolean) =>
    Uint32Array.from(Array.from({ length: count }, (_, row) => row).filter(keep));
  const onlyFirst = rows(partner.length, (row) => partner[row] === -1);
  return {
    partner,
    pairs: partner.length - onlyFirst.length,
    onlyFirst,
    onlySecond: rows(second.u.length, (row) => !taken.has(row)),
  };
}

/** Cells as large as the radius: a neighbour lies in one of nine. */
function nearest(from: Positions, to: Positions, radius: number): Int32Array {
  const cells = new Map<string, number[]>();
  const cell = (value: number) => Math.floor(value / radius);
  to.u.forEach((u, row) => {
    const key = `${cell(u)} ${cell(to.v[row] ?? Number.NaN)}`;
    const rows = cells.get(key);
    if (rows) rows.push(row);
    else cells.set(key, [row]);
  });
  return Int32Array.from(from.u, (u, own) => {
    const v = from.v[own] ?? Number.NaN;
    let best = -1;
    let least = radius * radius;
    for (let i = -1; i <= 1; i++) {
      for (let j = -1; j <= 1; j++) {
        for (const row of cells.get(`${cell(u) + i} ${cell(v) + j}`) ?? []) {
          const distance = ((to.u[row] ?? 0) - u) ** 2 + ((to.v[row] ?? 0) - v) ** 2;
          if (distance <= least) [best, least] = [row, distance];
        }
      }
    }
    return best;
  });
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
