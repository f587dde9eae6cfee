/** How numbers, sizes and times are shown. */

const kUnits = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < kUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${kUnits[unit]}`;
}

/** Four significant digits, powers where the number is far from 1; '' for a missing one. */
export function number(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return '';
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(digits - 1);
  return String(Number(value.toPrecision(digits)));
}

const kStepsS = [
  [86400, 'd'],
  [3600, 'h'],
  [60, 'min'],
] as const;

export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  for (const [step, name] of kStepsS) {
    if (seconds >= 2 * step) return `${Math.round(seconds / step)} ${name}`;
  }
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/** Local time; the day too when it is not today. */
export function instant(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const time = date.toLocaleTimeString([], { hour12: false });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}
