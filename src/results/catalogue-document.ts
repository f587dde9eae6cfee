/** The VOTable of a detection run. */
import { catalogueOf } from './columns.js';
import type { VotableDocument } from './document.js';
import { type RunRecord, runFacts } from './run-record.js';
import { coordinateSystem } from './votable.js';

export function catalogueDocument(record: RunRecord): VotableDocument {
  const { wcs, warnings } = record.outcome.image;
  // The instant is the document's PARAM: an INFO would lack its time system.
  const facts = runFacts(record).filter((fact) => fact.name !== 'created');
  return {
    description: describe(record),
    infos: [
      ...facts.map((fact) => ({ name: fact.name, value: String(fact.value) })),
      ...warnings.map((value) => ({ name: 'warning', value })),
    ],
    ...(wcs ? { coordinates: coordinateSystem(wcs) } : {}),
    createdAt: record.createdAt,
    table: {
      name: 'catalogue',
      description: 'Sources by objectness, highest first',
      catalogue: catalogueOf(record),
    },
  };
}

function describe(record: RunRecord): string {
  const pixels = 'Pixel positions x and y are FITS pixels of the whole image: the centre of the first pixel is 1.';
  const sky = record.outcome.image.wcs
    ? ''
    : ' The image has no celestial WCS: right ascension and declination are unknown, positions are pixels only.';
  return `Sources found in ${record.input.name} by the network ${record.model.id} (${record.model.title}). ${pixels}${sky}`;
}
