/** `demo transients`: a simulated cube, its sources and light curves, and what was really there. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { commandName } from './command-name.js';
import { run } from './main.js';
import { bold, green, print } from './table.js';

const kArray = fileURLToPath(new URL('../../models/demo-transients/array.enu', import.meta.url));
const kNearPx = 1.5;

export async function demoTransients(folder: string): Promise<void> {
  const sim = join(folder, 'simulated');
  const found = join(folder, 'found');
  try {
    await mkdir(folder, { recursive: true });
  } catch (thrown) {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot make ${folder}: ${systemReason(thrown)}`, { cause: thrown });
  }
  const steps = [
    `simulate --cube -o ${sim} --array ${kArray} --latitude -30.713 --seed 7 --sigma-over-peak 0.25 --shapes gaussian,decay,gate`,
    `reconstruct ${join(sim, 'dirty.fits')} --psf ${join(sim, 'psf.fits')} --truth ${join(sim, 'truth.fits')} -o ${found}`,
  ];
  for (const step of steps) {
    print(bold(`$ ${commandName()} ${step.replace(kArray, 'models/demo-transients/array.enu')}`));
    const code = await run(split(step, [folder, kArray]));
    if (code !== 0) throw new OtfError('OTF_INTERNAL', 'a step of the demonstration failed: its message is above');
    print('');
  }
  await printTruth(sim, found);
  print('');
  print(bold('Results'));
  print(
    `  ${join(found, 'sources.vot')}, ${join(found, 'lightcurves.vot')}   IVOA VOTables: TOPCAT, astropy and pyvo read them`,
  );
  print(
    `  ${join(found, 'lightcurves.png')}     the light curves: forced fluxes in grey, the reconstruction in colour, the truth in blue`,
  );
  print(
    `  ${join(found, 'reconstructed.fits')}, ${join(found, 'residual.fits')}   cubes (t,y,x): CARTA and DS9 show them`,
  );
  print('');
  print(bold('Next'));
  print(
    `  ${commandName()} reconstruct ${join(sim, 'dirty.fits')} --psf ${join(sim, 'psf.fits')} -o clean --method clean   # frame by frame`,
  );
  print(`  ${commandName()} bench reconstruct --cubes 10     # how much better, measured`);
}

/** Words of a command line; paths stay whole, whatever is in them. */
function split(line: string, paths: readonly string[]): string[] {
  const marked = paths.reduce((text, path, index) => text.replaceAll(path, `\u0000${index}\u0000`), line);
  return marked
    .split(' ')
    .map((word) => word.replace(/\u0000(\d)\u0000/g, (_, index: string) => paths[Number(index)] ?? ''));
}

interface Simulation {
  sources: { x: number; y: number; shape: string }[];
}

async function printTruth(sim: string, found: string): Promise<void> {
  const { sources } = JSON.parse(await readFile(join(sim, 'simulation.json'), 'utf8')) as Simulation;
  const [header = '', ...lines] = (await readFile(join(found, 'sources.csv'), 'utf8')).trim().split(/\r?\n/);
  const names = header.split(',');
  const cells = lines.map((line) => line.split(','));
  const of = (row: string[], name: string) => row[names.indexOf(name)] ?? '';
  const match = (source: Simulation['sources'][number]) =>
    cells.find((row) => Math.hypot(Number(of(row, 'x')) - source.x - 1, Number(of(row, 'y')) - source.y - 1) < kNearPx);
  const seen = sources.filter((source) => match(source) !== undefined);
  const right = seen.filter(
    (source) => (of(match(source) ?? [], 'label') === 'steady') === (source.shape === 'steady'),
  );
  print(
    green(
      `The cube is simulated: ${seen.length} of its ${sources.length} sources were found, ${right.length} of them labelled rightly.`,
    ),
  );
}
