/** Points with error bars as an SVG (1.1) of its own: readable without scripts, fonts or styles of elsewhere. */
import { escapeXml } from '../io/xml.js';

export interface PlotPoint {
  x: number;
  y: number;
  /** Ends of the bar; absent = none. */
  low?: number;
  high?: number;
}

export interface PlotSeries {
  name: string;
  points: readonly PlotPoint[];
}

export interface Plot {
  title: string;
  xLabel: string;
  yLabel: string;
  /** x is positive. */
  isLogarithmic?: boolean;
  series: readonly PlotSeries[];
  /** Of the y axis, 0 to 1 when absent. */
  yRange?: readonly [number, number];
}

const kWidth = 640;
const kHeight = 420;
const kLeft = 64;
const kRight = 16;
const kTop = 40;
const kBottom = 56;
/** Of Okabe and Ito: told apart by everybody. */
const kColours = ['#0072b2', '#d55e00', '#009e73'];

/** Points that are no numbers are left out. */
export function plotSvg(plot: Plot): string {
  const scaleX = plot.isLogarithmic ? Math.log10 : (value: number) => value;
  const shown = plot.series.map(({ name, points }) => ({
    name,
    points: points.filter(({ x, y }) => Number.isFinite(scaleX(x)) && Number.isFinite(y)),
  }));
  const xs = shown.flatMap(({ points }) => points.map(({ x }) => scaleX(x)));
  const [left, right] = widened(Math.min(...xs), Math.max(...xs));
  const [bottom, top] = plot.yRange ?? [0, 1];
  const px = (x: number) => kLeft + ((scaleX(x) - left) / (right - left)) * (kWidth - kLeft - kRight);
  const py = (y: number) => kHeight - kBottom - ((y - bottom) / (top - bottom)) * (kHeight - kTop - kBottom);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${kWidth} ${kHeight}" width="${kWidth}" height="${kHeight}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(plot.title)}</title>`,
    `<rect width="${kWidth}" height="${kHeight}" fill="#fff"/>`,
    label(kWidth / 2, 22, plot.title, 'font-size="14"'),
    label((kLeft + kWidth - kRight) / 2, kHeight - 14, plot.xLabel),
    label(16, kHeight / 2, plot.yLabel, `transform="rotate(-90 16 ${kHeight / 2})"`),
  ];
  for (const x of ticks(left, right, plot.isLogarithmic ?? false)) {
    const at = px(x).toFixed(1);
    parts.push(line(at, py(bottom), at, py(top), '#ddd'), label(Number(at), kHeight - kBottom + 18, short(x)));
  }
  for (const y of ticks(bottom, top, false)) {
    const at = py(y).toFixed(1);
    parts.push(line(kLeft, at, kWidth - kRight, at, '#ddd'), label(kLeft - 22, Number(at) + 4, short(y)));
  }
  parts.push(
    `<rect x="${kLeft}" y="${kTop}" width="${kWidth - kLeft - kRight}" height="${kHeight - kTop - kBottom}" fill="none" stroke="#333"/>`,
  );
  for (const [number, { name, points }] of shown.entries()) {
    const colour = kColours[number % kColours.length] ?? '#000';
    const inside = (y: number) => py(Math.min(Math.max(y, bottom), top)).toFixed(1);
    const path = points.map(({ x, y }) => `${px(x).toFixed(1)},${inside(y)}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}"/>`);
    for (const { x, y, low = Number.NaN, high = Number.NaN } of points) {
      const at = px(x).toFixed(1);
      if (Number.isFinite(low) && Number.isFinite(high)) parts.push(line(at, inside(low), at, inside(high), colour));
      parts.push(`<circle cx="${at}" cy="${inside(y)}" r="3" fill="${colour}"/>`);
    }
    if (shown.length > 1) {
      const y = kTop + 16 + 16 * number;
      parts.push(`<circle cx="${kWidth - kRight - 130}" cy="${y - 4}" r="3" fill="${colour}"/>`);
      parts.push(`<text x="${kWidth - kRight - 120}" y="${y}">${escapeXml(name)}</text>`);
    }
  }
  return `${[...parts, '</svg>'].join('\n')}\n`;
}

function widened(low: number, high: number): [number, number] {
  if (!(low <= high)) return [0, 1];
  const room = (high - low || 1) * 0.04;
  return [low - room, high + room];
}

/** Values of the axis, in a 1-2-5 grid; of a logarithm those of 1, 2 and 5 times powers of ten. */
function ticks(low: number, high: number, isLogarithmic: boolean): number[] {
  if (isLogarithmic) {
    const found: number[] = [];
    for (let power = Math.floor(low); power <= high; power += 1) {
      for (const digit of [1, 2, 5]) {
        const at = power + Math.log10(digit);
        if (at >= low && at <= high) found.push(digit * 10 ** power);
      }
    }
    return found;
  }
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((digit) => digit * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) => (first + index) * step);
}

function short(value: number): string {
  const text = String(Number(value.toPrecision(4)));
  return text.length > 7 ? value.toExponential(0) : text;
}

function line(
  x1: number | string,
  y1: number | string,
  x2: number | string,
  y2: number | string,
  colour: string,
): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}"/>`;
}

function label(x: number, y: number, text: string, more = ''): string {
  return `<text x="${x}" y="${y}" text-anchor="middle" ${more}>${escapeXml(text)}</text>`;
}
