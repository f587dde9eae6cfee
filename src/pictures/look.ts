/** How a picture shows values: the parameters of requests and commands, described and read. */
import {
  type ColourMap,
  type CutsChoice,
  kColourMaps,
  kStretches,
  type Look,
  type Stretch,
} from '../engine/addon-pictures.js';
import { badRequest, type Given, type ParameterDescription, readParameter } from '../tasks/parameters.js';

export { kColourMaps, kStretches };
export const kNamedCuts = ['zscale', 'minmax', 'percentile'] as const;
/** Central share of the pixels that `percentile` means, and a picture shows unless something else is asked for. */
const kCentralPercent = 99.5;

const kStretch: ParameterDescription = {
  name: 'STRETCH',
  type: 'choice',
  choices: kStretches,
  default: 'asinh',
  help: 'how values between the cuts become colours',
};
const kCuts: ParameterDescription = {
  name: 'CUTS',
  type: 'text',
  min: 1,
  max: 80,
  default: `${kCentralPercent}%`,
  help: 'zscale, minmax, percentile, a central P%, LO%,HI% or the values LO,HI',
};
const kColour: ParameterDescription = {
  name: 'COLOUR',
  type: 'choice',
  choices: kColourMaps,
  default: 'grey',
  help: 'colour map',
};
const kNan: ParameterDescription = {
  name: 'NAN',
  type: 'text',
  min: 1,
  max: 20,
  default: 'transparent',
  help: 'colour of blank pixels: transparent or RRGGBB',
};

export const kLookParameters: readonly ParameterDescription[] = [kStretch, kCuts, kColour, kNan];
export const kLookDefaults = { stretch: 'asinh', cuts: `${kCentralPercent}%`, colour: 'grey' } as const;

/** Of pictures that stand by themselves: blanks are black. */
export const kPictureLook: Look = {
  stretch: kLookDefaults.stretch,
  cuts: { kind: 'percentile', low: 0.25, high: 99.75 },
  colours: kLookDefaults.colour,
  blank: [0, 0, 0],
};

/** Throws OTF_BAD_REQUEST. */
export function readLook(given: Given): Look {
  const stretch = (readParameter(kStretch, given) ?? kLookDefaults.stretch) as Stretch;
  const colours = (readParameter(kColour, given) ?? kLookDefaults.colour) as ColourMap;
  const cuts = readCuts((readParameter(kCuts, given) ?? kLookDefaults.cuts) as string);
  const blank = readBlank((readParameter(kNan, given) ?? 'transparent') as string);
  return { stretch, cuts, colours, ...(blank ? { blank } : {}) };
}

function readCuts(text: string): CutsChoice {
  const named = text.toLowerCase();
  if (named === 'zscale' || named === 'minmax') return { kind: named };
  if (named === 'percentile') return central(kCentralPercent);
  const number = '([+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)';
  const one = new RegExp(`^${number}\\s*%$`, 'i').exec(text);
  if (one) return central(withinPercent(text, Number(one[1])));
  const two = new RegExp(`^${number}\\s*(%?)\\s*[,\\s]\\s*${number}\\s*(%?)$`, 'i').exec(text);
  const [low, high] = [Number(two?.[1]), Number(two?.[3])];
  if (!two || two[2] !== two[4] || !Number.isFinite(low) || !Number.isFinite(high)) {
    throw badRequest(`CUTS=${text}: not zscale, minmax, percentile, P%, LO%,HI% or LO,HI`);
  }
  if (!(low < high)) throw badRequest(`CUTS=${text}: the first is not below the second`);
  if (two[2] === '') return { kind: 'values', low, high };
  return { kind: 'percentile', low: withinPercent(text, low), high: withinPercent(text, high) };
}

function central(percent: number): CutsChoice {
  return { kind: 'percentile', low: 50 - percent / 2, high: 50 + percent / 2 };
}

function withinPercent(text: string, value: number): number {
  if (value >= 0 && value <= 100 && !(value === 0 && /^[^,]*$/.test(text))) return value;
  throw badRequest(`CUTS=${text}: percentages go from 0 to 100`);
}

function readBlank(text: string): [number, number, number] | undefined {
  if (text.toLowerCase() === 'transparent') return undefined;
  const digits = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  if (!digits) throw badRequest(`NAN=${text}: not transparent or RRGGBB`);
  return digits.slice(1, 4).map((part) => Number.parseInt(part, 16)) as [number, number, number];
}

/** One text for one look, e.g. for the name of a file. */
export function lookKey({ stretch, cuts, colours, blank }: Look): string {
  const limits = 'low' in cuts ? `${cuts.low}:${cuts.high}` : '';
  return [stretch, cuts.kind, limits, colours, blank?.join('.') ?? ''].join('|');
}
