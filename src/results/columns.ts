/**
 * The one list of catalogue columns that drives every format: name, type, unit, UCD, and where a value comes from.
 * Source: interop.md section 5; the columns of predicted quantities come from the model card.
 */
import type { RunRecord } from './run-record.js';

interface ColumnCommon {
  name: string;
  /** VOUnits spelling; '' = none. */
  unit: string;
  ucd: string;
  description: string;
}
export interface TextColumn extends ColumnCommon {
  type: 'text';
  at: (row: number) => string;
}
export interface NumberColumn extends ColumnCommon {
  type: 'float' | 'double' | 'int';
  /** NaN = missing. */
  at: (row: number) => number;
  /** A celestial coordinate: refers to the COOSYS. */
  celestial: boolean;
}
export type Column = TextColumn | NumberColumn;

/** Rows are sources by objectness, highest first. */
export interface Catalogue {
  columns: Column[];
  rows: number;
}

/** FITS pixel coordinates begin at 1 (FITS Standard 4.0 section 8.1); the native side counts from 0. */
const kFitsOrigin = 1;

export function catalogueOf(record: RunRecord): Catalogue {
  const native = record.outcome.catalogue;
  const columns: Column[] = [];
  const number = (
    type: NumberColumn['type'],
    name: string,
    unit: string,
    ucd: string,
    description: string,
    at: (row: number) => number,
    celestial = false,
  ) => columns.push({ type, name, unit, ucd, description, at, celestial });
  const of = (values: ArrayLike<number>) => (row: number) => values[row] ?? Number.NaN;

  const digits = Math.max(4, String(native.count).length);
  columns.push({
    type: 'text',
    name: 'source_id',
    unit: '',
    ucd: 'meta.id;meta.main',
    description: 'Identifier, unique in this catalogue: rank by objectness',
    at: (row) => `S${String(row + 1).padStart(digits, '0')}`,
  });
  number('double', 'ra', 'deg', 'pos.eq.ra;meta.main', 'Right ascension of the centre', of(native.raDeg), true);
  number('double', 'dec', 'deg', 'pos.eq.dec;meta.main', 'Declination of the centre', of(native.decDeg), true);
  const origin = 'FITS pixels of the whole image (centre of the first pixel = 1)';
  const { x, y } = native;
  number('float', 'x', 'pixel', 'pos.cartesian.x;instr.det', `Centre along the first axis, ${origin}`, shifted(x));
  number('float', 'y', 'pixel', 'pos.cartesian.y;instr.det', `Centre along the second axis, ${origin}`, shifted(y));
  number('float', 'width', 'pixel', 'phys.size;instr.pixel', 'Width of the box', of(native.widthPx));
  number('float', 'height', 'pixel', 'phys.size;instr.pixel', 'Height of the box', of(native.heightPx));
  number(
    'float',
    'objectness',
    '',
    'stat.probability',
    'Objectness given by the network, 0 to 1',
    of(native.objectness),
  );
  number(
    'float',
    'probability',
    '',
    'stat.probability',
    'Detection probability of the box, 0 to 1',
    of(native.probability),
  );
  addParameters(record, number);
  return { columns, rows: native.count };
}

type AddNumber = (
  type: NumberColumn['type'],
  name: string,
  unit: string,
  ucd: string,
  description: string,
  at: (row: number) => number,
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
    const values = native.values[entry.column] ?? new Float64Array();
    number('float', entry.column, entry.unit, entry.ucd, entry.description, (row) => values[row] ?? Number.NaN);
    if (entry.column !== 'flux' || record.primaryBeam === undefined) continue;
    const beam = native.primaryBeam;
    const attenuation = (row: number) => beam[row] ?? Number.NaN;
    const corrected = (row: number) => (values[row] ?? Number.NaN) / attenuation(row);
    const text = 'Flux density divided by the primary beam at the centre';
    number('float', 'flux_corrected', entry.unit, entry.ucd, text, corrected);
    number(
      'float',
      'primary_beam',
      '',
      'phys.transmission;instr.beam',
      'Primary-beam attenuation at the centre, 1 = none',
      attenuation,
    );
  }
  if (!angles) return;
  const sky = 'Position angle of the major axis, North through East, 0 to 180';
  const plane = 'Position angle of the major axis in the image, from +x towards +y';
  number('float', 'pa', 'deg', 'pos.posAng', sky, (row) => native.paDeg[row] ?? Number.NaN);
  number('float', 'pa_pixel', 'deg', 'pos.posAng;instr.det', plane, (row) => native.paPixelDeg[row] ?? Number.NaN);
}

function shifted(values: ArrayLike<number>): (row: number) => number {
  return (row) => (values[row] ?? Number.NaN) + kFitsOrigin;
}

/**
 * The shortest decimal that reads back as the same value of the column's type; '' when missing.
 * A float needs at most 9 significant digits, most need 7 or 8.
 */
export function numberText(value: number, type: NumberColumn['type']): string {
  if (!Number.isFinite(value)) return '';
  if (type !== 'float') return String(value);
  const single = Math.fround(value);
  const magnitude = Math.abs(single);
  if (magnitude >= kPlainFrom && magnitude < kPlainBelow) return plainFloat(single, magnitude);
  for (let precision = 1; ; precision++) {
    const decimal = Number(single.toPrecision(precision));
    if (precision === 9 || Math.fround(decimal) === single) return String(decimal);
  }
}

/** Where 9 significant digits are a whole number of the last of at most 14 decimals: exact in a double. */
const [kPlainFrom, kPlainBelow] = [1e-6, 1e6];
const kPowersOfTen = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

/** The same by whole numbers, many times faster: most of the time a catalogue takes is this. */
function plainFloat(single: number, magnitude: number): string {
  const exponent = Math.floor(Math.log10(magnitude));
  for (let digits = 6; ; digits++) {
    const decimals = digits - 1 - exponent;
    const power = kPowersOfTen[decimals] ?? Number.NaN;
    const whole = Math.round(magnitude * power);
    if (digits < 9 && Math.fround(whole / power) !== magnitude) continue;
    let text = String(whole);
    if (text.length <= decimals) text = '0'.repeat(decimals + 1 - text.length) + text;
    const point = text.length - decimals;
    let end = text.length;
    while (end > point && text.charCodeAt(end - 1) === kZero) end--;
    const fraction = end > point ? `.${text.slice(point, end)}` : '';
    return `${single < 0 ? '-' : ''}${text.slice(0, point)}${fraction}`;
  }
}

const kZero = 48;

export function cellText(column: Column, row: number): string {
  return column.type === 'text' ? column.at(row) : numberText(column.at(row), column.type);
}
