/** Instants in requests: ISO 8601 as UWS 1.1 and DALI 1.1 (section 3.3.3) use it, always UTC. */

const kDate = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?|(\d{2})(\d{2}))?/;
const kTime = /^[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,12}))?)?$/;

/**
 * Milliseconds since 1970, or undefined when it is no instant: 2015, 2015-10, 2015-10-26, 20151026, date and time with T or
 * a blank, with or without seconds, fraction, Z. Other time zones and impossible dates are none.
 */
export function parseInstant(text: string): number | undefined {
  const date = kDate.exec(text);
  if (!date) return undefined;
  const year = Number(date[1]);
  const month = Number(date[2] ?? date[4] ?? 1);
  const day = Number(date[3] ?? date[5] ?? 1);
  const rest = text.slice(date[0].length);
  const wholeDate = date[3] !== undefined || date[5] !== undefined;
  // `2015-10-26Z` says its zone too; a time without a day says nothing.
  if (rest === '' || (rest === 'Z' && wholeDate)) return makeInstant(year, month, day, 0, 0, 0, 0);
  if (!wholeDate) return undefined;
  const time = kTime.exec(rest.endsWith('Z') ? rest.slice(0, -1) : rest);
  if (!time) return undefined;
  // Later digits are cut, not rounded: AFTER must not move past the instant it names.
  const fraction = (time[4] ?? '').padEnd(3, '0').slice(0, 3);
  return makeInstant(year, month, day, Number(time[1]), Number(time[2]), Number(time[3] ?? 0), Number(fraction));
}

function makeInstant(year: number, month: number, day: number, h: number, min: number, s: number, ms: number) {
  if (h > 23 || min > 59 || s > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // Date carries 31 April over into May: it was impossible then.
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.setUTCHours(h, min, s, ms);
}

/** YYYY-MM-DDThh:mm:ss.sssZ */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString();
}
