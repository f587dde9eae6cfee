/** Angles as astronomers write them: degrees, or hours and degrees in parts of sixty (IAU style: 10:00:28.60, -30:12:00.0). */

/** Degrees; undefined = it is neither. `hours`: a right ascension, so 10:00:00 is 150. */
export function parseAngle(text: string, hours: boolean): number | undefined {
  const trimmed = text.trim().replace('\u2212', '-');
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return Number(trimmed);
  const match = /^([+-]?)(\d{1,3})\s*[:hd°\s]\s*(\d{1,2})\s*(?:[:m'′\s]\s*(\d{1,2}(?:\.\d*)?)\s*[s"″]?)?$/i.exec(
    trimmed,
  );
  if (!match) return undefined;
  const [, sign, whole, minutes, seconds = '0'] = match;
  if (Number(minutes) >= 60 || Number(seconds) >= 60) return undefined;
  // An h says so; a d or ° says that a right ascension is in degrees.
  const inHours = /h/i.test(trimmed) || (hours && !/[d°]/i.test(trimmed));
  const size = Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600;
  return (sign === '-' ? -1 : 1) * size * (inHours ? 15 : 1);
}

function sixty(value: number, digits: number, width: number): string {
  const scale = 10 ** digits;
  // Rounded as a whole, so that no seconds are 60.
  const units = Math.round(value * 3600 * scale);
  const seconds = (units % (60 * scale)) / scale;
  const minutes = Math.floor(units / (60 * scale)) % 60;
  const whole = Math.floor(units / (3600 * scale));
  return [
    String(whole).padStart(width, '0'),
    String(minutes).padStart(2, '0'),
    seconds.toFixed(digits).padStart(digits === 0 ? 2 : digits + 3, '0'),
  ].join(':');
}

export function raText(degrees: number, digits = 3): string {
  const hours = (((degrees % 360) + 360) % 360) / 15;
  const text = sixty(hours, digits, 2);
  return text.startsWith('24') ? `00${text.slice(2)}` : text;
}

export function decText(degrees: number, digits = 2): string {
  return `${degrees < 0 ? '-' : '+'}${sixty(Math.abs(degrees), digits, 2)}`;
}
