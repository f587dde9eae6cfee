/** Columns of both tables of a reconstruction, and the systems they refer to. */
import type { NumberColumn, TableDocument, TextColumn } from '../../results/table.js';
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
  values: ArrayLike<number>,
): NumberColumn {
  return {
    type,
    name,
    unit,
    ucd,
    description,
    celestial: name === 'ra' || name === 'dec',
    temporal: name === 'time' || name === 't_peak',
    values: Float64Array.from(values),
  };
}

export function text(name: string, ucd: string, description: string, values: string[]): TextColumn {
  return { type: 'text', name, unit: '', ucd, description, values };
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
