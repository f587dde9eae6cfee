/** Columns of tables about catalogues. */
import type { Column, NumberColumn } from '../results/table.js';

/** [type, unit, UCD] of a column of numbers. */
type Kind = readonly [type: NumberColumn['type'], unit: string, ucd: string];

export function numberColumn(
  name: string,
  [type, unit, ucd]: Kind,
  description: string,
  values: Iterable<number>,
): Column {
  return { type, name, unit, ucd, description, celestial: false, values: Float64Array.from(values) };
}

export function textColumn(name: string, ucd: string, description: string, values: string[]): Column {
  return { type: 'text', name, unit: '', ucd, description, values };
}
