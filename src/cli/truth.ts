/** The VOTable of what a simulated field contains. */
import type { SimulateOutcome, SimulateRequest } from '../engine/addon.js';
import type { Column, NumberColumn, Table, TableDocument } from '../results/table.js';
import { fitsPixel } from '../tasks/pixels.js';
import { kSoftware } from '../version.js';

export function truthDocument(request: SimulateRequest, truth: SimulateOutcome, createdAt: Date): TableDocument {
  const { sizePx, density, noise, seed } = request;
  const pixels = 'x and y are FITS pixels: the centre of the first pixel is 1.';
  const software = `${kSoftware.name} ${kSoftware.version}`;
  return {
    name: 'truth',
    description: `The sources put into a simulated radio field. Pixel positions ${pixels}`,
    rowsDescription: 'Simulated sources',
    rowsName: 'sources',
    table: truthTable(truth),
    frame: { system: 'ICRS', equinox: 0 },
    facts: [
      { name: 'software', key: 'CREATOR', value: software, comment: 'program that made this field' },
      { name: 'size', key: 'SIZE', value: sizePx, comment: 'side in pixels' },
      { name: 'density', key: 'DENSITY', value: density, comment: 'sources per pixel' },
      { name: 'noise', key: 'NOISE', value: noise, comment: 'standard deviation, Jy/beam' },
      { name: 'seed', key: 'SEED', value: seed, comment: 'of the random numbers' },
    ],
    warnings: [],
    createdAt,
  };
}

function truthTable(truth: SimulateOutcome): Table {
  const text: Column = {
    type: 'text',
    name: 'source_id',
    unit: '',
    ucd: 'meta.id;meta.main',
    description: 'Identifier, unique in this table',
    values: Array.from({ length: truth.count }, (_, row) => `T${row + 1}`),
  };
  const number = (
    name: string,
    [type, unit, ucd]: [NumberColumn['type'], string, string],
    description: string,
    values: ArrayLike<number>,
    at: (value: number) => number = (value) => value,
  ): NumberColumn => ({
    type,
    name,
    unit,
    ucd,
    description,
    celestial: name === 'ra' || name === 'dec',
    values: Float64Array.from(values, at),
  });
  const columns: Column[] = [
    text,
    number('ra', ['double', 'deg', 'pos.eq.ra;meta.main'], 'Right ascension', truth.raDeg),
    number('dec', ['double', 'deg', 'pos.eq.dec;meta.main'], 'Declination', truth.decDeg),
    number('x', ['float', 'pixel', 'pos.cartesian.x;instr.det'], 'First axis, FITS pixels', truth.x, fitsPixel),
    number('y', ['float', 'pixel', 'pos.cartesian.y;instr.det'], 'Second axis, FITS pixels', truth.y, fitsPixel),
    number('flux', ['float', 'Jy', 'phot.flux.density;em.radio'], 'Integrated flux density', truth.fluxJy),
    number('bmaj', ['float', 'arcsec', 'phys.angSize.smajAxis'], 'Major axis (FWHM)', truth.bmajArcsec),
    number('bmin', ['float', 'arcsec', 'phys.angSize.sminAxis'], 'Minor axis (FWHM)', truth.bminArcsec),
    number(
      'pa_pixel',
      ['float', 'deg', 'pos.posAng;instr.det'],
      'Angle of the major axis, from +x towards +y',
      truth.paPixelDeg,
    ),
    number('peak_snr', ['float', '', 'stat.snr'], 'Peak over noise', truth.peakSnr),
  ];
  return { columns, rows: truth.count };
}
