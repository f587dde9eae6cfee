/** The coordinate grid of a picture: lines of equal right ascension and declination, by marching squares over a mesh. */
import type { PositionGrid } from '../api/image.js';
import { decText, raText } from './angles.js';
import { positionAt } from './grid.js';

export interface View {
  /** FITS pixels of the corners that are seen. */
  left: number;
  right: number;
  bottom: number;
  top: number;
}

export interface Line {
  label: string;
  /** x1, y1, x2, y2 in FITS pixels, one after the other. */
  segments: number[];
}

const kMesh = 40;
const kLines = 5;
const kArcsec = 1 / 3600;
/** Steps people read: of degrees, minutes and seconds; of right ascension the same in time. */
const kSteps = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18_000, 36_000,
  108_000,
];

export function coordinateLines(grid: PositionGrid, view: View): Line[] {
  const mesh = meshOf(grid, view);
  if (!mesh) return [];
  const { xs, ys, ra, dec } = mesh;
  return [
    ...linesOf(xs, ys, dec, kArcsec, (degrees, digits) => decText(degrees, digits)),
    ...linesOf(xs, ys, ra, kArcsec * 15, (degrees, digits) => raText(degrees, digits)),
  ];
}

interface Mesh {
  xs: number[];
  ys: number[];
  /** [row * (kMesh + 1) + column]; NaN = no sky. Right ascensions go on beyond 360 where the view crosses zero. */
  ra: Float64Array;
  dec: Float64Array;
}

function meshOf(grid: PositionGrid, { left, right, bottom, top }: View): Mesh | undefined {
  const at = (low: number, high: number) =>
    Array.from({ length: kMesh + 1 }, (_, k) => low + ((high - low) * k) / kMesh);
  const [xs, ys] = [at(left, right), at(bottom, top)];
  const middle = positionAt(grid, (left + right) / 2, (bottom + top) / 2);
  if (!middle) return undefined;
  const ra = new Float64Array(xs.length * ys.length).fill(Number.NaN);
  const dec = ra.slice();
  ys.forEach((y, j) => {
    xs.forEach((x, i) => {
      const position = positionAt(grid, x, y);
      if (!position) return;
      const turn = ((((position.raDeg - middle.raDeg + 180) % 360) + 360) % 360) - 180;
      ra[j * xs.length + i] = middle.raDeg + turn;
      dec[j * xs.length + i] = position.decDeg;
    });
  });
  return { xs, ys, ra, dec };
}

function linesOf(
  xs: number[],
  ys: number[],
  values: Float64Array,
  unit: number,
  label: (degrees: number, digits: number) => string,
): Line[] {
  const finite = values.filter((value) => !Number.isNaN(value));
  if (finite.length === 0) return [];
  const [low, high] = [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))];
  const wanted = (high - low) / kLines;
  const step = (kSteps.find((each) => each * unit >= wanted) ?? 108_000) * unit;
  const digits = step / unit >= 1 ? 0 : step / unit >= 0.1 ? 1 : 2;
  const lines: Line[] = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) {
    lines.push({ label: label(k * step, digits), segments: contour(xs, ys, values, k * step) });
  }
  return lines;
}

/** Marching squares, each cell as two triangles: no saddle has to be decided. */
function contour(xs: number[], ys: number[], values: Float64Array, level: number): number[] {
  const segments: number[] = [];
  const width = xs.length;
  const at = (i: number, j: number) => ({ x: xs[i] ?? 0, y: ys[j] ?? 0, value: values[j * width + i] ?? Number.NaN });
  for (let j = 0; j + 1 < ys.length; j++) {
    for (let i = 0; i + 1 < width; i++) {
      const [a, b, c, d] = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)] as const;
      crossing(segments, [a, b, c], level);
      crossing(segments, [a, c, d], level);
    }
  }
  return segments;
}

interface Corner {
  x: number;
  y: number;
  value: number;
}

function crossing(segments: number[], corners: readonly [Corner, Corner, Corner], level: number): void {
  const points: number[] = [];
  const [a, b, c] = corners;
  for (const [from, to] of [
    [a, b],
    [b, c],
    [c, a],
  ] as const) {
    if (from.value < level === to.value < level || Number.isNaN(from.value + to.value)) continue;
    const t = (level - from.value) / (to.value - from.value);
    points.push(from.x + t * (to.x - from.x), from.y + t * (to.y - from.y));
  }
  if (points.length === 4) segments.push(...points);
}
