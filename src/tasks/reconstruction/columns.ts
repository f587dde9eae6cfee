/** Columns of both tables of a reconstruction, and the systems they refer to. */
import { numberColumn } from '../../results/columns.js';
import type { NumberColumn, TableDocument } from '../../results/table.js';
import type { ReconstructionRecord } from './record.js';

interface Meaning {
  type?: NumberColumn['type'];
  unit?: string;
  ucd: string;
  description: string;
}

export function number(
  name: string,
  { type = 'double', unit = '', ucd, description }: Meaning,
  values: Iterable<number>,
): NumberColumn {
  return numberColumn(name, [type, unit, ucd], description, values, name === 'time' || name === 't_peak');
}

/** S0001 and so on for what was found; positions given have the names they were given. */
export function sourceNames({ found: { sources } }: ReconstructionRecord): string[] {
  const digits = Math.max(4, String(sources.count).length);
  return sources.name.map((name, row) => (name === '' ? `S${String(row + 1).padStart(digits, '0')}` : name));
}

export function systems({ found: { cube } }: ReconstructionRecord): Pick<TableDocument, 'frame' | 'time'> {
  const position = 'UNKNOWN';
  return {
    ...(cube.wcs ? { frame: cube.wcs } : {}),
    time: { scale: cube.timeScale, position },
  };
}
