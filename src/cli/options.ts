/** Options that several commands share: how they are spelt, read and checked. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EngineRequest } from '../engine/addon.js';
import { kAutoEngine } from '../engine/device.js';
import { kDefaultModel, kShippedModelsDir } from '../models/registry.js';
import type { ResultFormats } from '../results/formats.js';

export function integer(min: number, max = 2 ** 31 - 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

export function real(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\s*[+-]?[\d.]+(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
    if (Number.isFinite(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a number from ${min} to ${max}.`);
  };
}

/** --format: a name of one of the formats. */
export function formatOption(formats: ResultFormats, description: string, flags = '--format <format>'): Option {
  return new Option(flags, description).choices(Object.keys(formats));
}

export interface EngineOptions {
  engine: string;
  quantization?: string;
  threads: number;
  batch: number;
}

/** --engine, --quantization, --threads, --batch. */
export function addEngineOptions(command: Command, engine = kAutoEngine): Command {
  return command
    .option('--engine <name>', 'what runs the network (see `engines`)', engine)
    .option('--quantization <type>', 'compute type, e.g. FP32C_FP32A or BF16')
    .addOption(new Option('--threads <n>', 'CPU threads').default(0, 'all').argParser(integer(0, 1024)))
    .addOption(new Option('--batch <n>', 'items per forward pass').default(8).argParser(integer(1, 4096)));
}

export function engineRequest(options: EngineOptions, quantization: string): EngineRequest {
  return { name: options.engine, quantization, threads: options.threads, batch: options.batch };
}

/** --models DIR; the environment has the name every setting has (section `models`, key `dir`). */
export function addModelsOption(command: Command): Command {
  return command.addOption(
    new Option('--models <dir>', 'folder of model cards').default(
      process.env.CIANNA_OTF_MODELS_DIR || kShippedModelsDir,
      'those that come with the program',
    ),
  );
}

export function addModelOption(command: Command): Command {
  return addModelsOption(command).option('--model <id>', 'model id, or path of a model.toml', kDefaultModel);
}

const kExamples = new WeakMap<Command, readonly string[]>();

/** Those that example() shows below the help. */
export function examplesOf(command: Command): readonly string[] {
  return kExamples.get(command) ?? [];
}

export function example(command: Command, lines: string[]): Command {
  kExamples.set(command, lines);
  return command.addHelpText('after', `\nExample:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}
