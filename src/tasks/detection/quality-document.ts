/** How good a catalogue is, told without a truth: bins of reliability and completeness as a table and as plots (docs/quality.md). */
import type { FoundQuality, QualityColumns } from '../../engine/addon.js';
import { numberColumn, textColumn } from '../../results/columns.js';
import { type Plot, plotSvg } from '../../results/plot.js';
import type { Column, TableDocument } from '../../results/table.js';
import { measuredUnit } from './measured-columns.js';
import { middleOf } from './quality-depth.js';
import { type RunRecord, runFacts } from './run-record.js';

export function qualityDocument(record: RunRecord, quality: FoundQuality): TableDocument {
  const { bySnr, byFlux } = quality;
  const rows = bySnr.low.length + byFlux.low.length;
  return {
    name: 'quality',
    description: `Reliability and completeness of the sources found in ${record.input.name}, by themselves (docs/quality.md)`,
    rowsDescription: 'Bins of the signal to noise ratio, then bins of the peak',
    rowsName: 'bins',
    table: { columns: columnsOf(bySnr, byFlux, measuredUnit(record)), rows },
    facts: runFacts(record),
    warnings: [],
    createdAt: record.createdAt,
  };
}

function columnsOf(bySnr: QualityColumns, byFlux: QualityColumns, unit: string): Column[] {
  const of = (name: keyof QualityColumns) => [...bySnr[name], ...byFlux[name]];
  const open = (values: number[]) => values.map((value) => (Number.isFinite(value) ? value : Number.NaN));
  const quantity = [...Array(bySnr.low.length).fill('snr'), ...Array(byFlux.low.length).fill('peak_flux')];
  const count = (name: keyof QualityColumns, text: string) =>
    numberColumn(name, ['int', '', 'meta.number'], text, of(name));
  const value = (name: string, key: keyof QualityColumns, ucd: string, text: string) =>
    numberColumn(name, ['double', '', ucd], text, of(key));
  const interval = 'of its 68 per cent interval';
  return [
    textColumn(
      'quantity',
      'meta.id',
      `What the bin is of: snr, or peak_flux in ${unit || 'the unit of the pixels'}`,
      quantity,
    ),
    value('low', 'low', 'stat.value;stat.min', 'Lower edge of the bin'),
    numberColumn(
      'high',
      ['double', '', 'stat.value;stat.max'],
      'Upper edge of the bin; none: no upper edge',
      open(of('high')),
    ),
    count('found', 'Detections'),
    count('negative', 'Detections above 3 in the part of the image that was turned upside down'),
    value('reliability', 'reliability', 'stat.probability', 'Fraction of the detections that are sources'),
    value('reliability_low', 'reliabilityLow', 'stat.probability;stat.min', `Lower end ${interval} (Gehrels)`),
    value('reliability_high', 'reliabilityHigh', 'stat.probability;stat.max', `Upper end ${interval} (Gehrels)`),
    count('mocks', 'Mock sources'),
    count('recovered', 'Mock sources that were found'),
    value('completeness', 'completeness', 'stat.value', 'Fraction of the mock sources that were found'),
    value('completeness_low', 'completenessLow', 'stat.value;stat.min', `Lower end ${interval} (Wilson)`),
    value('completeness_high', 'completenessHigh', 'stat.value;stat.max', `Upper end ${interval} (Wilson)`),
  ];
}

export interface QualityPlots {
  completeness: string;
  reliability: string;
}

/** SVGs by the signal to noise ratio. */
export function qualityPlots({ input }: RunRecord, { bySnr }: FoundQuality): QualityPlots {
  const plot = (yLabel: string, key: 'completeness' | 'reliability'): Plot => ({
    title: `${yLabel} of the sources found in ${input.name}`,
    xLabel: 'peak over local noise',
    yLabel,
    isLogarithmic: true,
    series: [{ name: yLabel, points: pointsOf(bySnr, key) }],
  });
  return {
    completeness: plotSvg(plot('Completeness', 'completeness')),
    reliability: plotSvg(plot('Reliability', 'reliability')),
  };
}

function pointsOf(bins: QualityColumns, key: 'completeness' | 'reliability') {
  const [lows, highs] = [bins[`${key}Low`], bins[`${key}High`]];
  return Array.from(bins[key], (y, bin) => ({
    x: middleOf(bins, bin),
    y,
    low: lows[bin] ?? Number.NaN,
    high: highs[bin] ?? Number.NaN,
  }));
}
