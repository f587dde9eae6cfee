/** `score`: a catalogue against the truth, by the rules of the SKA Science Data Challenge 1 or plainly. */
import { type Command, Option } from 'commander';
import {
  type Fraction,
  native,
  type PlainOutcome,
  type Sdc1Outcome,
  type Sdc1Request,
  type Spread,
} from '../engine/addon.js';
import { OtfError } from '../errors/catalogue.js';
import { assertWritable, writeFileAtomically } from '../io/write.js';
import { type PlainTable, plainDocument } from '../scores/plain-document.js';
import { fluxPlot, thresholdPlot } from '../scores/plain-plots.js';
import { sdc1Document } from '../scores/sdc1-document.js';
import { warn } from './failure.js';
import { example, integer, real } from './options.js';
import { refuseOverwriting } from './overwriting.js';
import { textTable } from './table.js';
import { addTableOptions, type TableOptions, tableTarget, writeTable } from './table-output.js';

interface ScoreOptions extends TableOptions {
  plain?: boolean;
  freq: string;
  train?: boolean;
  mode: 'core' | 'centroid';
  detail?: boolean;
  radius: number;
  minSnr: number;
  measured?: boolean;
  flux: string;
  truthFlux: string;
  rank: string;
  bins: number;
  thresholds: number;
  table: PlainTable;
  plots?: string;
  threads: number;
}

export function registerScore(root: Command): void {
  const command = root
    .command('score')
    .description(
      'a catalogue against the truth: the scorer of SKA Science Data Challenge 1, or a plain one (docs/score.md)',
    )
    .argument('<submission>', 'catalogue: text, CSV, VOTable or FITS')
    .argument('<truth>', 'what is really there, in the same formats')
    .addOption(new Option('--freq <MHz>', 'of the challenge').choices(['560', '1400', '9200']).default('560'))
    .option('--train', 'inside the training area of the challenge (default: outside)')
    .addOption(new Option('--mode <position>', 'what matches go by').choices(['core', 'centroid']).default('core'))
    .option('--detail', 'a row for every match')
    .option('--plain', 'completeness, purity and residuals instead of the rules of the challenge')
    .option('--radius <arcsec>', 'plain: of a match', real(0, 3600), 1.5)
    .option('--min-snr <s>', 'plain: truth with a lower peak_snr is not counted as missed', real(0, 1e9), 0)
    .option('--measured', 'plain: what was measured in the submission: ra_fit, dec_fit, int_flux')
    .option('--flux <column>', 'plain: of the submission (default: flux)', '')
    .option('--truth-flux <column>', 'plain: of the truth (default: flux)', '')
    .option('--rank <column>', 'plain: what thresholds are set on (default: objectness)', '')
    .option('--bins <n>', 'plain: of flux density', integer(1, 1000), 10)
    .option('--thresholds <n>', 'plain: how many', integer(1, 1000), 20)
    .addOption(
      new Option('--table <rows>', 'plain: rows of the result').choices(['bins', 'thresholds']).default('bins'),
    )
    .option('--plots <stem>', 'plain: also draw STEM-flux.svg (by flux density) and STEM-roc.svg (over thresholds)')
    .addOption(new Option('--threads <n>', 'CPU threads').default(0, 'all').argParser(integer(0, 1024)));
  addTableOptions(command, 'text');
  example(command, [
    'cianna-otf score submission.txt True_560.txt --freq 560',
    'cianna-otf score found.vot sim/truth.vot --plain --min-snr 5 -o score.json',
  ]);
  command.action((submission: string, truth: string, options: ScoreOptions) => {
    if (options.plots !== undefined && !options.plain)
      throw new OtfError('OTF_USAGE', '--plots are of the plain scorer: give --plain, too');
    return options.plain ? plain(submission, truth, options) : sdc1(submission, truth, options);
  });
}

async function sdc1(submission: string, truth: string, options: ScoreOptions): Promise<void> {
  const target = await tableTarget(options, 'text', [submission, truth]);
  const { train = false, mode, threads, detail = false } = options;
  const mhz = Number(options.freq) as Sdc1Request['mhz'];
  const request: Sdc1Request = { submission, truth, mhz, train, centroids: mode === 'centroid', threads };
  const outcome = await native().scoreSdc1(request);
  const document = sdc1Document({ request, outcome, createdAt: new Date() }, detail);
  for (const line of document.warnings) warn(line);
  await writeTable(document, () => sdc1Text(outcome), target);
}

function sdc1Text(outcome: Sdc1Outcome): string {
  const rows = outcome.names.map((name, k) => [name, (outcome.meanScores[k] ?? Number.NaN).toFixed(5)]);
  return [
    `score ${outcome.score.toFixed(2)} (${outcome.scoreDetections.toFixed(2)} less ${outcome.falses} false)`,
    `${outcome.detections} detections, ${outcome.matches} matches, ${outcome.bad} bad; ${outcome.truth.kept} true sources`,
    `accuracy ${outcome.accuracyPercent.toFixed(3)} %, purity ${percent(outcome.matches / outcome.detections)}`,
    textTable([{ title: 'parameter', align: 'left' }, { title: 'mean score' }], rows),
  ].join('\n');
}

async function plain(submission: string, truth: string, options: ScoreOptions): Promise<void> {
  const target = await tableTarget(options, 'text', [submission, truth]);
  const plots = options.plots === undefined ? undefined : [`${options.plots}-flux.svg`, `${options.plots}-roc.svg`];
  await refuseOverwriting(plots ?? [], [submission, truth]);
  for (const path of plots ?? []) await assertWritable(path);
  const { radius, minSnr, measured, truthFlux, rank, bins, thresholds, threads } = options;
  const flux = options.flux || (measured ? 'int_flux' : '');
  const places = measured ? { ra: 'ra_fit', dec: 'dec_fit' } : { ra: '', dec: '' };
  const request = {
    ...{ submission, truth, radiusArcsec: radius, minSnr, bins, thresholds, threads },
    submissionColumns: { flux, rank, ...places },
    truthColumns: { flux: truthFlux, rank: '', ra: '', dec: '' },
  };
  const outcome = await native().scorePlain(request);
  const document = plainDocument({ request, outcome, createdAt: new Date() }, options.table);
  for (const line of document.warnings) warn(line);
  await writeTable(document, () => plainText(outcome, options.table), target);
  const [byFlux, overThresholds] = plots ?? [];
  if (byFlux !== undefined) await writeFileAtomically(byFlux, [fluxPlot(outcome)]);
  if (overThresholds !== undefined) await writeFileAtomically(overThresholds, [thresholdPlot(outcome)]);
}

function plainText(outcome: PlainOutcome, table: PlainTable): string {
  const { all, fluxUnit } = outcome;
  const head = [
    `${outcome.detections} detections, ${outcome.truths} true sources (${outcome.counted} counted), ${outcome.matches} matches`,
    `completeness ${range(all.completeness)}, purity ${range(all.purity)}`,
    `separation ${all.separation.median.toFixed(4)} arcsec (median), offsets RA ${spread(all.ra)}, Dec ${spread(all.dec)} arcsec`,
    `flux density found over true ${spread(all.fluxRatio)}`,
  ];
  if (all.raPull.count + all.fluxPull.count > 0)
    head.push(`pulls: RA ${spread(all.raPull)}, Dec ${spread(all.decPull)}, flux ${spread(all.fluxPull)}`);
  if (table === 'bins') {
    const titles = [
      `flux from ${fluxUnit}`,
      'to',
      'true',
      'completeness',
      'found',
      'purity',
      'separation',
      'flux ratio',
    ];
    const rows = outcome.bins.map((bin) => [
      bin.fluxLow.toExponential(3),
      bin.fluxHigh.toExponential(3),
      String(bin.completeness.whole),
      range(bin.completeness),
      String(bin.purity.whole),
      range(bin.purity),
      number(bin.separation.median),
      spread(bin.fluxRatio),
    ]);
    return [
      ...head,
      textTable(
        titles.map((title) => ({ title })),
        rows,
      ),
    ].join('\n');
  }
  const titles = ['threshold', 'detections', 'completeness', 'purity'].map((title) => ({ title }));
  const rows = outcome.thresholds.map((each) => [
    each.rank.toPrecision(4),
    String(each.detections),
    range(each.completeness),
    range(each.purity),
  ]);
  return [...head, textTable(titles, rows)].join('\n');
}

function number(value: number): string {
  return Number.isFinite(value) ? value.toFixed(4) : '-';
}

function percent(value: number): string {
  return Number.isFinite(value) ? `${(100 * value).toFixed(2)} %` : '-';
}

/** 93.10 % (92.31 to 93.80) */
function range({ value, low, high }: Fraction): string {
  return Number.isFinite(value) ? `${percent(value)} (${(100 * low).toFixed(2)} to ${(100 * high).toFixed(2)})` : '-';
}

/** Median and deviation. */
function spread({ median, deviation }: Spread): string {
  return Number.isFinite(median) ? `${median.toFixed(4)} +- ${deviation.toFixed(4)}` : '-';
}
