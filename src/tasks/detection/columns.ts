/**
 * The one list of catalogue columns that drives every format: name, type, unit, UCD, and where a value comes from.
 * Source: docs/interop.md, Results; the columns of predicted quantities come from the model card.
 */

import { fitsPixel } from '../../results/pixels.js';
import type { Column, NumberColumn, Table } from '../../results/table.js';
import { addDrawn } from './drawn-columns.js';
import { addMeasured, addReliability } from './measured-columns.js';
import type { RunRecord } from './run-record.js';

/** Rows are sources by objectness, highest first. */
export function catalogueOf(record: RunRecord): Table {
  const native = record.outcome.catalogue;
  const columns: Column[] = [];
  const number: AddNumber = (type, name, unit, ucd, description, values, celestial = false) =>
    columns.push({ type, name, unit, ucd, description, values: new Float64Array(values), celestial });

  const digits = Math.max(4, String(native.count).length);
  const ids = new Array<string>(native.count);
  for (let row = 0; row < native.count; row++) ids[row] = `S${String(row + 1).padStart(digits, '0')}`;
  columns.push({
    type: 'text',
    name: 'source_id',
    unit: '',
    ucd: 'meta.id;meta.main',
    description: 'Identifier, unique in this catalogue: rank by objectness',
    values: ids,
  });
  number('double', 'ra', 'deg', 'pos.eq.ra;meta.main', 'Right ascension of the centre', native.raDeg, true);
  number('double', 'dec', 'deg', 'pos.eq.dec;meta.main', 'Declination of the centre', native.decDeg, true);
  const origin = 'FITS pixels of the whole image (centre of the first pixel = 1)';
  const { x, y } = native;
  number('float', 'x', 'pixel', 'pos.cartesian.x;instr.det', `Centre along the first axis, ${origin}`, shifted(x));
  number('float', 'y', 'pixel', 'pos.cartesian.y;instr.det', `Centre along the second axis, ${origin}`, shifted(y));
  number('float', 'width', 'pixel', 'phys.size;instr.pixel', 'Width of the box', native.widthPx);
  number('float', 'height', 'pixel', 'phys.size;instr.pixel', 'Height of the box', native.heightPx);
  number('float', 'objectness', '', 'stat.probability', 'Objectness given by the network, 0 to 1', native.objectness);
  number(
    'float',
    'probability',
    '',
    'stat.probability',
    'Detection probability of the box, 0 to 1',
    native.probability,
  );
  addParameters(record, number);
  addDrawn(record, number);
  addMeasured(record, number);
  addReliability(record, number);
  return { columns, rows: native.count };
}

export type AddNumber = (
  type: NumberColumn['type'],
  name: string,
  unit: string,
  ucd: string,
  description: string,
  values: ArrayLike<number>,
  celestial?: boolean,
) => void;

/** What this network predicts, in the card's order; then position angles, when it predicts them. */
function addParameters(record: RunRecord, number: AddNumber): void {
  const native = record.outcome.catalogue;
  let angles = false;
  for (const entry of record.card.detector.parameters) {
    if (!('max' in entry)) {
      angles = true;
      continue;
    }
    const values = native.values[entry.column] ?? new Float64Array(native.count).fill(Number.NaN);
    number('float', entry.column, entry.unit, entry.ucd, entry.description, values);
    if (entry.column !== 'flux' || record.primaryBeam === undefined) continue;
    const beam = native.primaryBeam;
    const corrected = values.map((flux, row) => flux / (beam[row] ?? Number.NaN));
    const text = 'Flux density divided by the primary beam at the centre';
    number('float', 'flux_corrected', entry.unit, entry.ucd, text, corrected);
    number(
      'float',
      'primary_beam',
      '',
      'phys.transmission;instr.beam',
      'Primary-beam attenuation at the centre, 1 = none',
      beam,
    );
  }
  if (!angles) return;
  const sky = 'Position angle of the major axis, North through East, 0 to 180';
  const plane = 'Position angle of the major axis in the image, from +x towards +y';
  number('float', 'pa', 'deg', 'pos.posAng', sky, native.paDeg);
  number('float', 'pa_pixel', 'deg', 'pos.posAng;instr.det', plane, native.paPixelDeg);
}

function shifted(values: Float64Array): Float64Array {
  return values.map(fitsPixel);
}
