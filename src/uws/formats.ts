/** Which file of a job answers RESPONSEFORMAT (DALI 1.1, section 3.4.3) or an Accept header. */
import type { ResultFormats } from '../results/formats.js';
import type { ResultFile } from '../tasks/files.js';
import { acceptedRanges } from './negotiate.js';

/** The name of the format, by whatever name of it was asked for; undefined when there is none. */
export function formatNamed(asked: string, formats: ResultFormats): string | undefined {
  const plain = asked.toLowerCase().replace(/\s/g, '');
  if (Object.hasOwn(formats, plain)) return plain;
  return Object.entries(formats).find(([, { aliases }]) => aliases.includes(plain))?.[0];
}

/** What a request for a result gets: a file of the job, or what it is about in a format there is no file of yet. */
export type Choice = { file: ResultFile } | { format: string };

/**
 * Undefined when there is no such result. `result` is as the job wrote it unless another format is asked for; the names of
 * the formats are results too, though no list has them.
 */
export function chooseResult(
  results: readonly ResultFile[],
  formats: ResultFormats,
  id: string,
  asked: string | undefined,
  accept: string,
): Choice | undefined {
  const named = results.find((row) => row.id === id);
  const inFormat = (format: string): Choice => {
    const file = results.find((row) => row.format === format);
    return file ? { file } : { format };
  };
  if (!named) {
    const format = results.some((row) => row.format !== undefined) ? formatNamed(id, formats) : undefined;
    return format === undefined ? undefined : inFormat(format);
  }
  if (named.format === undefined || id !== 'result') return { file: named };
  if (asked !== undefined) return inFormat(asked);
  for (const range of acceptedRanges(accept)) {
    if (range === '*/*' || range === '') break;
    const format = formatNamed(range, formats);
    // application/x-votable+xml without a serialization is satisfied by either.
    if (format === 'votable' && !range.includes(';') && named.format.startsWith('votable')) break;
    if (format) return inFormat(format);
  }
  return { file: named };
}
