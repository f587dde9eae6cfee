/** Which file of a job answers RESPONSEFORMAT (DALI 1.1, section 3.4.3) or an Accept header. Names are those of kFormats. */
import type { ResultFile } from '../jobs/job.js';
import { type FormatName, isFormatName } from '../results/formats.js';
import { acceptedRanges } from './negotiate.js';

/** DALI's short names and the usual media types, lower case without blanks. */
const kNames = new Map<string, FormatName>([
  ['votable', 'votable'],
  ['votable/td', 'votable'],
  ['votable/b2', 'votable-binary2'],
  ['binary2', 'votable-binary2'],
  ['application/x-votable+xml', 'votable'],
  ['application/x-votable+xml;serialization=tabledata', 'votable'],
  ['application/x-votable+xml;serialization=binary2', 'votable-binary2'],
  ['application/x-votable+xml;version=1.5', 'votable-1.5'],
  ['application/x-votable+xml;serialization=tabledata;version=1.5', 'votable-1.5'],
  ['fits', 'fits'],
  ['application/fits', 'fits'],
  ['application/x-fits', 'fits'],
  ['csv', 'csv'],
  ['text/csv', 'csv'],
  ['text/csv;header=present', 'csv'],
  ['json', 'json'],
  ['application/json', 'json'],
  ['reg', 'reg'],
  ['ds9', 'reg'],
]);

/** Undefined when there is no such format. */
export function resultFormat(asked: string): FormatName | undefined {
  const plain = asked.toLowerCase().replace(/\s/g, '');
  return isFormatName(plain) ? plain : kNames.get(plain);
}

/** What a request for a result gets: a file of the job, or its catalogue in a format there is no file of yet. */
export type Choice = { file: ResultFile } | { format: FormatName };

/**
 * Undefined when there is no such result. `result` is the catalogue as the job wrote it unless another format is asked
 * for; the names of the formats are results too, though no list has them.
 */
export function chooseResult(
  results: readonly ResultFile[],
  id: string,
  asked: FormatName | undefined,
  accept: string,
): Choice | undefined {
  const named = results.find((row) => row.id === id);
  const inFormat = (format: FormatName): Choice => {
    const file = results.find((row) => row.format === format);
    return file ? { file } : { format };
  };
  if (!named) {
    const format = results.some((row) => row.format !== undefined) ? resultFormat(id) : undefined;
    return format && inFormat(format);
  }
  if (named.format === undefined || id !== 'result') return { file: named };
  if (asked !== undefined) return inFormat(asked);
  for (const range of acceptedRanges(accept)) {
    if (range === '*/*' || range === '') break;
    const format = kNames.get(range);
    // application/x-votable+xml without a serialization is satisfied by either.
    if (format === 'votable' && !range.includes(';') && named.format.startsWith('votable')) break;
    if (format) return inFormat(format);
  }
  return { file: named };
}
