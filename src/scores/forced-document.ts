/** What an image has at the places of a table: a flux density, or how much it is at most. */
import type { MeasuredPlaces, ReadTable } from '../engine/addon.js';
import { numberColumn, textColumn } from '../results/columns.js';
import { degreesNamed } from '../results/degrees.js';
import { fitsPixel } from '../results/pixels.js';
import { type Column, kCreated, type TableDocument, timestamp } from '../results/table.js';
import { kSoftware } from '../version.js';

/** Below so many errors a source is not there: its limit counts. */
export const kDetectionSigmas = 3;

export interface Places {
  ids: string[];
  raDeg: Float64Array;
  decDeg: Float64Array;
}

/** Throws OTF_TABLE_COLUMN, OTF_UNIT_MISMATCH. Rows without an id have their number. */
export function placesOf(table: ReadTable, label: string): Places {
  const find = (...names: string[]) => table.columns.find(({ name }) => names.includes(name.toLowerCase()));
  const degrees = (...names: string[]) => degreesNamed(table, label, names);
  const id = find('source_id', 'id', 'name');
  const texts = id?.texts ?? id?.digits;
  const ids = Array.from({ length: table.rows }, (_, row) => texts?.[row] ?? String(id?.numbers?.[row] ?? row + 1));
  return { ids, raDeg: degrees('ra', 'raj2000'), decDeg: degrees('dec', 'dej2000', 'dec_j2000') };
}

export function forcedDocument(
  places: Places,
  found: MeasuredPlaces,
  names: { image: string; positions: string },
): TableDocument {
  const createdAt = new Date();
  const fact = (name: string, key: string, value: string | number, comment: string) => ({ name, key, value, comment });
  const rms = Number.isFinite(found.typicalRms)
    ? [fact('typical_rms', 'RMS', found.typicalRms, "median of the noise, in the image's unit")]
    : [];
  const outside = found.x.filter((x) => !Number.isFinite(x)).length;
  return {
    name: 'photometry',
    description: `Flux densities of ${names.image} at the places of ${names.positions}, with the shape of the beam (docs/measurement.md)`,
    rowsDescription: 'Places, in the order of the table',
    rowsName: 'places',
    table: { columns: columnsOf(places, found), rows: places.ids.length },
    frame: found.frame,
    facts: [
      fact('software', 'CREATOR', `${kSoftware.name} ${kSoftware.version}`, 'program that made this table'),
      fact(kCreated, 'DATE', timestamp(createdAt), 'UTC'),
      fact('input', 'INFILE', names.image, 'image file'),
      fact('positions', 'POSFILE', names.positions, 'table of places'),
      fact('noise_cell', 'NOISECEL', found.cellPx, 'pixels, side of a cell of the noise map'),
      ...rms,
      fact('outside', 'NOUTSIDE', outside, 'places that are not on the image'),
    ],
    warnings: found.pixelUnit.endsWith('/beam')
      ? found.warnings
      : [...found.warnings, 'the pixels are not known to be per beam: flux is the height of the beam at the place'],
    createdAt,
  };
}

function columnsOf({ ids, raDeg, decDeg }: Places, found: MeasuredPlaces): Column[] {
  const { peak, peakError, background, rms, flags, pixelUnit: unit } = found;
  // The peak of a point source in Jy/beam is its flux density in Jy.
  const flux = unit.endsWith('/beam') ? unit.slice(0, -'/beam'.length) : unit;
  const snr = peak.map((value, row) => value / (peakError[row] ?? Number.NaN));
  const limit = peak.map((value, row) =>
    (snr[row] ?? Number.NaN) < kDetectionSigmas
      ? Math.max(value, 0) + kDetectionSigmas * (peakError[row] ?? 0)
      : Number.NaN,
  );
  const ucd = 'phot.flux.density;em.radio';
  return [
    textColumn('source_id', 'meta.id;meta.main', 'Of the place, as it was given', ids),
    numberColumn('ra', ['double', 'deg', 'pos.eq.ra;meta.main'], 'Right ascension, as it was given', raDeg),
    numberColumn('dec', ['double', 'deg', 'pos.eq.dec;meta.main'], 'Declination, as it was given', decDeg),
    numberColumn('x', ['float', 'pixel', 'pos.cartesian.x;instr.det'], 'FITS pixels', found.x.map(fitsPixel)),
    numberColumn('y', ['float', 'pixel', 'pos.cartesian.y;instr.det'], 'FITS pixels', found.y.map(fitsPixel)),
    numberColumn('flux', ['float', flux, ucd], 'Flux density of a point source there', peak),
    numberColumn('flux_err', ['float', flux, `stat.error;${ucd}`], 'standard deviation of flux', peakError),
    numberColumn('snr', ['float', '', 'stat.snr'], 'flux over flux_err', snr),
    numberColumn(
      'flux_limit',
      ['float', flux, `${ucd};stat.max`],
      `Upper limit where snr is below ${kDetectionSigmas}`,
      limit,
    ),
    numberColumn('background', ['float', unit, 'instr.background'], 'Local background', background),
    numberColumn('rms', ['float', unit, 'stat.stdev;instr.background'], 'Local noise', rms),
    numberColumn(
      'flags',
      ['int', '', 'meta.code.qual'],
      'Sum of: 1 blended, 2 edge, 4 blank pixels, 8 not measured, 16 bright neighbour, 64 shape of the beam, 128 a place given more than once',
      flags,
    ),
  ];
}
