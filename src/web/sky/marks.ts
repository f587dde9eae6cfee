/** Detections in pixels of the picture, from a catalogue's columns as their UCDs name them. */
import { byUcd, type Catalogue, type NumberColumn } from '../api/catalogue.js';
import type { Wcs } from '../api/image.js';

/** Where the columns of a catalogue have what is drawn. FITS pixels. */
export interface Shapes {
  x: Float64Array;
  y: Float64Array;
  /** Boxes. */
  width?: Float64Array;
  height?: Float64Array;
  /** Ellipses: axes in pixels, angle of the longer one in radians from right towards up. */
  major?: Float64Array;
  minor?: Float64Array;
  angle?: Float64Array;
}

/** Undefined: the catalogue has no positions on the image. */
export function shapesOf({ columns }: Catalogue, wcs: Wcs | null): Shapes | undefined {
  const x = byUcd(columns, 'pos.cartesian.x');
  const y = byUcd(columns, 'pos.cartesian.y');
  if (!x || !y) return undefined;
  const [width, height] = [byUcd(columns, 'phys.size;instr.pixel'), byUcd(columns, 'phys.size;instr.pixel', 1)];
  const boxes = width && height ? { width: width.values, height: height.values } : {};
  const major = byUcd(columns, 'phys.angSize.smajAxis');
  const minor = byUcd(columns, 'phys.angSize.sminAxis');
  const ellipses = wcs && major && minor ? ellipsesOf(major, minor, byUcd(columns, 'pos.posAng'), wcs) : {};
  return { x: x.values, y: y.values, ...boxes, ...ellipses };
}

function ellipsesOf(major: NumberColumn, minor: NumberColumn, angle: NumberColumn | undefined, wcs: Wcs) {
  const { pixelScaleArcsec, northDeg, eastDeg } = wcs;
  // North through east, on a picture where east may lie on either side of north.
  const turn = Math.sign(Math.sin(((eastDeg - northDeg) * Math.PI) / 180)) || 1;
  const inPixels = (column: NumberColumn) => column.values.map((value) => value / pixelScaleArcsec);
  return {
    major: inPixels(major),
    minor: inPixels(minor),
    angle: major.values.map((_, row) => ((northDeg + turn * (angle?.values[row] ?? 0)) * Math.PI) / 180),
  };
}

/** The smallest shape around a pixel, or one whose middle is within `reach` of it. */
export function rowAt(shapes: Shapes, rows: Uint32Array, px: number, py: number, reach: number): number | undefined {
  let best: number | undefined;
  let bestSize = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const dx = Math.abs((shapes.x[row] ?? Number.NaN) - px);
    const dy = Math.abs((shapes.y[row] ?? Number.NaN) - py);
    const halfX = Math.max(reach, (shapes.width?.[row] ?? shapes.major?.[row] ?? 0) / 2);
    const halfY = Math.max(reach, (shapes.height?.[row] ?? shapes.major?.[row] ?? 0) / 2);
    if (!(dx <= halfX && dy <= halfY)) continue;
    const size = halfX * halfY + (dx * dx + dy * dy) * 1e-3;
    if (size < bestSize) [best, bestSize] = [row, size];
  }
  return best;
}
