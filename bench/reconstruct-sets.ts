/** The sets of simulated cubes of `bench reconstruct`: the acceptance set, and what the network was not trained for. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CubeOf, kCellArcsec, kTrainedArray } from './reconstruct-cubes.js';

export interface CubeSet {
  name: string;
  /** In words, for the title of its table. */
  what: string;
  /** What is not as in the acceptance set. */
  of: CubeOf;
  /** Size of the array; done by the cell, for what counts is the PSF in pixels. */
  scale?: number;
  /** The PSF, not only the light curves, is another one than the network was trained for. */
  isOtherArray?: boolean;
  /** Every second dish of the trained array. */
  half?: boolean;
}

export const kAcceptanceSet = 'trained';

export const kCubeSets: readonly CubeSet[] = [
  { name: kAcceptanceSet, what: 'the array of the training; gates, Gaussians and decays of 2 to 4 frames', of: {} },
  { name: 'short', what: 'the same, 0.8 to 2 frames', of: { tauMin: 0.8, tauMax: 2 } },
  {
    name: 'shapes',
    what: 'the same array; steps, skewed Gaussians, pulses and power laws',
    of: { shapes: 'step-on,step-off,skewed,pulses,power' },
  },
  {
    name: 'wider',
    what: 'the array 0.83 times as large: a wider PSF',
    of: {},
    scale: 0.83,
    isOtherArray: true,
  },
  {
    name: 'narrower',
    what: 'the array 1.25 times as large: a narrower PSF',
    of: {},
    scale: 1.25,
    isOtherArray: true,
  },
  { name: 'half', what: 'half the dishes of the array', of: {}, half: true, isOtherArray: true },
  {
    name: 'core-halo',
    what: 'another array for each cube, drawn from the same core and halo',
    of: { array: 'core-halo' },
    isOtherArray: true,
  },
  { name: 'meerkat-like', what: 'the built-in array of that name', of: { array: 'meerkat-like' }, isOtherArray: true },
  {
    name: 'gain-errors',
    what: 'the array of the training with gain errors of 1 % and 1 degree',
    of: { gainError: 0.01, phaseErrorDeg: 1 },
    isOtherArray: true,
  },
];

/** What simulating a set takes, `base` for all of them; files of its own are written into `folder`. */
export async function requestOf(set: CubeSet, base: CubeOf, folder: string): Promise<CubeOf> {
  const of = { ...base, ...set.of, cellArcsec: (base.cellArcsec ?? kCellArcsec) * (set.scale ?? 1) };
  if (!set.half) return of;
  const lines = (await readFile(base.arrayFile ?? kTrainedArray, 'utf8'))
    .split('\n')
    .filter((line) => /^[^#\s]/.test(line));
  const arrayFile = join(folder, 'half.enu');
  await writeFile(arrayFile, `${lines.filter((_, at) => at % 2 === 0).join('\n')}\n`);
  return { ...of, arrayFile };
}
