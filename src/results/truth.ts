/** The VOTable of what a simulated field contains. */
import type { SimulateOutcome, SimulateRequest } from '../engine/addon.js';
import { kSoftware } from '../version.js';
import type { Catalogue, Column, NumberColumn } from './columns.js';
import type { VotableDocument } from './document.js';

/** FITS pixels begin at 1; the native side counts from 0. */
const kFitsOrigin = 1;

export function truthDocument(request: SimulateRequest, truth: SimulateOutcome, createdAt: Date): VotableDocument {
  const pixels = 'x and y are FITS pixels: the centre of the first pixel is 1.';
  return {
    description: `The sources put into a simulated radio field. Pixel positions ${pixels}`,
    infos: [
      { name: 'software', value: `${kSoftware.name} ${kSoftware.version}` },
      { name: 'size', value: String(request.sizePx) },
      { name: 'density', value: String(request.density) },
      { name: 'noise', value: String(request.noise) },
      { name: 'seed', value: String(request.seed) },
    ],
    coordinates: { system: 'ICRS', equinox: '' },
    createdAt,
    table: { name: 'truth', description: 'Simulated sources', catalogue: truthCatalogue(truth) },
  };
}

function truthCatalogue(truth: SimulateOutcome): Catalogue {
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
    origin = 0,
  ): NumberColumn => ({
    type,
    name,
    unit,
    ucd,
    description,
    celestial: name === 'ra' || name === 'dec',
    values: Float64Array.from(values, (value) => value + origin),
  });
  const columns: Column[] = [
    text,
    number('ra', ['double', 'deg', 'pos.eq.ra;meta.main'], 'Right ascension', truth.raDeg),
    number('dec', ['double', 'deg', 'pos.eq.dec;meta.main'], 'Declination', truth.decDeg),
    number('x', ['float', 'pixel', 'pos.cartesian.x;instr.det'], 'First axis, FITS pixels', truth.x, kFitsOrigin),
    number('y', ['float', 'pixel', 'pos.cartesian.y;instr.det'], 'Second axis, FITS pixels', truth.y, kFitsOrigin),
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
