/** The VOTables of what a simulated cube contains: its sources, and their light curves. */
import type { SimulateCubeOutcome, SimulateCubeRequest } from '../engine/addon.js';
import { numberColumn, textColumn } from '../results/columns.js';
import { fitsPixel } from '../results/pixels.js';
import type { Fact, TableDocument } from '../results/table.js';
import { kSoftware } from '../version.js';

const kSecondsPerDay = 86400;

function facts({ seed, sizePx, frames }: SimulateCubeRequest): Fact[] {
  const software = `${kSoftware.name} ${kSoftware.version}`;
  return [
    { name: 'software', key: 'CREATOR', value: software, comment: 'program that made this cube' },
    { name: 'size', key: 'SIZE', value: sizePx, comment: 'side in pixels' },
    { name: 'frames', key: 'FRAMES', value: frames, comment: 'in time' },
    { name: 'seed', key: 'SEED', value: seed, comment: 'of the random numbers' },
  ];
}

const nameOf = (index: number) => `T${index + 1}`;
const kIcrs = { system: 'ICRS', equinox: 0 };

export function cubeSources(
  request: SimulateCubeRequest,
  { sources }: SimulateCubeOutcome,
  createdAt: Date,
): TableDocument {
  const of = (get: (source: (typeof sources)[number]) => number) => sources.map(get);
  return {
    name: 'sources',
    description: 'The sources put into a simulated cube. x and y are FITS pixels: the centre of the first pixel is 1.',
    rowsDescription: 'Simulated sources',
    rowsName: 'sources',
    table: {
      rows: sources.length,
      columns: [
        textColumn(
          'source_id',
          'meta.id;meta.main',
          'Identifier, unique in this table',
          sources.map((_, row) => nameOf(row)),
        ),
        numberColumn(
          'ra',
          ['double', 'deg', 'pos.eq.ra;meta.main'],
          'Right ascension',
          of((it) => it.raDeg),
        ),
        numberColumn(
          'dec',
          ['double', 'deg', 'pos.eq.dec;meta.main'],
          'Declination',
          of((it) => it.decDeg),
        ),
        numberColumn(
          'x',
          ['double', 'pixel', 'pos.cartesian.x;instr.det'],
          'First axis, FITS pixels',
          of((it) => fitsPixel(it.x)),
        ),
        numberColumn(
          'y',
          ['double', 'pixel', 'pos.cartesian.y;instr.det'],
          'Second axis, FITS pixels',
          of((it) => fitsPixel(it.y)),
        ),
        textColumn(
          'shape',
          'meta.code.class',
          'Shape of the light curve',
          sources.map((it) => it.shape),
        ),
        numberColumn(
          't0',
          ['double', '', 'time.epoch'],
          'Instant of the shape in frames, 0 = middle of the first',
          of((it) => it.t0),
        ),
        numberColumn(
          'tau',
          ['double', '', 'time.duration'],
          'Width of the shape in frames',
          of((it) => it.tau),
        ),
        numberColumn(
          'peak_flux',
          ['double', 'Jy', 'phot.flux.density;em.radio;stat.max'],
          'Peak before the primary beam',
          of((it) => it.peakJy),
        ),
        numberColumn(
          'primary_beam',
          ['double', '', 'phys.transmission;instr.beam'],
          'Attenuation, 1 = none',
          of((it) => it.attenuation),
        ),
      ],
    },
    frame: kIcrs,
    facts: facts(request),
    warnings: [],
    createdAt,
  };
}

/** One row per source and frame. */
export function cubeLightCurves(
  request: SimulateCubeRequest,
  { sources, timesS, mjdStart }: SimulateCubeOutcome,
  createdAt: Date,
): TableDocument {
  const frames = [...timesS.keys()];
  const rows = sources.flatMap((source, index) => frames.map((frame) => ({ source, index, frame })));
  return {
    name: 'lightcurves',
    description: 'Light curves of the sources put into a simulated cube',
    rowsDescription: 'Source by source, frame by frame',
    rowsName: 'points',
    table: {
      rows: rows.length,
      columns: [
        textColumn(
          'source_id',
          'meta.id',
          'Identifier of the source',
          rows.map(({ index }) => nameOf(index)),
        ),
        numberColumn(
          'frame',
          ['int', '', 'meta.number'],
          'Frame, 1 = first',
          rows.map(({ frame }) => frame + 1),
        ),
        numberColumn(
          'time',
          ['double', 'd', 'time.epoch'],
          'Middle of the frame, MJD',
          rows.map(({ frame }) => mjdStart + (timesS[frame] ?? Number.NaN) / kSecondsPerDay),
          true,
        ),
        numberColumn(
          'flux',
          ['double', 'Jy', 'phot.flux.density;em.radio'],
          'Apparent flux density',
          rows.map(({ source, frame }) => source.fluxJy[frame] ?? Number.NaN),
        ),
      ],
    },
    time: { scale: 'UTC', position: 'TOPOCENTER' },
    facts: facts(request),
    warnings: [],
    createdAt,
  };
}
