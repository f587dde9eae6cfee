/** Columns of both tables of a reconstruction, and the systems they refer to. */
import type { FoundReconstruction } from '../../engine/addon.js';
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

/** Of a source, in the band its row in the table of sources is about: a light curve of [source][band][frame]. */
export function ownCurve({ cube, sources, frequenciesHz }: FoundReconstruction, values: Float64Array, row: number) {
  const band = (sources.band[row] ?? cube.band) - cube.band;
  const start = (row * frequenciesHz.length + band) * cube.frames;
  return values.subarray(start, start + cube.frames);
}

/** `bands`: of each row, counted from the first that was reconstructed. No columns where there is one band. */
export function bandColumns({ cube, frequenciesHz }: FoundReconstruction, bands: readonly number[]): NumberColumn[] {
  if (frequenciesHz.length < 2) return [];
  const band = { type: 'int', ucd: 'meta.number;em.freq', description: 'Band of frequency, 1 = first' } as const;
  const frequency = { unit: 'Hz', ucd: 'em.freq', description: 'Frequency of the band' };
  return [
    number(
      'band',
      band,
      bands.map((each) => cube.band + each + 1),
    ),
    number(
      'frequency',
      frequency,
      bands.map((each) => frequenciesHz[each] || Number.NaN),
    ),
  ];
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
