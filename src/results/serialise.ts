/** A run's catalogue in each of the formats. */

import { writeFileAtomically } from '../io/write.js';
import { catalogueDocument } from './catalogue-document.js';
import { csv } from './csv.js';
import { writeFitsCatalogue } from './fits.js';
import type { FormatName } from './formats.js';
import { json } from './json.js';
import { region } from './region.js';
import type { RunRecord } from './run-record.js';
import { votable } from './votable.js';

type Pieces = Iterable<string | Uint8Array>;

const kTexts: Record<Exclude<FormatName, 'fits'>, (record: RunRecord) => Pieces> = {
  votable: (record) => votable(catalogueDocument(record), 'TABLEDATA'),
  'votable-binary2': (record) => votable(catalogueDocument(record), 'BINARY2'),
  'votable-1.5': (record) => votable(catalogueDocument(record), 'TABLEDATA', '1.5'),
  csv,
  json,
  reg: region,
};

/** Undefined for the format that is no text. */
export function resultText(record: RunRecord, format: FormatName): Pieces | undefined {
  return format === 'fits' ? undefined : kTexts[format](record);
}

/** Write one result atomically. Throws OTF_OUTPUT_UNWRITABLE naming the path. */
export async function writeResult(record: RunRecord, format: FormatName, path: string): Promise<void> {
  const text = resultText(record, format);
  return text ? writeFileAtomically(path, text) : writeFitsCatalogue(record, path);
}
