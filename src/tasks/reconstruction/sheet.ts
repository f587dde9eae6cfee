/** A sheet of light curves for a quick look: the brightest sources, forced fluxes as bars of their errors, the reconstruction as a line. */
import { PNG } from 'pngjs';
import { ownCurve } from './columns.js';
import type { ReconstructionRecord } from './record.js';

type Colour = readonly [number, number, number];
const kPaper: Colour = [255, 255, 255];
const kFrame: Colour = [190, 190, 190];
const kZero: Colour = [225, 225, 225];
const kForced: Colour = [90, 90, 90];
const kTruth: Colour = [60, 120, 220];
const kLine = new Map<string, Colour>([
  ['steady', [30, 130, 60]],
  ['variable', [190, 130, 0]],
  ['transient', [200, 30, 40]],
]);

const kColumns = 3;
const kMostCurves = 12;
const kWidth = 260;
const kHeight = 140;
const kMargin = 8;

/** Undefined: there are no sources. */
export function lightCurveSheet({ found }: ReconstructionRecord): Buffer | undefined {
  const { sources, curves } = found;
  const count = Math.min(sources.count, kMostCurves);
  if (count === 0) return undefined;
  const png = new PNG({ width: kColumns * kWidth, height: Math.ceil(count / kColumns) * kHeight, colorType: 2 });
  for (let at = 0; at < png.data.length; at += 4) png.data.set([...kPaper, 255], at);
  for (let row = 0; row < count; row += 1) {
    const part = (values: Float64Array) => ownCurve(found, values, row);
    const box = { x: (row % kColumns) * kWidth + kMargin, y: Math.floor(row / kColumns) * kHeight + kMargin };
    drawCurve(png, box, {
      flux: part(curves.flux),
      error: part(curves.fluxError),
      line: part(curves.fluxRec),
      truth: curves.truth && part(curves.truth),
      colour: kLine.get(sources.label[row] ?? '') ?? kForced,
    });
  }
  return PNG.sync.write(png, { colorType: 2 });
}

interface Curve {
  flux: Float64Array;
  error: Float64Array;
  line: Float64Array;
  /** Of a simulation. */
  truth: Float64Array | undefined;
  colour: Colour;
}

function drawCurve(png: PNG, box: { x: number; y: number }, { flux, error, line, truth, colour }: Curve): void {
  const [width, height] = [kWidth - 2 * kMargin, kHeight - 2 * kMargin];
  const all = [...flux, ...line, ...(truth ?? []), 0].filter(Number.isFinite);
  const spread = Math.max(...error.filter(Number.isFinite), Number.MIN_VALUE);
  const [low, high] = [Math.min(...all) - spread, Math.max(...all) + spread];
  const px = (frame: number) => box.x + ((frame + 0.5) / flux.length) * width;
  const py = (value: number) => box.y + (1 - (value - low) / (high - low)) * height;
  drawLine(png, [box.x, py(0)], [box.x + width, py(0)], kZero);
  const corners = [
    [box.x, box.y],
    [box.x + width, box.y],
    [box.x + width, box.y + height],
    [box.x, box.y + height],
  ] as const;
  for (const [index, corner] of corners.entries()) {
    drawLine(png, corner, corners[(index + 1) % corners.length] ?? corner, kFrame);
  }
  flux.forEach((value, frame) => {
    const e = error[frame] ?? Number.NaN;
    if (!Number.isFinite(value) || !Number.isFinite(e)) return;
    drawLine(png, [px(frame), py(value - e)], [px(frame), py(value + e)], kForced);
    drawLine(png, [px(frame) - 1, py(value)], [px(frame) + 1, py(value)], kForced);
  });
  const through = (values: Float64Array, paint: Colour) => {
    for (let frame = 1; frame < values.length; frame += 1) {
      const [from, to] = [values[frame - 1] ?? Number.NaN, values[frame] ?? Number.NaN];
      if (Number.isFinite(from) && Number.isFinite(to))
        drawLine(png, [px(frame - 1), py(from)], [px(frame), py(to)], paint);
    }
  };
  if (truth) through(truth, kTruth);
  through(line, colour);
}

function drawLine(
  png: PNG,
  [x0, y0]: readonly [number, number],
  [x1, y1]: readonly [number, number],
  colour: Colour,
): void {
  const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0)));
  for (let step = 0; step <= steps; step += 1) {
    const x = Math.round(x0 + ((x1 - x0) * step) / steps);
    const y = Math.round(y0 + ((y1 - y0) * step) / steps);
    if (x >= 0 && y >= 0 && x < png.width && y < png.height) png.data.set([...colour, 255], (y * png.width + x) * 4);
  }
}
