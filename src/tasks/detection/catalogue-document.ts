/** The table of a detection run. */
import type { TableDocument } from '../../results/table.js';
import { catalogueOf } from './columns.js';
import { type RunRecord, runFacts } from './run-record.js';

export function catalogueDocument(record: RunRecord): TableDocument {
  const { image, times } = record.outcome;
  return {
    name: 'catalogue',
    description: describe(record),
    rowsDescription: 'Sources by objectness, highest first',
    rowsName: 'sources',
    table: catalogueOf(record),
    frame: image.wcs,
    facts: runFacts(record),
    warnings: image.warnings,
    createdAt: record.createdAt,
    details: { image: { ...image, label: record.input.name }, times },
  };
}

function describe(record: RunRecord): string {
  const pixels = 'Pixel positions x and y are FITS pixels of the whole image: the centre of the first pixel is 1.';
  const sky = record.outcome.image.wcs
    ? ''
    : ' The image has no celestial WCS: right ascension and declination are unknown, positions are pixels only.';
  return `Sources found in ${record.input.name} by the network ${record.model.id} (${record.model.title}). ${pixels}${sky}`;
}
