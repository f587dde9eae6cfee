/** `infer`: tensors through a network, NPY in and NPY out. */
import type { Command } from 'commander';
import { native } from '../engine/addon.js';
import { duration } from '../io/terminal.js';
import { assertWritable, targetOf } from '../io/write.js';
import { quantizationName } from '../models/quantization.js';
import { addEngineOptions, type EngineOptions, engineRequest, example, integer, real } from './options.js';
import { refuseOverwriting } from './overwriting.js';
import { progressBar } from './progress.js';
import { print } from './table.js';

interface InferOptions extends EngineOptions {
  model: string;
  input: string;
  output: string;
  inputBias: number;
  rawOutput: boolean;
  monteCarlo: number;
  seed: number;
  json?: boolean;
}

export function registerInfer(root: Command): void {
  const command = root
    .command('infer')
    .description('run a network on an array: input (N,C,D,H,W) float32, output (N, values)')
    .requiredOption('--model <file>', 'CIANNA network file')
    .requiredOption('--input <npy>', 'input array')
    .requiredOption('--output <npy>', 'where the output array goes')
    .option('--input-bias <b>', "value of the first layer's bias input", real(-1e6, 1e6), 0.1)
    .option('--raw-output', 'YOLO: activated values instead of box edges in pixels', false)
    .option(
      '--monte-carlo <n>',
      'repeats with dropout drawn anew: mean and deviation per value; 0 = off',
      monteCarlo,
      0,
    )
    .option('--seed <n>', 'seed of the dropout masks', integer(0), 1)
    .option('--json', 'print the outcome as JSON');
  addEngineOptions(command);
  example(command, [
    'cianna-otf infer --model net.dat --input tiles.npy --output boxes.npy --batch 4',
    'cianna-otf infer --model net.dat --input x.npy --output y.npy --monte-carlo 50',
  ]);
  command.action(infer);
}

const repeats = integer(0, 100000);
/** A standard deviation needs two passes. */
function monteCarlo(text: string): number {
  return text === '1' ? integer(2, 100000)(text) : repeats(text);
}

async function infer(options: InferOptions): Promise<void> {
  await refuseOverwriting([options.output], [options.input, options.model]);
  await assertWritable(options.output);
  const addon = native();
  const bar = progressBar('items');
  const { model, input, output, inputBias, rawOutput, monteCarlo, seed } = options;
  const engine = engineRequest(options, quantizationName(options.quantization ?? 'FP32'));
  const file = await targetOf(output);
  const outcome = await addon
    .infer({ model, input, output: file, inputBias, rawOutput, monteCarlo, seed, engine }, bar.update)
    .finally(bar.stop);
  if (options.json) return print(JSON.stringify({ output, ...outcome }, null, 2));
  const { items, valuesPerItem, engine: info, seconds } = outcome;
  print(`${items} items, ${valuesPerItem} values each: ${output}`);
  const asked = info.asked === info.effective ? '' : ` (asked for ${info.asked})`;
  print(`${info.engine} ${info.version}, ${info.effective}${asked}, ${info.threads} threads: ${duration(seconds)}`);
}
