/** The VOTable of what a simulated field contains. */
import type { SimulateOutcome, SimulateRequest } from '../engine/addon.js';
import { numberColumn, textColumn } from '../results/columns.js';
import { fitsPixel } from '../results/pixels.js';
import type { Column, Table, TableDocument } from '../results/table.js';
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
  const names = Array.from({ length: truth.count }, (_, row) => `T${row + 1}`);
  const { x, y } = truth;
  const columns: Column[] = [
    textColumn('source_id', 'meta.id;meta.main', 'Identifier, unique in this table', names),
    numberColumn('ra', ['double', 'deg', 'pos.eq.ra;meta.main'], 'Right ascension', truth.raDeg),
    numberColumn('dec', ['double', 'deg', 'pos.eq.dec;meta.main'], 'Declination', truth.decDeg),
    numberColumn('x', ['float', 'pixel', 'pos.cartesian.x;instr.det'], 'First axis, FITS pixels', x.map(fitsPixel)),
    numberColumn('y', ['float', 'pixel', 'pos.cartesian.y;instr.det'], 'Second axis, FITS pixels', y.map(fitsPixel)),
    numberColumn('flux', ['float', 'Jy', 'phot.flux.density;em.radio'], 'Integrated flux density', truth.fluxJy),
    numberColumn('bmaj', ['float', 'arcsec', 'phys.angSize.smajAxis'], 'Major axis (FWHM)', truth.bmajArcsec),
    numberColumn('bmin', ['float', 'arcsec', 'phys.angSize.sminAxis'], 'Minor axis (FWHM)', truth.bminArcsec),
    numberColumn(
      'pa_pixel',
      ['float', 'deg', 'pos.posAng;instr.det'],
      'Angle of the major axis, from +x towards +y',
      truth.paPixelDeg,
    ),
    numberColumn('peak_snr', ['float', '', 'stat.snr'], 'Peak over noise', truth.peakSnr),
  ];
  return { columns, rows: truth.count };
}
