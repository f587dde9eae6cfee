/** `bench cianna`: CIANNA's own forward pass, the same through our bridge, and what lies between. */

import { type EngineOptions, engineRequest } from '#otf/cli/options.js';
import { print, textTable } from '#otf/cli/table.js';
import { type BenchCiannaOutcome, native } from '#otf/engine/addon.js';
import { duration } from '#otf/io/terminal.js';
import { quantizationName } from '#otf/models/quantization.js';
import { conditions, printConditions } from './conditions.js';

interface BenchCiannaOptions extends EngineOptions {
  model: string;
  size: number;
  repeats: number;
  json?: boolean;
}

export async function benchCianna(options: BenchCiannaOptions): Promise<void> {
  const addon = native();
  const before = await conditions();
  const { model, size, repeats, batch } = options;
  const engine = engineRequest(options, quantizationName(options.quantization ?? 'FP32'));
  const outcome = await addon.benchCianna({ model, width: size, height: size, repeats, inputBias: 0.1, engine });
  if (options.json) return print(JSON.stringify({ conditions: before, model, size, batch, repeats, outcome }, null, 2));
  printConditions(before);
  const { version, effective, threads } = outcome.engine;
  print(`${model} at ${size}x${size}, batch ${batch}, ${effective}, ${threads} threads, medians of ${repeats}`);
  print(`CIANNA ${version}`);
  print('');
  printPasses(outcome, batch);
  print('');
  print(`overhead of the bridge per batch: ${duration(outcome.overheadSeconds)}`);
  print(`one plain copy of input and output: ${duration(outcome.copySeconds)}`);
}

function printPasses(outcome: BenchCiannaOutcome, batch: number): void {
  const row = (name: string, seconds: number) => [
    name,
    duration(seconds),
    (batch / seconds).toFixed(3),
    (outcome.ownSeconds / seconds).toFixed(3),
  ];
  const titles = [
    { title: 'forward pass', align: 'left' as const },
    { title: 'time' },
    { title: 'tiles/s' },
    { title: 'of its own' },
  ];
  print(
    textTable(titles, [
      row("CIANNA's own loop", outcome.ownSeconds),
      row('through the bridge', outcome.bridgeSeconds),
      row('from this process', outcome.remoteSeconds),
    ]),
  );
}
