/** The long table of light curves. */
import type { LightCurves } from '../../engine/addon.js';
import { textColumn } from '../../results/columns.js';
import type { Column, TableDocument } from '../../results/table.js';
import { bandColumns, number, sourceNames, systems } from './columns.js';
import { type ReconstructionRecord, reconstructionFacts } from './record.js';

/** One row per source, band and frame; of the sources of one name only (a position may have that of another). */
export function lightCurvesDocument(record: ReconstructionRecord, only?: string): TableDocument {
  const { found } = record;
  const { cube } = found;
  const { frames } = cube;
  const bands = found.frequenciesHz.length;
  const chosen = sourceNames(record).flatMap((name, row) =>
    only === undefined || name === only ? [{ name, row }] : [],
  );
  const rows = chosen.length * bands * frames;
  const curves = curvesOf(
    found.curves,
    chosen.map(({ row }) => row),
    bands * frames,
  );
  const flux = cube.bunit;
  const frameOf = (row: number) => row % frames;
  const each = (get: (frame: number, row: number) => number) =>
    Float64Array.from({ length: rows }, (_, row) => get(frameOf(row), row));
  const recError = curves.fluxError.map((error) => error * record.fluxRecError);
  const columns: Column[] = [
    textColumn(
      'source_id',
      'meta.id',
      'Identifier of the source',
      Array.from({ length: rows }, (_, row) => chosen[Math.floor(row / frames / bands)]?.name ?? ''),
    ),
    ...bandColumns(
      found,
      Array.from({ length: rows }, (_, row) => Math.floor(row / frames) % bands),
    ),
    number(
      'frame',
      { type: 'int', ucd: 'meta.number', description: 'Frame, 1 = first' },
      each((frame) => frame + 1),
    ),
    number(
      'time',
      { unit: 'd', ucd: 'time.epoch', description: 'Middle of the frame, MJD' },
      each((frame) => cube.timesMjd[frame] ?? Number.NaN),
    ),
    number(
      'exposure',
      { type: 'float', unit: 's', ucd: 'time.duration;obs.exposure', description: 'Exposure of the frame' },
      each((frame) => cube.exposuresS[frame] ?? Number.NaN),
    ),
    number(
      'flux',
      {
        type: 'float',
        unit: flux,
        ucd: 'phot.flux.density;em.radio',
        description: 'Forced: the dirty frame at the position, the other sources taken away',
      },
      curves.flux,
    ),
    number(
      'flux_error',
      {
        type: 'float',
        unit: flux,
        ucd: 'stat.error;phot.flux.density;em.radio',
        description: 'Error of it: the noise of the frame',
      },
      curves.fluxError,
    ),
    number(
      'flux_rec',
      {
        type: 'float',
        unit: flux,
        ucd: 'phot.flux.density;em.radio',
        description: 'Of the reconstruction, its amplitude fitted to the dirty frames',
      },
      curves.fluxRec,
    ),
    number(
      'flux_rec_error',
      {
        type: 'float',
        unit: flux,
        ucd: 'stat.error;phot.flux.density;em.radio',
        description: 'Rms error of it in simulations',
      },
      recError,
    ),
    number(
      'local_rms',
      {
        type: 'float',
        unit: flux,
        ucd: 'instr.det.noise',
        description: 'Noise of the residual frame within 20 pixels',
      },
      curves.localRms,
    ),
    number(
      'upper_limit',
      {
        type: 'float',
        unit: flux,
        ucd: 'phot.flux.density;em.radio;stat.max',
        description: '3 errors above the flux or 0, where it is not detected',
      },
      curves.upperLimit,
    ),
    number(
      'detected',
      { type: 'int', ucd: 'meta.code', description: '1: the flux is above 3 errors' },
      curves.detected,
    ),
    number(
      'flags',
      {
        type: 'int',
        ucd: 'meta.code.qual',
        description: 'Sum of: 1 the pixel is blank, 2 the residual around it is noisier than the frame (1.5 times)',
      },
      curves.flags,
    ),
    ...(curves.truth === undefined
      ? []
      : [
          number(
            'true_flux',
            {
              type: 'float',
              unit: flux,
              ucd: 'phot.flux.density;em.radio;meta.modelled',
              description: 'Of the simulated sky, at the place that was measured',
            },
            curves.truth,
          ),
        ]),
  ];
  return {
    name: 'lightcurves',
    description: `Light curves of the sources of ${record.input.name}, whether they are seen in a frame or not.`,
    rowsDescription: 'Source by source, frame by frame',
    rowsName: 'points',
    table: { columns, rows },
    ...systems(record),
    facts: reconstructionFacts(record),
    warnings: found.warnings,
    createdAt: record.createdAt,
  };
}

/** Those of some sources, `points` of each. */
function curvesOf(all: LightCurves, sources: readonly number[], points: number): LightCurves {
  if (sources.length * points === all.flux.length) return all;
  const pick = (values: Float64Array) => {
    const out = new Float64Array(sources.length * points);
    for (const [at, row] of sources.entries()) out.set(values.subarray(row * points, (row + 1) * points), at * points);
    return out;
  };
  const picked = Object.entries(all).map(([name, values]: [string, Float64Array]) => [name, pick(values)]);
  return Object.fromEntries(picked) as LightCurves;
}
