/** Scales of histograms and sliders: even steps, or even steps of the logarithm where values span powers of ten. */
import type { NumberColumn } from '../api/catalogue.js';
import { type Limits, rangeOf } from './selection.js';

export interface Scale extends Limits {
  logarithmic: boolean;
  /** 0 to 1 along the scale, and back. */
  toUnit: (value: number) => number;
  fromUnit: (unit: number) => number;
}

/** More than a factor of thirty, all above zero. */
const kSpan = 30;

/** Undefined: the column has no numbers. */
export function scaleOf(column: NumberColumn): Scale | undefined {
  const range = rangeOf(column);
  if (!range) return undefined;
  const { low, high } = range;
  const logarithmic = low > 0 && high / low > kSpan;
  const to = logarithmic ? Math.log : (value: number) => value;
  const from = logarithmic ? Math.exp : (value: number) => value;
  const [first, span] = [to(low), to(high) - to(low) || 1];
  return {
    low,
    high,
    logarithmic,
    toUnit: (value) => Math.min(1, Math.max(0, (to(value) - first) / span)),
    // The ends are the values themselves: rounding must cut no row off.
    fromUnit: (unit) => (unit <= 0 ? low : unit >= 1 ? high : from(first + unit * span)),
  };
}

/** How many of `rows` fall into each of `bins` even steps of the scale. */
export function histogram({ values }: NumberColumn, scale: Scale, rows: Uint32Array, bins: number): Uint32Array {
  const counts = new Uint32Array(bins);
  for (const row of rows) {
    const value = values[row] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    const bin = Math.min(bins - 1, Math.floor(scale.toUnit(value) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
