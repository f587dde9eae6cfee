/** What requests may say of a reconstruction, beside its files: described, read and printed. */
import type { OpenReconstructionRequest } from '../../engine/addon.js';
import { nativePixel } from '../../results/pixels.js';
import { badRequest, type Given, type ParameterDescription, readParameter } from '../parameters.js';

export const kMethods = ['network', 'clean', 'clean-smooth', 'clean-bank'] as const;
export type Method = (typeof kMethods)[number];

export const kStatics = ['none', 'mean-clean'] as const;
export type Static = (typeof kStatics)[number];

export interface ReconstructionAsked {
  method?: Method;
  static?: Static;
  threshold?: number;
  /** As it was given. */
  positions?: string;
  /** 1-based. */
  band?: number;
}

export const kThresholdSnr = 5;
const kMostPositions = 1000;

const kThreshold: ParameterDescription = {
  name: 'THRESHOLD',
  type: 'real',
  min: 1,
  max: 1000,
  default: String(kThresholdSnr),
  help: 'SNR above which a peak over all frames is a source; 5 is 0.1 false ones per 64x64x32 of empty sky',
};
const kPositions: ParameterDescription = {
  name: 'POSITIONS',
  type: 'text',
  min: 1,
  max: 65536,
  help: 'always measured: RA,DEC or NAME,RA,DEC in degrees, or NAME,px,X,Y in FITS pixels; several with ;',
};
const kBand: ParameterDescription = {
  name: 'BAND',
  type: 'integer',
  min: 1,
  max: 65536,
  default: 'all',
  help: 'of a cube with an axis of frequency: reconstruct this band alone, 1 = first',
};

const kMethod: ParameterDescription = {
  name: 'METHOD',
  type: 'choice',
  choices: kMethods,
  default: 'network',
  help: 'how: by the network, or a classical way to compare with',
};

const kStatic: ParameterDescription = {
  name: 'STATIC',
  type: 'choice',
  choices: kStatics,
  default: 'none',
  help: 'mean-clean: bright steady sources are taken away first, by CLEAN of the mean of all frames, and put back at the end',
};

export const kReconstructionParameters: readonly ParameterDescription[] = [
  kMethod,
  kStatic,
  kThreshold,
  kPositions,
  kBand,
];

/** Throws OTF_BAD_REQUEST. */
export function readReconstruction(given: Given): ReconstructionAsked {
  const method = readParameter(kMethod, given) as Method | undefined;
  const how = readParameter(kStatic, given) as Static | undefined;
  const threshold = readParameter(kThreshold, given) as number | undefined;
  const positions = readParameter(kPositions, given) as string | undefined;
  const band = readParameter(kBand, given) as number | undefined;
  if (positions !== undefined) readPositions(positions);
  return {
    ...(method === undefined ? {} : { method }),
    ...(how === undefined ? {} : { static: how }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(positions === undefined ? {} : { positions }),
    ...(band === undefined ? {} : { band }),
  };
}

export function printReconstruction(asked: ReconstructionAsked): [string, string][] {
  const { method, threshold, positions, band } = asked;
  const values: [string, string | undefined][] = [
    ['METHOD', method],
    ['STATIC', asked.static],
    ['THRESHOLD', threshold?.toString()],
    ['POSITIONS', positions],
    ['BAND', band?.toString()],
  ];
  return values.filter((each): each is [string, string] => each[1] !== undefined);
}

type Position = OpenReconstructionRequest['positions'][number];

/** Throws OTF_BAD_REQUEST. */
export function readPositions(text: string): Position[] {
  const entries = text.split(/[;\n]/).filter((entry) => entry.trim() !== '');
  if (entries.length > kMostPositions) throw badRequest(`POSITIONS: more than ${kMostPositions}`);
  const positions = entries.map((entry, index) => {
    const refuse = () =>
      badRequest(`POSITIONS: "${entry.trim().slice(0, 80)}" is not RA,DEC, NAME,RA,DEC or NAME,px,X,Y`);
    const words = entry.split(',').map((word) => word.trim());
    const [first, second] = words.slice(-2).map((word) => (word === '' ? Number.NaN : Number(word)));
    if (first === undefined || second === undefined || !Number.isFinite(first) || !Number.isFinite(second))
      throw refuse();
    if (words.length === 4 && words[1]?.toLowerCase() === 'px') {
      return { name: words[0] ?? '', first: nativePixel(first), second: nativePixel(second), isSky: false };
    }
    if (words.length !== 2 && words.length !== 3) throw refuse();
    if (first < 0 || first > 360 || second < -90 || second > 90) throw refuse();
    const name = words.length === 3 ? (words[0] ?? '') : `position-${index + 1}`;
    return { name, first, second, isSky: true };
  });
  requireNames(positions.map(({ name }) => name));
  return positions;
}

/** Sources are told apart by them: S0001 and so on are those that are found. */
function requireNames(names: readonly string[]): void {
  const refuse = (name: string, what: string) => badRequest(`POSITIONS: the name "${name.slice(0, 80)}" ${what}`);
  for (const [at, name] of names.entries()) {
    if (name === '') throw badRequest('POSITIONS: a name is empty: leave its comma out, too, or give one');
    if (/^S\d+$/.test(name)) throw refuse(name, 'is what a source that is found is called: choose another');
    if (names.indexOf(name) !== at) throw refuse(name, 'is there twice: give each position its own');
  }
}
