/** Sources of a catalogue as marks on a picture of its image. */
import type { CatalogueColumns, ImageSummary, Marks } from '../../engine/addon.js';

/** Ellipses of twice the predicted axes where size and angle are known, boxes elsewhere. */
export function sourceMarks(image: ImageSummary, sources: CatalogueColumns): Marks {
  const arcsecPerPx = (image.wcs?.pixelScaleDeg ?? Number.NaN) * 3600;
  const { bmaj, bmin } = sources.values;
  const rows = Array.from({ length: sources.count }, (_, row) => {
    const major = (bmaj?.[row] ?? Number.NaN) / arcsecPerPx;
    const minor = (bmin?.[row] ?? Number.NaN) / arcsecPerPx;
    const angle = sources.paPixelDeg[row] ?? Number.NaN;
    if ([major, minor, angle].every(Number.isFinite)) return { a: major, b: minor, angle, shape: 0 };
    return { a: (sources.widthPx[row] ?? 0) / 2, b: (sources.heightPx[row] ?? 0) / 2, angle: 0, shape: 1 };
  });
  return {
    x: sources.x.slice(0, sources.count),
    y: sources.y.slice(0, sources.count),
    a: Float64Array.from(rows, ({ a }) => a),
    b: Float64Array.from(rows, ({ b }) => b),
    angleDeg: Float64Array.from(rows, ({ angle }) => angle),
    shape: Float64Array.from(rows, ({ shape }) => shape),
  };
}
