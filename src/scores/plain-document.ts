/** What the plain scorer found, as a table: bins of flux, or thresholds (completeness against purity). */
import type { Fraction, PlainBin, PlainOutcome, PlainRequest, Spread } from '../engine/addon.js';
import { numberColumn } from '../results/columns.js';
import { type Column, type Fact, kCreated, type TableDocument, timestamp } from '../results/table.js';
import { kSoftware } from '../version.js';

export interface PlainReport {
  request: PlainRequest;
  outcome: PlainOutcome;
  createdAt: Date;
}

export type PlainTable = 'bins' | 'thresholds';

export function plainDocument(report: PlainReport, table: PlainTable): TableDocument {
  const { outcome, createdAt } = report;
  const { bins, thresholds } = outcome;
  const byBin = table === 'bins';
  return {
    name: byBin ? 'score_bins' : 'score_thresholds',
    description: 'A catalogue against a truth: closest pairs on the sky, each source once (docs/score.md)',
    rowsDescription: byBin
      ? 'Bins of flux density: completeness by the true one, purity by the one found'
      : 'What is left above each threshold, matched anew',
    rowsName: table,
    table: byBin
      ? { columns: binColumns(bins, outcome.fluxUnit), rows: bins.length }
      : { columns: thresholdColumns(thresholds), rows: thresholds.length },
    facts: plainFacts(report),
    warnings: outcome.warnings,
    createdAt,
    details: { all: outcome.all, [byBin ? 'thresholds' : 'bins']: byBin ? thresholds : bins },
  };
}

function plainFacts({ request, outcome, createdAt }: PlainReport): Fact[] {
  const { all } = outcome;
  const facts: Fact[] = [];
  // A fraction or median of nothing is not written.
  const add = (name: string, key: string, value: string | number, comment: string) => {
    if (typeof value === 'string' || Number.isFinite(value)) facts.push({ name, key, value, comment });
  };
  add('software', 'CREATOR', `${kSoftware.name} ${kSoftware.version}`, 'program that made this table');
  add(kCreated, 'DATE', timestamp(createdAt), 'UTC');
  add('radius', 'RADIUS', request.radiusArcsec, 'arcsec, of a match');
  add('min_snr', 'MINSNR', request.minSnr, 'truth below it is not counted as missed');
  add('detections', 'NDET', outcome.detections, 'rows of the submission');
  add('truths', 'NTRUTH', outcome.truths, 'rows of the truth');
  add('truths_counted', 'NCOUNT', outcome.counted, 'of which bright enough to be missed');
  add('matches', 'NMATCH', outcome.matches, 'pairs');
  add('completeness', 'COMPLETE', all.completeness.value, 'of the truth that is counted');
  add('purity', 'PURITY', all.purity.value, 'of the submission');
  add('separation', 'SEPMED', all.separation.median, 'arcsec, median of the matches that are counted');
  add('ra_offset', 'RAMED', all.ra.median, 'arcsec, median, found less true');
  add('dec_offset', 'DECMED', all.dec.median, 'arcsec, median, found less true');
  add('flux_ratio', 'FLUXMED', all.fluxRatio.median, 'median, found over true');
  add('ra_pull', 'RAPULL', all.raPull.deviation, 'deviation of offsets over their errors');
  add('dec_pull', 'DECPULL', all.decPull.deviation, 'deviation of offsets over their errors');
  add('flux_pull', 'FLUXPULL', all.fluxPull.deviation, 'deviation of differences over their errors');
  return facts;
}

function fractionColumns<Row>(rows: readonly Row[], name: string, of: (row: Row) => Fraction, what: string): Column[] {
  const column = (suffix: string, ucd: string, text: string, value: (fraction: Fraction) => number) =>
    numberColumn(
      `${name}${suffix}`,
      ['double', '', ucd],
      text,
      rows.map((row) => value(of(row))),
    );
  return [
    numberColumn(
      `${name}_of`,
      ['int', '', 'meta.number'],
      `How many ${what}`,
      rows.map((row) => of(row).whole),
    ),
    column('', 'stat.value', `Fraction of the ${what} that are matched`, ({ value }) => value),
    column('_low', 'stat.value;stat.min', 'Lower end of its 68 per cent interval (Wilson)', ({ low }) => low),
    column('_high', 'stat.value;stat.max', 'Upper end of its 68 per cent interval (Wilson)', ({ high }) => high),
  ];
}

function binColumns(bins: readonly PlainBin[], unit: string): Column[] {
  const spread = (name: string, where: string, of: (bin: PlainBin) => Spread, what: string) => [
    numberColumn(
      `${name}_median`,
      ['double', where, `${where === '' ? 'stat.value' : 'pos.angDistance'};stat.median`],
      `Median ${what}`,
      bins.map((bin) => of(bin).median),
    ),
    numberColumn(
      `${name}_deviation`,
      ['double', where, `stat.stdev;${where === '' ? 'stat.value' : 'pos.angDistance'}`],
      `Deviation of the ${what} (1.4826 times the median absolute deviation)`,
      bins.map((bin) => of(bin).deviation),
    ),
  ];
  const edge = (name: string, of: (bin: PlainBin) => number) =>
    numberColumn(name, ['double', unit, 'phot.flux.density;em.radio'], 'Edge of the bin', bins.map(of));
  return [
    edge('flux_low', (bin) => bin.fluxLow),
    edge('flux_high', (bin) => bin.fluxHigh),
    ...fractionColumns(bins, 'completeness', (bin) => bin.completeness, 'true sources of this flux density'),
    ...fractionColumns(bins, 'purity', (bin) => bin.purity, 'detections of this flux density'),
    ...spread('ra_offset', 'arcsec', (bin) => bin.ra, 'offset in RA times cos Dec, found less true'),
    ...spread('dec_offset', 'arcsec', (bin) => bin.dec, 'offset in Dec, found less true'),
    ...spread('separation', 'arcsec', (bin) => bin.separation, 'separation'),
    ...spread('flux_ratio', '', (bin) => bin.fluxRatio, 'flux density found over the true one'),
    ...spread('ra_pull', '', (bin) => bin.raPull, 'offset in RA over its error'),
    ...spread('dec_pull', '', (bin) => bin.decPull, 'offset in Dec over its error'),
    ...spread('flux_pull', '', (bin) => bin.fluxPull, 'flux difference over its error'),
  ];
}

function thresholdColumns(rows: PlainOutcome['thresholds']): Column[] {
  return [
    numberColumn(
      'threshold',
      ['double', '', 'stat.value'],
      'Lowest value that is kept',
      rows.map(({ rank }) => rank),
    ),
    ...fractionColumns(rows, 'completeness', (row) => row.completeness, 'true sources that are counted'),
    ...fractionColumns(rows, 'purity', (row) => row.purity, 'detections above it'),
  ];
}
