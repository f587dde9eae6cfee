/** `preview`: a picture of an image, with the sources of a catalogue drawn on it. */
import type { Command } from 'commander';
import { type ImageSelect, native } from '../engine/addon.js';
import { assertWritable, writeFileAtomically } from '../io/write.js';
import { catalogueMarks } from '../pictures/catalogue-marks.js';
import { kLookParameters, kPictureLook, readLook } from '../pictures/look.js';
import { PlainFiles } from '../tasks/plain-files.js';
import { warn } from './failure.js';
import { example, integer } from './options.js';
import { refuseOverwriting } from './overwriting.js';
import { addParameterOptions, asUsage, fieldsOfOptions, givenOf } from './parameters.js';
import { print } from './table.js';

const kMostSources = 10_000_000;

interface PreviewOptions {
  output: string;
  catalogue?: string;
  size: number;
  hdu?: number;
  plane: number;
}

export function registerPreview(root: Command): void {
  const command = root
    .command('preview')
    .description('draw an image, and the sources of a catalogue on it, as PNG')
    .argument('<image>', 'FITS image, also tile-compressed or in gzip')
    .requiredOption('-o, --output <png>', 'where it goes')
    .option(
      '--catalogue <file>',
      'sources to draw: VOTable, CSV or FITS table; ellipses where it has sizes, else boxes',
    )
    .option('--size <n>', 'longest side in pixels', integer(16, 8192), 1024)
    .option('--hdu <n>', 'HDU of the image, 0 = primary (default: the first image)', integer(0, 9999))
    .option('--plane <n>', 'plane of a cube, 0 = first', integer(0), 0);
  addParameterOptions(command, kLookParameters);
  example(command, [
    'cianna-otf preview field.fits --catalogue field.vot -o field.png',
    'cianna-otf preview cube.fits --plane 12 --cuts zscale --colour viridis --size 2048 -o plane.png',
  ]);
  command.action(preview);
}

async function preview(given: string, options: PreviewOptions): Promise<void> {
  const look = asUsage(() => readLook(givenOf(fieldsOfOptions({ ...options }, kLookParameters))));
  const { output, catalogue, size, hdu, plane } = options;
  await refuseOverwriting([output], [given, catalogue]);
  await assertWritable(output);
  const plain = new PlainFiles();
  try {
    const image: ImageSelect = {
      path: await plain.of(given),
      plane,
      label: given,
      ...(hdu === undefined ? {} : { hdu }),
    };
    const marks = catalogue === undefined ? {} : { marks: await marksOf(catalogue, image) };
    // A picture that stands by itself has no page behind it.
    const request = { image, maxPx: size, look: { ...kPictureLook, ...look }, ...marks };
    const drawn = native().renderPicture(request);
    await writeFileAtomically(output, [drawn.png]);
    const count = 'marks' in marks ? `, ${marks.marks.x.length} sources` : '';
    print(`${output}: ${drawn.width}x${drawn.height} pixels, one is ${drawn.scale} of the image${count}`);
  } finally {
    await plain.close();
  }
}

async function marksOf(catalogue: string, image: ImageSelect) {
  const addon = native();
  const table = await addon.readTable({ path: catalogue, label: catalogue, maxRows: kMostSources });
  const { marks, notes } = catalogueMarks(table, addon.describeImage({ image }), (raDeg, decDeg, icrs) =>
    addon.skyToPixels({ image, raDeg, decDeg, icrs }),
  );
  for (const note of notes) warn(`${catalogue}: ${note}`);
  return marks;
}
