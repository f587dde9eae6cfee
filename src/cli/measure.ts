/** `measure`: the flux densities of an image at given places. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { native } from '../engine/addon.js';
import { forcedDocument, placesOf } from '../scores/forced-document.js';
import { PlainFiles } from '../tasks/plain-files.js';
import { warn } from './failure.js';
import { example, integer } from './options.js';
import { addTableOptions, type TableOptions, tableTarget, writeTable } from './table-output.js';

interface MeasureOptions extends TableOptions {
  positions: string;
  hdu?: number;
  plane?: number;
  threads: number;
}

const kMostPlaces = 5_000_000;

export function registerMeasure(root: Command): void {
  const command = root
    .command('measure')
    .description('flux densities at given places of an image, with errors and upper limits (docs/measurement.md)')
    .argument('<image>', 'FITS image, also tile-compressed or in gzip')
    .requiredOption('--positions <table>', "ra and dec in the image's frame: text, CSV, VOTable or FITS")
    .option('--hdu <n>', 'HDU of the image, 0 = primary (default: the first image)', integer(0, 9999))
    .option('--plane <n>', 'plane of a cube, 0 = first (default: 0)', integer(0, Number.MAX_SAFE_INTEGER))
    .addOption(new Option('--threads <n>', 'CPU threads').default(0, 'all').argParser(integer(0, 1024)));
  addTableOptions(command, 'votable');
  example(command, ['cianna-otf measure epoch2.fits --positions epoch1.vot -o fluxes.vot']);
  command.action(measure);
}

async function measure(image: string, options: MeasureOptions): Promise<void> {
  const target = await tableTarget(options, 'votable', [image, options.positions]);
  const addon = native();
  const { positions, hdu, plane, threads } = options;
  const table = await addon.readTable({ path: positions, label: positions, maxRows: kMostPlaces });
  const places = placesOf(table, positions);
  const plain = new PlainFiles();
  try {
    const select = { ...(hdu === undefined ? {} : { hdu }), ...(plane === undefined ? {} : { plane }) };
    const { raDeg, decDeg } = places;
    const source = { path: await plain.of(image), label: image, ...select };
    const found = await addon.measurePlaces({ image: source, raDeg, decDeg, threads });
    const names = { image: basename(image), positions: basename(positions) };
    const document = forcedDocument(places, found, names);
    for (const line of document.warnings) warn(line);
    await writeTable(document, () => `${table.rows} places`, target);
  } finally {
    await plain.close();
  }
}
