/** Positions as astronomers write them. */

/** Hours or degrees with minutes and seconds, e.g. 10:00:26.80 or -30:12:00.4; '' for what is not finite. */
export function sexagesimal(value: number, decimals: number, plus = ''): string {
  if (!Number.isFinite(value)) return '';
  const unit = 10 ** decimals;
  const total = Math.round(Math.abs(value) * 3600 * unit);
  const seconds = (total % (60 * unit)) / unit;
  const minutes = Math.floor(total / (60 * unit)) % 60;
  const whole = Math.floor(total / (3600 * unit));
  const two = (n: number) => String(n).padStart(2, '0');
  const width = decimals > 0 ? 3 + decimals : 2;
  return `${value < 0 ? '-' : plus}${two(whole)}:${two(minutes)}:${seconds.toFixed(decimals).padStart(width, '0')}`;
}

/** Right ascension in degrees as hours, in [0h, 24h) also after rounding. */
export function rightAscension(degrees: number, decimals: number): string {
  const unit = 10 ** decimals;
  const rounded = Math.round((degrees / 15) * 3600 * unit) % (24 * 3600 * unit);
  return Number.isFinite(degrees) ? sexagesimal(rounded / (3600 * unit), decimals) : '';
}

export function declination(degrees: number, decimals: number): string {
  return sexagesimal(degrees, decimals, '+');
}
