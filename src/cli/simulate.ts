/** `simulate`: a synthetic radio field, or a cube of a changing sky, and the truth about it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { native } from '../engine/addon.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { assertWritable, targetOf, writeFileAtomically } from '../io/write.js';
import { example, integer, real } from './options.js';
import { addCubeOptions, type CubeOptions, kCubeOnly, simulateCube } from './simulate-cube.js';
import { print } from './table.js';
import { truthDocument } from './truth.js';

interface SimulateOptions extends CubeOptions {
  cube?: boolean;
  output: string;
  size?: number;
  density: number;
  noise?: number;
  seed: number;
  json?: boolean;
}

const kFieldPx = 1024;
const kFieldNoise = 4e-7;
const kFieldOnly = ['density'];

export function registerSimulate(root: Command): void {
  const command = root
    .command('simulate')
    .description('make a synthetic radio field (DIR/field.fits, DIR/truth.vot), or with --cube a changing sky')
    .requiredOption('-o, --output <dir>', 'folder, made if it is not there')
    .option('--size <n>', `side in pixels (default: ${kFieldPx}, with --cube 64)`, integer(16, 65536))
    .option('--density <d>', 'sources per pixel', real(0, 0.1), 0.001)
    .option(
      '--noise <s>',
      `noise rms, Jy/beam (default: ${kFieldNoise}, with --cube 0.001 in each frame)`,
      real(0, 1e6),
    )
    .option('--seed <k>', 'the same seed gives the same field', integer(0), 1)
    .option('--json', 'print the outcome as JSON')
    .option(
      '--cube',
      'a dirty cube (t,y,x) of transients: dirty.fits, psf.fits, truth.fits, truth-sources.vot, truth-lightcurves.vot, simulation.json',
    );
  addCubeOptions(command);
  example(command, [
    'cianna-otf simulate -o sim --size 2048 --seed 7',
    'cianna-otf detect sim/field.fits -o sim/found.vot',
    'cianna-otf simulate --cube -o cube --frames 32 --array meerkat-like --sigma-over-peak 0.33',
  ]);
  command.action((options: SimulateOptions) => simulate(options, command));
}

async function simulate(options: SimulateOptions, command: Command): Promise<void> {
  refuseOfOther(command, options.cube ? kFieldOnly : kCubeOnly, options.cube === true);
  const { output: folder, seed } = options;
  try {
    await mkdir(folder, { recursive: true });
  } catch (thrown) {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot make ${folder}: ${systemReason(thrown)}`, { cause: thrown });
  }
  if (options.cube) return simulateCube(options);
  const { size = kFieldPx, density, noise = kFieldNoise } = options;
  const field = join(folder, 'field.fits');
  const truthFile = join(folder, 'truth.vot');
  for (const path of [field, truthFile]) await assertWritable(path);
  const addon = native();
  const request = { output: await targetOf(field), sizePx: size, density, noise, seed };
  const truth = await addon.simulate(request);
  const { votable } = await import('../results/votable.js');
  await writeFileAtomically(truthFile, votable(truthDocument(request, truth, new Date()), 'TABLEDATA'));
  if (options.json) return print(JSON.stringify({ field, truth: truthFile, sources: truth.count }, null, 2));
  print(`field: ${field} (${size}x${size} pixels, seed ${seed})`);
  print(`truth: ${truthFile} (${truth.count} sources)`);
}

/** An option that would change nothing is a mistake. */
function refuseOfOther(command: Command, names: readonly string[], cube: boolean): void {
  const given = names.find((name) => command.getOptionValueSource(name) === 'cli');
  if (given === undefined) return;
  const flag = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new OtfError('OTF_USAGE', `--${flag} ${cube ? 'means nothing with --cube' : 'is for cubes: add --cube'}`);
}
