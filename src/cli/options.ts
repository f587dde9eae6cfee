/** Options that several commands share: how they are spelt, read and checked. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EngineRequest } from '../engine/addon.js';
import { kAutoEngine } from '../engine/device.js';
import { kDefaultModel, kShippedModelsDir } from '../models/registry.js';
import { kFormats } from '../results/formats.js';

export function integer(min: number, max = 2 ** 31 - 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

export function real(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a number from ${min} to ${max}.`);
  };
}

export type Four = [number, number, number, number];

function four(text: string, form: string): Four {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [a, b, c, d] = parts;
  if (parts.length !== 4 || a === undefined || b === undefined || c === undefined || d === undefined) {
    throw new InvalidArgumentError(`Expected four numbers: ${form}.`);
  }
  if (!parts.every(Number.isFinite)) throw new InvalidArgumentError(`Expected four numbers: ${form}.`);
  return [a, b, c, d];
}

/** X,Y,W,H as people see pixels (FITS, first pixel = 1) into the 0-based box of the native side. */
export function pixelBox(text: string): Four {
  const [x, y, width, height] = four(text, 'X,Y,W,H');
  if (![x, y, width, height].every(Number.isInteger) || width < 1 || height < 1) {
    throw new InvalidArgumentError('Expected whole pixels X,Y,W,H with W and H above 0 (the first pixel is 1,1).');
  }
  return [x - 1, y - 1, width, height];
}

/** RA,DEC in degrees and W,H in pixels. */
export function skyRegion(text: string): Four {
  const [ra, dec, width, height] = four(text, 'RA,DEC,W,H');
  if (Math.abs(dec) > 90) throw new InvalidArgumentError('DEC must be from -90 to 90 degrees.');
  if (ra < 0 || ra > 360) throw new InvalidArgumentError('RA must be from 0 to 360 degrees.');
  if (width < 1 || height < 1) throw new InvalidArgumentError('W and H are pixels and must be above 0.');
  return [ra, dec, Math.round(width), Math.round(height)];
}

/** --format: a name of kFormats. */
export function formatOption(description: string, flags = '--format <format>'): Option {
  return new Option(flags, description).choices(Object.keys(kFormats));
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

export function example(command: Command, lines: string[]): Command {
  return command.addHelpText('after', `\nExample:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}
