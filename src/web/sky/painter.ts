/** What lies over the picture: detections, region, coordinate grid, scale bar, compass, beam. Drawn on a canvas above it. */
import type { Picture, Wcs } from '../api/image.js';
import { number } from '../parts/shown.js';
import { coordinateLines, type View } from './lines.js';
import type { Shapes } from './marks.js';

/** From FITS pixels to those of the canvas. */
export interface Projection {
  /** Of the canvas, in CSS pixels. */
  width: number;
  height: number;
  /** CSS pixels for a pixel of the image. */
  scale: number;
  toX: (x: number) => number;
  toY: (y: number) => number;
  view: View;
}

export interface Overlay {
  shapes: Shapes | undefined;
  rows: Uint32Array;
  form: 'boxes' | 'ellipses' | 'none';
  current: number | undefined;
  hovered: number | undefined;
  /** 1-based x, y, width, height. */
  region: readonly [number, number, number, number] | undefined;
  grid: boolean;
}

const kMarks = '#4fe3ff';
const kCurrent = '#ffb000';
const kHovered = '#ffffff';
const kUnder = 'rgba(0, 0, 0, 0.8)';
const kRegion = '#ff5ca8';
const kLines = 'rgba(140, 200, 120, 0.85)';
const kFont = '12px sans-serif';
/** Smaller ones would not be seen. */
const kLeastPx = 4;

export function paint(context: CanvasRenderingContext2D, at: Projection, overlay: Overlay, picture: Picture): void {
  context.clearRect(0, 0, at.width, at.height);
  context.font = kFont;
  if (overlay.grid && picture.grid) paintLines(context, at, picture);
  if (overlay.shapes && overlay.form !== 'none') paintMarks(context, at, overlay, overlay.shapes);
  if (overlay.region) paintRegion(context, at, overlay.region);
  const { wcs, beam } = picture.header;
  if (!wcs) return;
  paintScaleBar(context, at, wcs);
  paintCompass(context, at, wcs);
  if (beam) paintBeam(context, at, wcs, beam);
}

function paintMarks(context: CanvasRenderingContext2D, at: Projection, overlay: Overlay, shapes: Shapes): void {
  context.lineWidth = 1.3;
  context.strokeStyle = kMarks;
  context.beginPath();
  for (const row of overlay.rows) addMark(context, at, overlay.form, shapes, row);
  context.stroke();
  for (const [row, colour] of [
    [overlay.hovered, kHovered],
    [overlay.current, kCurrent],
  ] as const) {
    if (row === undefined) continue;
    context.beginPath();
    addMark(context, at, overlay.form, shapes, row);
    // Seen on every colour map.
    for (const [width, stroke] of [
      [5, kUnder],
      [2.5, colour],
    ] as const) {
      context.lineWidth = width;
      context.strokeStyle = stroke;
      context.stroke();
    }
  }
}

function addMark(
  context: CanvasRenderingContext2D,
  at: Projection,
  form: Overlay['form'],
  shapes: Shapes,
  row: number,
): void {
  const { x, y, width, height, major, minor, angle } = shapes;
  const [cx, cy] = [at.toX(x[row] ?? Number.NaN), at.toY(y[row] ?? Number.NaN)];
  const margin = 100;
  if (!(cx > -margin && cy > -margin && cx < at.width + margin && cy < at.height + margin)) return;
  if (form === 'ellipses' && major && minor && angle) {
    const a = Math.max(kLeastPx, ((major[row] ?? 0) * at.scale) / 2);
    const b = Math.max(kLeastPx, ((minor[row] ?? 0) * at.scale) / 2);
    const turn = angle[row] ?? 0;
    if (Number.isNaN(a + b + turn)) return;
    // From the end of the longer axis: the path must not be joined to the one before.
    context.moveTo(cx + a * Math.cos(turn), cy - a * Math.sin(turn));
    context.ellipse(cx, cy, a, b, -turn, 0, 2 * Math.PI);
    return;
  }
  const w = Math.max(2 * kLeastPx, (width?.[row] ?? 0) * at.scale);
  const h = Math.max(2 * kLeastPx, (height?.[row] ?? 0) * at.scale);
  context.rect(cx - w / 2, cy - h / 2, w, h);
}

/** Around the outer edges of its pixels. */
function paintRegion(context: CanvasRenderingContext2D, at: Projection, region: NonNullable<Overlay['region']>): void {
  const [x, y, w, h] = region;
  context.lineWidth = 2;
  context.strokeStyle = kRegion;
  context.strokeRect(at.toX(x - 0.5), at.toY(y + h - 0.5), w * at.scale, h * at.scale);
}

function paintLines(context: CanvasRenderingContext2D, at: Projection, { grid }: Picture): void {
  if (!grid) return;
  context.lineWidth = 1;
  context.strokeStyle = kLines;
  for (const { label, segments } of coordinateLines(grid, at.view)) {
    context.beginPath();
    for (let k = 0; k + 3 < segments.length; k += 4) {
      context.moveTo(at.toX(segments[k] ?? 0), at.toY(segments[k + 1] ?? 0));
      context.lineTo(at.toX(segments[k + 2] ?? 0), at.toY(segments[k + 3] ?? 0));
    }
    context.stroke();
    const [x, y] = segments;
    if (x !== undefined && y !== undefined) paintText(context, label, at.toX(x) + 4, at.toY(y) - 4);
  }
}

/** Readable on any picture. */
function paintText(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.lineWidth = 3;
  context.strokeStyle = 'rgba(0, 0, 0, 0.8)';
  context.strokeText(text, x, y);
  context.fillStyle = '#ffffff';
  context.fillText(text, x, y);
  context.lineWidth = 1;
  context.strokeStyle = kLines;
}

const kBars = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18_000, 36_000];
const kBarPx = 150;
const kMargin = 16;

function arcText(arcsec: number): string {
  if (arcsec >= 3600) return `${number(arcsec / 3600)}°`;
  return arcsec >= 60 ? `${number(arcsec / 60)}′` : `${number(arcsec)}″`;
}

function paintScaleBar(context: CanvasRenderingContext2D, at: Projection, { pixelScaleArcsec }: Wcs): void {
  const arcsec = [...kBars].reverse().find((each) => (each / pixelScaleArcsec) * at.scale <= kBarPx) ?? 0.1;
  const length = (arcsec / pixelScaleArcsec) * at.scale;
  const [right, y] = [at.width - kMargin, at.height - kMargin];
  for (const [width, colour] of [
    [5, 'rgba(0, 0, 0, 0.8)'],
    [2, '#ffffff'],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.moveTo(right - length, y);
    context.lineTo(right, y);
    context.stroke();
  }
  paintText(context, arcText(arcsec), right - length, y - 6);
}

function paintCompass(context: CanvasRenderingContext2D, at: Projection, { northDeg, eastDeg }: Wcs): void {
  const [cx, cy] = [at.width - 50, 50];
  for (const [name, degrees] of [
    ['N', northDeg],
    ['E', eastDeg],
  ] as const) {
    const angle = (degrees * Math.PI) / 180;
    const [dx, dy] = [Math.cos(angle), -Math.sin(angle)];
    for (const [width, colour] of [
      [5, 'rgba(0, 0, 0, 0.8)'],
      [2, '#ffffff'],
    ] as const) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.beginPath();
      context.moveTo(cx, cy);
      context.lineTo(cx + 24 * dx, cy + 24 * dy);
      context.stroke();
    }
    paintText(context, name, cx + 34 * dx - 4, cy + 34 * dy + 4);
  }
}

function paintBeam(
  context: CanvasRenderingContext2D,
  at: Projection,
  { pixelScaleArcsec, northDeg, eastDeg }: Wcs,
  beam: { majorArcsec: number; minorArcsec: number; paDeg: number },
): void {
  const turn = Math.sign(Math.sin(((eastDeg - northDeg) * Math.PI) / 180)) || 1;
  const angle = ((northDeg + turn * beam.paDeg) * Math.PI) / 180;
  const a = ((beam.majorArcsec / pixelScaleArcsec) * at.scale) / 2;
  const b = ((beam.minorArcsec / pixelScaleArcsec) * at.scale) / 2;
  // Too small to be a shape, or larger than its corner.
  if (a < 1.5 || a > at.height / 4) return;
  context.fillStyle = 'rgba(255, 255, 255, 0.85)';
  context.strokeStyle = '#000000';
  context.lineWidth = 1;
  context.beginPath();
  context.ellipse(kMargin + a, at.height - kMargin - a, a, b, -angle, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}
