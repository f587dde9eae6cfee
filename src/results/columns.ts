/** Columns of a table, by what they mean. */
import type { NumberColumn, TextColumn } from './table.js';

/** [type, unit, UCD] of a column of numbers. */
type Kind = readonly [type: NumberColumn['type'], unit: string, ucd: string];

/** Those called ra and dec refer to the frame of the document; `temporal` ones are instants in its time system. */
export function numberColumn(
  name: string,
  [type, unit, ucd]: Kind,
  description: string,
  values: Iterable<number>,
  temporal = false,
): NumberColumn {
  const celestial = name === 'ra' || name === 'dec';
  return { type, name, unit, ucd, description, celestial, temporal, values: Float64Array.from(values) };
}

export function textColumn(name: string, ucd: string, description: string, values: string[]): TextColumn {
  return { type: 'text', name, unit: '', ucd, description, values };
}
