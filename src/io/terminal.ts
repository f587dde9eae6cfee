/** Text for people at a terminal. */

/** Control characters of others' data would be commands to a terminal; those of C1 (0x80 to 0x9f) are, too. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** 0.0123 -> "12.3 ms", 4.56 -> "4.56 s", 300 -> "5 min 0 s". */
export function duration(seconds: number): string {
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.1 ? 1 : 0)} ms`;
  if (seconds < 120) return `${seconds.toFixed(2)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
