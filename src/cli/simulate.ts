/** `simulate`: a synthetic radio field and the truth about it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadAddon } from '../engine/load.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { assertWritable, writeFileAtomically } from '../io/write.js';
import { example, integer, real } from './options.js';
import { print } from './table.js';
import { truthDocument } from './truth.js';

interface SimulateOptions {
  output: string;
  size: number;
  density: number;
  noise: number;
  seed: number;
  json?: boolean;
}

export function registerSimulate(root: Command): void {
  const command = root
    .command('simulate')
    .description('make a synthetic radio field: DIR/field.fits and DIR/truth.vot')
    .requiredOption('-o, --output <dir>', 'folder, made if it is not there')
    .option('--size <n>', 'side in pixels', integer(16, 65536), 1024)
    .option('--density <d>', 'sources per pixel', real(0, 0.1), 0.001)
    .option('--noise <s>', 'noise standard deviation, Jy/beam', real(0, 1), 4e-7)
    .option('--seed <k>', 'the same seed gives the same field', integer(0), 1)
    .option('--json', 'print the outcome as JSON');
  example(command, [
    'cianna-otf simulate -o sim --size 2048 --seed 7',
    'cianna-otf detect sim/field.fits -o sim/found.vot',
  ]);
  command.action(simulate);
}

async function simulate(options: SimulateOptions): Promise<void> {
  const { output: folder, size, density, noise, seed } = options;
  try {
    await mkdir(folder, { recursive: true });
  } catch (thrown) {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot make ${folder}: ${systemReason(thrown)}`, { cause: thrown });
  }
  const field = join(folder, 'field.fits');
  const truthFile = join(folder, 'truth.vot');
  for (const path of [field, truthFile]) await assertWritable(path);
  const addon = await loadAddon();
  const request = { output: field, sizePx: size, density, noise, seed };
  const truth = await addon.simulate(request);
  const { votable } = await import('../results/votable.js');
  await writeFileAtomically(truthFile, votable(truthDocument(request, truth, new Date()), 'TABLEDATA'));
  if (options.json) return print(JSON.stringify({ field, truth: truthFile, sources: truth.count }, null, 2));
  print(`field: ${field} (${size}x${size} pixels, seed ${seed})`);
  print(`truth: ${truthFile} (${truth.count} sources)`);
}
