/** The table of sources. */
import { textColumn } from '../../results/columns.js';
import { fitsPixel } from '../../results/pixels.js';
import type { Column, TableDocument } from '../../results/table.js';
import { bandColumns, number, sourceNames, systems } from './columns.js';
import { type ReconstructionRecord, reconstructionFacts } from './record.js';

export function sourcesDocument(record: ReconstructionRecord): TableDocument {
  const { found } = record;
  const { sources: it, cube } = found;
  const names = sourceNames(record);
  const flux = cube.bunit;
  const peakTimes = it.peakFrame.map((frame) => cube.timesMjd[frame] ?? Number.NaN);
  const scale = (cube.wcs?.pixelScaleDeg ?? Number.NaN) * 3600;
  const columns: Column[] = [
    textColumn('source_id', 'meta.id;meta.main', 'Identifier: rank by SNR, or the name a position was given', names),
    number('ra', { unit: 'deg', ucd: 'pos.eq.ra;meta.main', description: 'Right ascension' }, it.raDeg),
    number('dec', { unit: 'deg', ucd: 'pos.eq.dec;meta.main', description: 'Declination' }, it.decDeg),
    number(
      'pos_error',
      {
        type: 'float',
        unit: 'arcsec',
        ucd: 'stat.error;pos.eq',
        description: 'Error of the position along each axis; empty = it was given',
      },
      it.positionErrorPx.map((px) => px * scale),
    ),
    number(
      'x',
      {
        type: 'float',
        unit: 'pixel',
        ucd: 'pos.cartesian.x;instr.det',
        description: 'First axis, FITS pixels (centre of the first pixel = 1)',
      },
      it.x.map(fitsPixel),
    ),
    number(
      'y',
      { type: 'float', unit: 'pixel', ucd: 'pos.cartesian.y;instr.det', description: 'Second axis, FITS pixels' },
      it.y.map(fitsPixel),
    ),
    number(
      'detection_snr',
      {
        type: 'float',
        ucd: 'stat.snr',
        description: 'Detection statistic over all frames; empty = the position was given',
      },
      it.statistic,
    ),
    number(
      'snr',
      {
        type: 'float',
        ucd: 'stat.snr',
        description: 'Of the forced fluxes, filtered with the reconstructed light curve',
      },
      it.snr,
    ),
    ...bandColumns(
      found,
      Array.from(it.band, (band) => band - cube.band),
    ),
    textColumn('label', 'meta.code.class', 'steady, variable or transient', it.label),
    number(
      'peak_flux',
      {
        type: 'float',
        unit: flux,
        ucd: 'phot.flux.density;em.radio;stat.max',
        description: 'Largest reconstructed flux',
      },
      it.peakFlux,
    ),
    number(
      'peak_flux_error',
      { type: 'float', unit: flux, ucd: 'stat.error;phot.flux.density;em.radio', description: 'Error of it' },
      it.peakFluxError,
    ),
    number('t_peak', { unit: 'd', ucd: 'time.epoch', description: 'Middle of the frame with it, MJD' }, peakTimes),
    number(
      'duration',
      {
        type: 'float',
        unit: 's',
        ucd: 'time.duration',
        description: 'Time the reconstructed flux is above half its peak, frames no longer than the usual step',
      },
      it.durationS,
    ),
    ...(found.staticComponents === undefined
      ? []
      : [
          number(
            'static_flux',
            {
              type: 'float',
              unit: flux,
              ucd: 'phot.flux.density;em.radio',
              description: 'Part of the fluxes that was taken away before the reconstruction, and put back',
            },
            it.staticFlux,
          ),
        ]),
    number(
      'mean_flux',
      {
        type: 'float',
        unit: flux,
        ucd: 'phot.flux.density;em.radio;stat.mean',
        description: 'Weighted mean of the forced fluxes',
      },
      it.meanFlux,
    ),
    number(
      'mean_flux_error',
      { type: 'float', unit: flux, ucd: 'stat.error;phot.flux.density;em.radio', description: 'Error of it' },
      it.meanFluxError,
    ),
    number(
      'v',
      {
        type: 'float',
        ucd: 'src.var.index',
        description: 'Deviation of the forced fluxes over their mean; empty unless the mean is above 3 errors',
      },
      it.v,
    ),
    number(
      'eta',
      { type: 'float', ucd: 'stat.fit.chi2', description: 'Reduced chi-squared of a constant flux' },
      it.eta,
    ),
    number(
      'p_constant',
      {
        type: 'double',
        ucd: 'stat.probability',
        description: 'Chance of a chi-squared as large if the flux were constant',
      },
      it.pConstant,
    ),
    number(
      'p_run',
      {
        type: 'double',
        ucd: 'stat.probability',
        description: 'Chance that any run of 1, 2, 4, ... frames differs as much if the flux were constant',
      },
      it.pRun,
    ),
    number(
      'n_frames_detected',
      { type: 'int', ucd: 'meta.number', description: 'Frames with a forced flux above 3 errors' },
      it.framesDetected,
    ),
    textColumn(
      'nearest_id',
      'meta.id.cross',
      'Nearest other source',
      [...it.nearest].map((row) => names[row] ?? ''),
    ),
    number(
      'nearest_distance',
      { type: 'float', unit: 'pixel', ucd: 'pos.angDistance', description: 'Distance to it' },
      it.nearestPx,
    ),
    number(
      'flags',
      {
        type: 'int',
        ucd: 'meta.code.qual',
        description: `Sum of: 1 another source, 2 the edge of the image within ${record.beamPx} pixels, 4 blank in some frames, 32 brighter than the network was trained for`,
      },
      it.flags,
    ),
  ];
  return {
    name: 'sources',
    description: `Sources of the cube ${record.input.name}, reconstructed by ${record.model ? `the network ${record.model.id} (${record.model.title})` : record.method}. Fluxes named forced are measured in the dirty frames; those of the reconstruction are smoother and, at low SNR, too low.`,
    rowsDescription: 'Sources by detection SNR, then the positions that were given',
    rowsName: 'sources',
    table: { columns, rows: it.count },
    ...systems(record),
    facts: reconstructionFacts(record),
    warnings: found.warnings,
    createdAt: record.createdAt,
    details: { cube: { ...cube, timesMjd: [...cube.timesMjd], exposuresS: [...cube.exposuresS] }, times: found.times },
  };
}
