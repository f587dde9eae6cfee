/** `detect`: one image into one catalogue. */
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { type MocFormat, native } from '../engine/addon.js';
import { OtfError } from '../errors/catalogue.js';
import { duration } from '../io/terminal.js';
import { assertWritable, writeFileAtomically } from '../io/write.js';
import { kPictureLook } from '../pictures/look.js';
import { resolveModel } from '../tasks/cards.js';
import { detectorCard } from '../tasks/detection/card.js';
import { type DetectionFormat, kDetectionFormats } from '../tasks/detection/formats.js';
import { type DetectTask, type LocalImage, qualityFilesOf, runDetectTask } from '../tasks/detection/here.js';
import { kDetection } from '../tasks/detection/kind.js';
import { sourceMarks } from '../tasks/detection/marks.js';
import { type DetectionAsked, kCommandParameters, readDetection } from '../tasks/detection/parameters.js';
import { nativeImages } from '../tasks/detection/request.js';
import { type RunRecord, runFacts } from '../tasks/detection/run-record.js';
import { kNoDefaults } from '../tasks/kind.js';
import { PlainFiles } from '../tasks/plain-files.js';
import { warn } from './failure.js';
import { addEngineOptions, addModelOption, type EngineOptions, example, formatOption, integer } from './options.js';
import { resultName, stemOf } from './output-names.js';
import { refuseOverwriting } from './overwriting.js';
import { addInputOptions, addParameterOptions, asUsage, fieldsOfOptions, givenOf } from './parameters.js';
import { progressBar } from './progress.js';
import { print } from './table.js';

/** And those of the parameters of a detection. */
interface DetectOptions extends EngineOptions {
  model: string;
  models: string;
  beam?: string;
  noiseMap?: string;
  backgroundMap?: string;
  places?: string;
  mask?: string;
  mocks?: string;
  quality?: string;
  checksum?: boolean;
  format?: DetectionFormat;
  output?: string;
  rms?: string;
  background?: string;
  modelImage?: string;
  residual?: string;
  photometry?: string;
  qualityFiles?: string;
  footprint?: string;
  preview?: string;
  previewPx: number;
  json?: boolean;
}

const kPreviewPx = 1024;
const kExtensions = new Map<string, DetectionFormat>([
  ['.vot', 'votable'],
  ['.xml', 'votable'],
  ['.votable', 'votable'],
  ['.fits', 'fits'],
  ['.fit', 'fits'],
  ['.csv', 'csv'],
  ['.json', 'json'],
  ['.reg', 'reg'],
]);

export function registerDetect(root: Command): void {
  const command = root
    .command('detect')
    .description('find the sources of a FITS image and write their catalogue')
    .argument('<image>', 'FITS image, also tile-compressed or in gzip')
    .addOption(formatOption(kDetectionFormats, 'catalogue format (default: from the ending of -o, else votable)'))
    .option(
      '-o, --output <file>',
      'where it goes; - is standard output (default: IMAGE with the ending of the format, here)',
    );
  addParameterOptions(command, kCommandParameters);
  addInputOptions(command, kDetection.inputs.slice(1));
  command
    .option('--checksum', 'put the SHA-256 of the image into the results however small the region (it may take longer)')
    .option('--rms <fits>', 'also write the noise map of the measurement')
    .option('--background <fits>', 'also write its background map')
    .option('--model-image <fits>', 'also write the image of what was fitted')
    .option('--residual <fits>', 'also write the image without what was fitted')
    .option('--photometry <vot>', 'where the flux densities at the --places go')
    .option('--quality-files <stem>', 'where what --quality tells goes: STEM.vot, -completeness.svg, -reliability.svg')
    .option('--footprint <file>', 'also write what of the sky was searched as a MOC: .fits, .json or .txt')
    .option('--preview <png>', 'also draw the image with its sources')
    .option('--preview-px <n>', 'longest side of the drawing', integer(16, 8192), kPreviewPx)
    .option('--json', 'print a summary of the run as JSON');
  addEngineOptions(addModelOption(command));
  example(command, [
    'cianna-otf detect field.fits --model demo-continuum -o field.vot',
    'cianna-otf detect cube.fits --plane 3 --box 1001,1001,2048,2048 --format csv -o - | head',
  ]);
  command.action(detect);
}

async function detect(image: string, options: DetectOptions): Promise<void> {
  const target = chooseTarget(image, options);
  const { preview, photometry } = options;
  if ((options.places === undefined) !== (photometry === undefined))
    throw new OtfError(
      'OTF_USAGE',
      '--places names the table of places, --photometry where their flux densities go: give both',
    );
  if (options.qualityFiles !== undefined && options.quality === undefined)
    throw new OtfError('OTF_USAGE', '--quality-files is for what --quality tells: give it, too');
  const quality = options.qualityFiles === undefined ? [] : Object.values(qualityFilesOf(options.qualityFiles));
  const footprint = footprintFormat(options.footprint);
  const outputs = [target.path, preview, photometry, options.footprint, ...quality, ...Object.values(mapsOf(options))];
  await refuseOverwriting(outputs, [image, ...Object.values(furtherOf(options))]);
  for (const path of outputs) if (path !== undefined) await assertWritable(path);
  const plain = new PlainFiles();
  try {
    await detectPlain(image, plain, { ...options, mocFormat: footprint }, target);
  } finally {
    await plain.close();
  }
}

type Prepared = DetectOptions & { mocFormat: MocFormat | undefined };

async function detectPlain(given: string, plain: PlainFiles, options: Prepared, target: Target): Promise<void> {
  const card = detectorCard(await resolveModel(options.models, options.model));
  const fields = fieldsOfOptions({ ...options }, kCommandParameters);
  const named = furtherOf(options);
  const read = asUsage(() => readDetection(givenOf(fields), card, kNoDefaults, Object.keys(named)));
  const { mocFormat, footprint } = options;
  const asked = mocFormat === undefined ? read : { ...read, footprint: mocFormat };
  const maps = mapsOf(options);
  if (Object.values(maps).some((path) => path !== undefined) && (asked.measure ?? 'none') === 'none') {
    const wrong = '--rms, --background, --model-image and --residual are maps of the measurement';
    throw new OtfError('OTF_USAGE', `${wrong}: give --measure, too`);
  }
  const image = { path: await plain.of(given), name: given };
  const { engine: name, threads, batch, quantization, checksum, photometry, qualityFiles: qualityStem } = options;
  const further: Record<string, LocalImage> = {};
  for (const [input, path] of Object.entries(named)) further[input] = { path: await plain.of(path), name: path };
  const engine = { name, threads, batch, quantization };
  const bar = progressBar(kDetection.unit);
  const record = await runDetectTask(
    { image, given, further, asked, checksum, maps, photometry, footprint, qualityStem, card, engine },
    ({ done, total }) => bar.update(done, total),
  ).finally(bar.stop);

  for (const message of record.outcome.image.warnings) warn(message);
  await deliver(record, target);
  if (options.preview !== undefined) await writePreview(record, { image, asked }, options.preview, options.previewPx);
  summarise(record, target, options);
}

/** The files there are, by the names of the kind's inputs. */
function furtherOf(options: DetectOptions): Record<string, string> {
  const { beam, noiseMap, backgroundMap, places, mask, mocks } = options;
  const maps = { NOISE_MAP: noiseMap, BACKGROUND_MAP: backgroundMap };
  const all = { BEAM: beam, ...maps, PLACES: places, MASK: mask, MOCKS: mocks };
  return Object.fromEntries(Object.entries(all).flatMap(([name, path]) => (path === undefined ? [] : [[name, path]])));
}

function mapsOf({ rms, background, modelImage, residual }: DetectOptions): DetectTask['maps'] & object {
  return { rms, background, model: modelImage, residual };
}

const kMocEndings = new Map<string, MocFormat>([
  ['.fits', 'fits'],
  ['.fit', 'fits'],
  ['.json', 'json'],
  ['.txt', 'ascii'],
  ['.moc', 'ascii'],
]);

function footprintFormat(path: string | undefined): MocFormat | undefined {
  if (path === undefined) return undefined;
  const format = kMocEndings.get(extname(path).toLowerCase());
  if (format !== undefined) return format;
  throw new OtfError('OTF_USAGE', `--footprint ${path}: its ending says no notation (.fits, .json, .txt)`);
}

interface Target {
  format: DetectionFormat;
  /** Absent = standard output. */
  path?: string;
}

function chooseTarget(image: string, options: DetectOptions): Target {
  const { output } = options;
  const byEnding = output === undefined ? undefined : kExtensions.get(extname(output).toLowerCase());
  const format = options.format ?? byEnding ?? 'votable';
  if (output === '-') {
    if (!kDetectionFormats[format].isText)
      throw new OtfError('OTF_USAGE', `--format ${format} cannot go to standard output: give -o FILE`);
    if (options.json) throw new OtfError('OTF_USAGE', '--json and -o - both want standard output');
    return { format };
  }
  if (output !== undefined) return { format, path: output };
  return { format, path: resultName(stemOf(image), kDetectionFormats[format].extension) };
}

async function deliver(record: RunRecord, { format, path }: Target): Promise<void> {
  // Needs the addon, which has been loaded by now.
  const { detectionContent } = await import('../tasks/detection/content.js');
  const { writeContent } = await import('../results/serialise.js');
  const content = detectionContent(record, format);
  if (path !== undefined) return writeContent(content, path);
  return pipeline(Readable.from('pieces' in content ? content.pieces : []), process.stdout, { end: false });
}

async function writePreview(
  record: RunRecord,
  { image, asked }: { image: LocalImage; asked: DetectionAsked },
  path: string,
  maxPx: number,
): Promise<void> {
  const addon = native();
  const { image: chosen } = nativeImages({ inputs: {}, asked: { ...asked } }, { IMAGE: [{ ...image, size: 0 }] });
  const marks = sourceMarks(record.outcome.image, record.outcome.catalogue);
  const { png } = addon.renderPicture({ image: chosen, maxPx, look: kPictureLook, marks });
  await writeFileAtomically(path, [png]);
}

function summarise(record: RunRecord, target: Target, options: DetectOptions): void {
  const { outcome } = record;
  const { image, counts, times, tiling, engine } = outcome;
  if (options.json) {
    const run = Object.fromEntries(runFacts(record).map((fact) => [fact.name, fact.value]));
    const files = { output: target.path, preview: options.preview };
    print(
      JSON.stringify(
        { ...files, format: target.format, run, image, counts, tiling, engine, times, memory: outcome.memory },
        null,
        2,
      ),
    );
    return;
  }
  const tiles = tiling.tilesX * tiling.tilesY;
  const blank = image.blankedPixels > 0 ? `, ${image.blankedPixels} blank pixels` : '';
  const where = image.wcs ? `${image.wcs.system} ${image.wcs.projection}` : 'no celestial WCS: pixel positions only';
  const size = `${image.region.width}x${image.region.height} pixels`;
  const lines = [
    `${counts.final} sources in ${record.input.name} (${size}, ${tiles} tiles${blank}; ${where})`,
    `${record.model.id} on ${engine.engine} ${engine.version}, ${engine.effective}, ${engine.threads} threads: ${duration(times.wall)}`,
  ];
  if (engine.asked !== engine.effective) lines.push(`asked for ${engine.asked}, ran as ${engine.effective}`);
  if (target.path !== undefined) lines.push(`catalogue: ${target.path}`);
  if (options.preview !== undefined) lines.push(`preview:   ${options.preview}`);
  // With the catalogue on standard output the summary must not mix with it.
  if (target.path === undefined) process.stderr.write(`${lines.join('\n')}\n`);
  else print(lines.join('\n'));
}
