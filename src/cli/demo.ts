/** `demo`: the main job on the example that comes with the program, and where to look next. */
import { mkdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Argument, type Command } from 'commander';
import { type CatalogueColumns, native } from '../engine/addon.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { declination, rightAscension } from '../io/sexagesimal.js';
import { duration } from '../io/terminal.js';
import { writeFileAtomically } from '../io/write.js';
import { kPictureLook } from '../pictures/look.js';
import { nativePixel } from '../results/pixels.js';
import { sourceMarks } from '../tasks/detection/marks.js';
import { commandName } from './command-name.js';
import { detectThroughServer, type Shown } from './demo-server.js';
import { demoTransients } from './demo-transients.js';
import { example as addExample } from './options.js';
import { bold, green, print, textTable } from './table.js';

const kExample = fileURLToPath(new URL('../../examples/simulated-field-1024.fits', import.meta.url));
const kTruth = kExample.replace(/\.fits$/, '.truth.csv');
const kBrightest = 10;
const kPreviewPx = 1024;

export function registerDemo(root: Command): void {
  const command = root
    .command('demo')
    .description('find the sources of the example image, or the transients of a simulated cube, and where to look next')
    .addArgument(new Argument('[what]', 'which demonstration').choices(['sources', 'transients']).default('sources'))
    .option('-o, --output <dir>', 'folder for the results', 'cianna-otf-demo')
    .action(demo);
  addExample(command, ['cianna-otf demo', 'cianna-otf demo transients']);
}

async function demo(what: string, options: { output: string }): Promise<void> {
  const folder = options.output;
  if (what === 'transients') return demoTransients(folder);
  try {
    await mkdir(folder, { recursive: true });
  } catch (thrown) {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot make ${folder}: ${systemReason(thrown)}`, { cause: thrown });
  }
  const shown = await detectThroughServer(kExample, folder);
  const catalogue = join(folder, 'catalogue.vot');
  const picture = join(folder, 'sources.png');
  const marks = sourceMarks(shown.image, shown.found);
  const request = { image: { path: kExample }, maxPx: kPreviewPx, look: kPictureLook, marks };
  await writeFileAtomically(picture, [native().renderPicture(request).png]);

  printSources(shown);
  print('');
  await printTruth(shown.found);
  printTimes(shown);
  print('');
  print(bold('Results'));
  print(`  ${catalogue}   IVOA VOTable: TOPCAT, Aladin, astropy and pyvo read it`);
  print(`  ${picture}     the image with its sources`);
  print('');
  const example = relative('.', kExample);
  const self = commandName();
  print(bold('Next'));
  print(`  ${self} serve --data-dir ${join(folder, 'server')}    # the server; then, in another terminal:`);
  print(`  ${self} submit ${example} --wait -o results && ${self} jobs`);
  print(`  ${self} detect ${example} --format csv -o - | head -5`);
  print(`  ${self} detect ${example} --box 1,1,512,512 --format reg -o corner.reg   # for DS9`);
  print(`  ${self} simulate -o sim --size 2048 && ${self} detect sim/field.fits`);
  print(`  ${self} models show demo-continuum    # what a model card says; use your own with --models DIR`);
}

function printSources({ found, image, run, job }: Shown): void {
  print('');
  print(bold(`${found.count} sources in ${run.input} (${image.width}x${image.height} pixels)`));
  print(`${run.model} on ${run.engine}, ${run.quantization}: job ${job.id} of a server started for this`);
  print('');
  const flux = found.values.flux ?? new Float64Array(found.count);
  const order = Array.from({ length: found.count }, (_, row) => row).sort((a, b) => (flux[b] ?? 0) - (flux[a] ?? 0));
  const at = (values: ArrayLike<number> | undefined, row: number) => values?.[row] ?? Number.NaN;
  const rows = order
    .slice(0, kBrightest)
    .map((row, rank) => [
      String(rank + 1),
      rightAscension(at(found.raDeg, row), 2),
      declination(at(found.decDeg, row), 1),
      (at(flux, row) * 1e6).toFixed(1),
      at(found.values.bmaj, row).toFixed(2),
      at(found.values.bmin, row).toFixed(2),
      at(found.paDeg, row).toFixed(0),
      at(found.objectness, row).toFixed(3),
    ]);
  const titles = ['#', 'RA', 'Dec', 'flux uJy', 'major "', 'minor "', 'PA deg', 'objectness'];
  print(`The ${rows.length} brightest (${image.wcs?.system ?? 'no WCS'}):`);
  print(
    textTable(
      titles.map((title) => ({ title })),
      rows,
    ),
  );
}

/** The example is simulated, so what is really there is known. Matching: nearest within 2 pixels. */
async function printTruth(found: CatalogueColumns): Promise<void> {
  const [header = '', ...lines] = (await readFile(kTruth, 'utf8')).trim().split('\n');
  const names = header.trim().split(',');
  const column = (name: string) => names.indexOf(name);
  const [xAt, yAt, snrAt] = [column('x_fits'), column('y_fits'), column('peak_snr')];
  let bright = 0;
  let hit = 0;
  for (const line of lines) {
    const cells = line.split(',').map(Number);
    if (!((cells[snrAt] ?? 0) > 5)) continue;
    bright += 1;
    const x = nativePixel(cells[xAt] ?? 0);
    const y = nativePixel(cells[yAt] ?? 0);
    if (found.x.some((value, row) => Math.hypot(value - x, (found.y[row] ?? 0) - y) < 2)) hit += 1;
  }
  const share = ((100 * hit) / bright).toFixed(0);
  print(green(`The field is simulated: ${hit} of its ${bright} sources above 5 sigma were found (${share} %).`));
}

function printTimes({ times }: Shown): void {
  const stages: [string, number][] = [
    ['read the image', times.load],
    ['prepare tiles', times.limits + times.prepare],
    ['run the network', times.infer],
    ['select and suppress boxes', times.select + times.suppress],
    ['sky positions, catalogue', times.catalogue],
    ['all (stages overlap)', times.wall],
  ];
  print('');
  print(bold('Time'));
  for (const [name, seconds] of stages) print(`  ${name.padEnd(28)}${duration(seconds).padStart(10)}`);
}
