/** `reconstruct`: a dirty cube and its PSF into sources and light curves. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { duration } from '../io/terminal.js';
import { assertWritable, writeFileAtomically } from '../io/write.js';
import { resolveModel } from '../tasks/cards.js';
import { kNoDefaults } from '../tasks/kind.js';
import { PlainFiles } from '../tasks/plain-files.js';
import { reconstructorCard } from '../tasks/reconstruction/card.js';
import { ownCurve } from '../tasks/reconstruction/columns.js';
import { type Reconstructed, runReconstruction } from '../tasks/reconstruction/here.js';
import { kReconstruction } from '../tasks/reconstruction/kind.js';
import { kReconstructionParameters, type ReconstructionAsked } from '../tasks/reconstruction/parameters.js';
import { reconstructionFacts } from '../tasks/reconstruction/record.js';
import { warn } from './failure.js';
import { addEngineOptions, addModelsOption, type EngineOptions, example } from './options.js';
import { refuseOverwriting } from './overwriting.js';
import { addParameterOptions, asUsage, fieldsOfOptions, givenOf } from './parameters.js';
import { progressBar } from './progress.js';
import { print, textTable } from './table.js';

interface ReconstructOptions extends EngineOptions {
  psf: string[];
  output: string;
  times?: string;
  truth?: string;
  model: string;
  models: string;
  json?: boolean;
}

export const kTransientsModel = 'demo-transients';
const kShownSources = 20;
const kFiles = [
  'sources.vot',
  'sources.csv',
  'sources.reg',
  'lightcurves.vot',
  'lightcurves.csv',
  'lightcurves.png',
  'reconstructed.fits',
  'residual.fits',
  'snr_max.fits',
];

export function registerReconstruct(root: Command): void {
  const command = root
    .command('reconstruct')
    .description('find transients in a dirty cube (t,y,x) and give the light curve of every source')
    .argument('<cube...>', 'FITS cube with an axis of time, or single-epoch images of one grid in the order of time')
    .requiredOption(
      '--psf <file...>',
      'its point spread function: a cube, one image for all frames, or an image per frame',
    )
    .option('--times <file>', 'table of when the frames were (FITS, VOTable or text: TIME or MJD, EXPOSURE)')
    .option('--truth <file>', 'of a simulation: its truth.fits, for light curves with the truth beside them')
    .requiredOption('-o, --output <dir>', `folder, made if it is not there, for ${kFiles.join(', ')}`);
  addParameterOptions(command, kReconstructionParameters);
  addModelsOption(command).option('--model <id>', 'model id, or path of a model.toml', kTransientsModel);
  command.option('--json', 'print a summary of the run as JSON');
  addEngineOptions(command);
  example(command, [
    'cianna-otf simulate --cube -o sim && cianna-otf reconstruct sim/dirty.fits --psf sim/psf.fits -o found',
    "cianna-otf reconstruct t*.fits --psf psf.fits -o found --positions 'SN,150.1,-30.02'",
  ]);
  command.action(reconstruct);
}

async function reconstruct(cube: string[], options: ReconstructOptions): Promise<void> {
  const card = reconstructorCard(await resolveModel(options.models, options.model));
  const fields = fieldsOfOptions({ ...options }, kReconstructionParameters);
  const asked = asUsage(() =>
    kReconstruction.readParameters(givenOf(fields), card, kNoDefaults, []),
  ) as ReconstructionAsked;
  const given = (file: string | undefined) => (file === undefined ? [] : [file]);
  const [tables, truths] = [given(options.times), given(options.truth)];
  await prepareFolder(options.output, [...cube, ...options.psf, ...tables, ...truths]);
  const plain = new PlainFiles();
  const bar = progressBar(kReconstruction.unit);
  try {
    const readable = (paths: string[]) =>
      Promise.all(paths.map(async (name) => ({ path: await plain.of(name), name })));
    const { engine: name, threads, batch, quantization } = options;
    const [[times], [truth]] = [await readable(tables), await readable(truths)];
    const task = { cube: await readable(cube), psf: await readable(options.psf), times, truth, asked, card };
    const engine = { name, threads, batch: Math.min(batch, kLargestBatch), quantization };
    const done = await runReconstruction({ ...task, folder: options.output, engine }, ({ done: part, total }) =>
      bar.update(part, total),
    ).finally(bar.stop);
    await deliver(done, options.output);
    summarise(done, options);
  } finally {
    await plain.close();
  }
}

/** Items are pieces of a cube: one is work enough for every processor, and takes memory. */
const kLargestBatch = 1;

async function prepareFolder(folder: string, inputs: readonly string[]): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (thrown) {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot make ${folder}: ${systemReason(thrown)}`, { cause: thrown });
  }
  const paths = kFiles.map((file) => join(folder, file));
  await refuseOverwriting(paths, inputs, 'choose another folder');
  for (const path of paths) await assertWritable(path);
}

async function deliver({ record }: Reconstructed, folder: string): Promise<void> {
  // They need the addon, which has been loaded by now.
  const { reconstructionContent } = await import('../tasks/reconstruction/content.js');
  const { lightCurvesDocument } = await import('../tasks/reconstruction/light-curves.js');
  const { lightCurveSheet } = await import('../tasks/reconstruction/sheet.js');
  const { tableContent, writeContent } = await import('../results/serialise.js');
  for (const [file, format] of [
    ['sources.vot', 'votable'],
    ['sources.csv', 'csv'],
    ['sources.reg', 'reg'],
  ] as const) {
    await writeContent(reconstructionContent(record, format), join(folder, file));
  }
  const curves = lightCurvesDocument(record);
  for (const [file, format] of [
    ['lightcurves.vot', 'votable'],
    ['lightcurves.csv', 'csv'],
  ] as const) {
    await writeContent(tableContent(curves, format), join(folder, file));
  }
  const sheet = lightCurveSheet(record);
  const picture = join(folder, 'lightcurves.png');
  // Without a source there is none to draw: that of an earlier run would pass for this one's.
  if (sheet) await writeFileAtomically(picture, [sheet]);
  else await rm(picture, { force: true });
}

function summarise(
  { record, inferSeconds, wallSeconds, engineBytes }: Reconstructed,
  { output, json }: ReconstructOptions,
): void {
  const { found, engine, model, method } = record;
  const { sources, cube, times, frequenciesHz } = found;
  for (const message of found.warnings) warn(message);
  if (json) {
    const run = Object.fromEntries(reconstructionFacts(record).map(({ name, value }) => [name, value]));
    const rows = sources.name.map((name, row) => ({
      name,
      label: sources.label[row],
      x: sources.x[row],
      y: sources.y[row],
      detection_snr: sources.statistic[row],
      peak_flux: sources.peakFlux[row],
    }));
    const seconds = { ...times, infer: inferSeconds, wall: wallSeconds };
    const memory = { engine_bytes: engineBytes, peak_rss_bytes: process.resourceUsage().maxRSS * 1024 };
    const { warnings } = found;
    print(JSON.stringify({ output, run, sources: rows, warnings, times: seconds, memory }, null, 2));
    return;
  }
  const shown = Array.from({ length: Math.min(sources.count, kShownSources) }, (_, row) => row);
  const at = (values: Float64Array, row: number) => values[row] ?? Number.NaN;
  const rows = shown.map((row) => [
    sources.name[row] || `S${String(row + 1).padStart(4, '0')}`,
    (at(sources.x, row) + 1).toFixed(2),
    (at(sources.y, row) + 1).toFixed(2),
    at(sources.statistic, row).toFixed(1),
    at(sources.peakFlux, row).toPrecision(3),
    String(at(sources.peakFrame, row) + 1),
    sources.label[row] ?? '',
    sparkline(ownCurve(found, found.curves.fluxRec, row)),
  ]);
  const titles = ['source', 'x', 'y', 'SNR', `peak ${cube.bunit}`, 'frame', 'label', 'light curve'];
  const bands = frequenciesHz.length > 1 ? `, ${frequenciesHz.length} bands` : '';
  const count = sources.name.filter((name) => name === '').length;
  print(
    `${count} sources in ${record.input.name} (${cube.width}x${cube.height} pixels, ${cube.frames} frames${bands})`,
  );
  if (rows.length > 0)
    print(
      textTable(
        titles.map((title) => ({ title })),
        rows,
      ),
    );
  const by = model && engine ? `${model.id} on ${engine.engine} ${engine.version}, ${engine.effective}` : method;
  print(`${by}: ${duration(wallSeconds)}`);
  print(`results: ${output}`);
}

const kBars = '▁▂▃▄▅▆▇█';
const kMostBars = 40;

/** The light curve in one line: from 0 or less to its largest value. */
export function sparkline(values: Float64Array): string {
  const group = Math.ceil(values.length / kMostBars);
  const top = Math.max(...values, Number.MIN_VALUE);
  let line = '';
  for (let at = 0; at < values.length; at += group) {
    const value = Math.max(...values.subarray(at, at + group));
    line += kBars[Math.max(0, Math.min(kBars.length - 1, Math.round((value / top) * (kBars.length - 1))))] ?? '';
  }
  return line;
}
