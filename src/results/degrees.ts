/** Positions of a table in degrees, whatever unit of angles it says they are in. */
import type { ReadColumn, ReadTable } from '../engine/addon.js';
import { OtfError } from '../errors/catalogue.js';

/** Enough to tell one table from another. */
const kMostShown = 12;

/** The first column of one of these names, in small letters. Throws OTF_TABLE_COLUMN, naming those there are, OTF_UNIT_MISMATCH. */
export function degreesNamed({ columns }: ReadTable, label: string, names: readonly string[]): Float64Array {
  const column = columns.find(({ name }) => names.includes(name.toLowerCase()));
  if (column?.numbers) return inDegrees(column, label);
  const there = columns.slice(0, kMostShown).map(({ name }) => name);
  const more = columns.length > kMostShown ? ', ...' : '';
  throw new OtfError(
    'OTF_TABLE_COLUMN',
    `${label} has no column of numbers named ${names.join(' or ')} (there are ${there.join(', ') || 'none'}${more})`,
  );
}

/** Numbers of a column; without a unit they are degrees. Throws OTF_UNIT_MISMATCH. */
export function inDegrees(
  { name, unit, degrees, numbers = new Float64Array() }: ReadColumn,
  label: string,
): Float64Array {
  if (degrees === 1) return numbers;
  if (degrees !== undefined) return numbers.map((value) => value * degrees);
  throw new OtfError('OTF_UNIT_MISMATCH', `${label}: ${name} is in ${unit}, which cannot be turned into degrees`);
}
