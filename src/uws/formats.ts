/** Which file of a job answers RESPONSEFORMAT (DALI 1.1, section 3.4.3) or an Accept header. Names are those of kFormats. */
import type { ResultFile } from '../jobs/job.js';
import { type FormatName, kFormats } from '../results/write.js';
import { acceptedRanges } from './negotiate.js';

/** DALI's short names and the usual media types, lower case without blanks. */
const kNames: Record<string, FormatName> = {
  votable: 'votable',
  'votable/td': 'votable',
  'votable/b2': 'votable-binary2',
  binary2: 'votable-binary2',
  'application/x-votable+xml': 'votable',
  'application/x-votable+xml;serialization=tabledata': 'votable',
  'application/x-votable+xml;serialization=binary2': 'votable-binary2',
  fits: 'fits',
  'application/fits': 'fits',
  'application/x-fits': 'fits',
  csv: 'csv',
  'text/csv': 'csv',
  'text/csv;header=present': 'csv',
  json: 'json',
  'application/json': 'json',
  reg: 'reg',
  ds9: 'reg',
};

/** Undefined when there is no such format. */
export function resultFormat(asked: string): FormatName | undefined {
  const plain = asked.toLowerCase().replace(/\s/g, '');
  if (plain in kFormats) return plain as FormatName;
  return kNames[plain];
}

/** The file with this id, or another serialisation of it when it is the catalogue and one was asked for. */
export function chooseFile(
  results: readonly ResultFile[],
  id: string,
  asked: FormatName | undefined,
  accept: string,
): ResultFile | undefined {
  const named = results.find((row) => row.id === id);
  if (named?.format === undefined || id !== 'result') return named;
  if (asked !== undefined) return results.find((row) => row.format === asked);
  for (const range of acceptedRanges(accept)) {
    if (range === '*/*' || range === '') break;
    const format = kNames[range];
    // application/x-votable+xml without a serialization is satisfied by either.
    if (format === 'votable' && !range.includes(';') && named.format.startsWith('votable')) return named;
    const match = format && results.find((row) => row.format === format);
    if (match) return match;
  }
  return named;
}
