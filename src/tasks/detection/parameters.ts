/** What requests may say of a detection, beside its images: described, read and printed. */
import type { MocFormat } from '../../engine/addon.js';
import type { ModelCard } from '../../models/card.js';
import { chooseNormalisation, kNormFunctions, type NormalisationWish, serverWish } from '../../models/normalisation.js';
import type { ServerDefaults } from '../kind.js';
import { badRequest, type Given, type ParameterDescription, readParameter } from '../parameters.js';
import { kMostFunctions, readNormalisation } from './normalisation.js';
import { kRegionParameters, type Region, readRegion } from './region.js';

export interface DetectionAsked {
  region?: Region;
  /** Which image of the file; see ImageSelect of src/engine/addon.ts. */
  hdu?: number;
  plane?: number;
  /** In place of the image's BUNIT. */
  pixelUnit?: string;
  /** Above the model card's and the server's. */
  normalisation?: NormalisationWish;
  measure?: Effort;
  /** In place of the model card's. */
  minSnr?: number;
  /** Images that a job leaves. */
  maps?: MapName[];
  /** Tiles to search again for reliability and completeness, and the seed of the mock sources. */
  quality?: number;
  qualitySeed?: number;
  /** Monte Carlo draws of the network's dropout, and their seed. */
  monteCarlo?: number;
  monteCarloSeed?: number;
  /** Notation of the footprint to leave; absent = none. */
  footprint?: MocFormat;
}

export const kMocFormats = ['fits', 'json', 'ascii'] as const satisfies readonly MocFormat[];

export const kMapNames = ['rms', 'background', 'model', 'residual'] as const;
export type MapName = (typeof kMapNames)[number];

/** Files that only a measurement has a use for. */
const kOfMeasurement = ['NOISE_MAP', 'BACKGROUND_MAP', 'PLACES'];

/** `names`: as below. Throws OTF_BAD_REQUEST. */
export function requireQuality(quality: number | undefined, names: readonly string[]): void {
  if (quality === undefined && names.includes('MOCKS')) throw badRequest('MOCKS is for the quality: give QUALITY, too');
}

/** `names`: of the inputs there are. Throws OTF_BAD_REQUEST. */
export function requireMeasured(measure: Effort, names: readonly string[]): void {
  const lone = measure === 'none' ? names.find((name) => kOfMeasurement.includes(name)) : undefined;
  if (lone !== undefined) throw badRequest(`${lone} is for the measurement: give MEASURE=fast or MEASURE=full, too`);
}

export const kEfforts = ['none', 'fast', 'full'] as const;
export type Effort = (typeof kEfforts)[number];

const kMeasure: ParameterDescription = {
  name: 'MEASURE',
  type: 'choice',
  choices: kEfforts,
  default: 'none',
  help: 'measure what is found on the pixels: places, flux densities, sizes, errors',
};
const kMinSnr: ParameterDescription = {
  name: 'MIN_SNR',
  type: 'real',
  min: 0,
  max: 1000,
  default: "the model's",
  help: 'leave out what is measured with a lower signal to noise ratio',
};
/** A command names a file for each instead. */
const kMaps: ParameterDescription = {
  name: 'MAPS',
  type: 'choice',
  choices: kMapNames,
  most: kMapNames.length,
  help: 'images of the measurement to leave as results',
};
const kQuality: ParameterDescription = {
  name: 'QUALITY',
  type: 'integer',
  min: 1,
  max: 1_000_000,
  help: 'tell reliability and completeness: so many tiles are searched again upside down, and as many with mock sources',
};
const kQualitySeed: ParameterDescription = {
  name: 'QUALITY_SEED',
  type: 'integer',
  min: 0,
  max: 2 ** 31 - 1,
  default: '1',
  help: 'of the random places of the mock sources',
};
const kMonteCarlo: ParameterDescription = {
  name: 'MONTE_CARLO',
  type: 'integer',
  min: 2,
  max: 1000,
  help: 'errors of the network: mean and deviation of its columns over so many draws of its dropout',
};
const kMonteCarloSeed: ParameterDescription = {
  name: 'MONTE_CARLO_SEED',
  type: 'integer',
  min: 0,
  max: 2 ** 31 - 1,
  default: '1',
  help: 'of the draws',
};
/** A command names a file instead. */
const kFootprint: ParameterDescription = {
  name: 'FOOTPRINT',
  type: 'choice',
  choices: kMocFormats,
  help: 'leave what of the sky was searched as a MOC: its notation',
};

const kHdu: ParameterDescription = {
  name: 'HDU',
  type: 'integer',
  min: 0,
  max: 9999,
  default: 'the first image',
  help: 'HDU of the image, 0 = primary',
};
const kPlane: ParameterDescription = {
  name: 'PLANE',
  type: 'integer',
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  default: '0',
  help: 'plane of a cube, 0 = first',
};
const kPixelUnit: ParameterDescription = {
  name: 'PIXEL_UNIT',
  type: 'text',
  min: 1,
  max: 68,
  default: 'BUNIT',
  help: 'unit of the pixels, in place of BUNIT, e.g. mJy/beam',
};
const kNormalisation: readonly ParameterDescription[] = [
  {
    name: 'NORM_FCT',
    type: 'choice',
    choices: kNormFunctions,
    most: kMostFunctions,
    default: "the model's",
    help: 'functions of the normalisation',
  },
  {
    name: 'MIN_PIX',
    type: 'real',
    min: 0,
    max: 100,
    unit: '%',
    default: "the model's limit",
    help: 'percentile of the pixels the image is clipped to from below',
  },
  {
    name: 'MAX_PIX',
    type: 'real',
    min: 0,
    max: 100,
    unit: '%',
    default: "the model's limit",
    help: 'percentile of the pixels the image is clipped to from above',
  },
];

export const kDetectionParameters: readonly ParameterDescription[] = [
  ...kRegionParameters,
  kHdu,
  kPlane,
  kPixelUnit,
  ...kNormalisation,
  kMeasure,
  kMinSnr,
  kMaps,
  kQuality,
  kQualitySeed,
  kMonteCarlo,
  kMonteCarloSeed,
  kFootprint,
];
const kOfJobs: readonly ParameterDescription[] = [kMaps, kFootprint];
export const kCommandParameters = kDetectionParameters.filter((each) => !kOfJobs.includes(each));

/** Throws OTF_BAD_REQUEST. Whether the file has such an image and region shows when it is read. */
export function readDetection(
  given: Given,
  card: Pick<ModelCard, 'normalisation'>,
  defaults: ServerDefaults,
  inputs: readonly string[],
): DetectionAsked {
  const region = readRegion(given);
  const hdu = readParameter(kHdu, given) as number | undefined;
  const plane = readParameter(kPlane, given) as number | undefined;
  const pixelUnit = readParameter(kPixelUnit, given) as string | undefined;
  const normalisation = readNormalisation({
    normFct: given.repeated('NORM_FCT').flatMap((value) => value.split(/[,\s]+/)),
    minPix: given.single('MIN_PIX'),
    maxPix: given.single('MAX_PIX'),
  });
  const measure = readParameter(kMeasure, given) as Effort | undefined;
  const minSnr = readParameter(kMinSnr, given) as number | undefined;
  const maps = readParameter(kMaps, given) as MapName[] | undefined;
  const quality = readParameter(kQuality, given) as number | undefined;
  const qualitySeed = readParameter(kQualitySeed, given) as number | undefined;
  const monteCarlo = readParameter(kMonteCarlo, given) as number | undefined;
  const monteCarloSeed = readParameter(kMonteCarloSeed, given) as number | undefined;
  const footprint = readParameter(kFootprint, given) as MocFormat | undefined;
  const ofMeasured = { MIN_SNR: minSnr, MAPS: maps, QUALITY: quality };
  const lone = Object.entries(ofMeasured).find(([, value]) => value !== undefined)?.[0];
  if (qualitySeed !== undefined && quality === undefined) throw badRequest('QUALITY_SEED goes with QUALITY');
  if (monteCarloSeed !== undefined && monteCarlo === undefined)
    throw badRequest('MONTE_CARLO_SEED goes with MONTE_CARLO');
  if (lone !== undefined && (measure ?? 'none') === 'none')
    throw badRequest(`${lone} is of what is measured: give MEASURE=fast or MEASURE=full, too`);
  requireMeasured(measure ?? 'none', inputs);
  requireQuality(quality, inputs);
  if (normalisation) chooseNormalisation(card, serverWish(defaults), normalisation);
  return {
    ...(region === undefined ? {} : { region }),
    ...(hdu === undefined ? {} : { hdu }),
    ...(plane === undefined ? {} : { plane }),
    ...(pixelUnit === undefined ? {} : { pixelUnit }),
    ...(normalisation === undefined ? {} : { normalisation }),
    ...(measure === undefined ? {} : { measure }),
    ...(minSnr === undefined ? {} : { minSnr }),
    ...(maps === undefined ? {} : { maps: [...new Set(maps)] }),
    ...(quality === undefined ? {} : { quality }),
    ...(qualitySeed === undefined ? {} : { qualitySeed }),
    ...(monteCarlo === undefined ? {} : { monteCarlo }),
    ...(monteCarloSeed === undefined ? {} : { monteCarloSeed }),
    ...(footprint === undefined ? {} : { footprint }),
  };
}

export function printDetection({
  region,
  hdu,
  plane,
  pixelUnit,
  normalisation,
  measure,
  minSnr,
  maps,
  quality,
  qualitySeed,
  monteCarlo,
  monteCarloSeed,
  footprint,
}: DetectionAsked): [name: string, value: string][] {
  const values: [string, string | undefined][] = [
    ['ROI', region?.roi?.join(',')],
    ['BOX', region?.box?.join(',')],
    ['HDU', hdu?.toString()],
    ['PLANE', plane?.toString()],
    ['PIXEL_UNIT', pixelUnit],
    ['NORM_FCT', normalisation?.normFct?.join(',')],
    ['MIN_PIX', normalisation?.minPix?.toString()],
    ['MAX_PIX', normalisation?.maxPix?.toString()],
    ['MEASURE', measure],
    ['MIN_SNR', minSnr?.toString()],
    ['MAPS', maps?.join(',')],
    ['QUALITY', quality?.toString()],
    ['QUALITY_SEED', qualitySeed?.toString()],
    ['MONTE_CARLO', monteCarlo?.toString()],
    ['MONTE_CARLO_SEED', monteCarloSeed?.toString()],
    ['FOOTPRINT', footprint],
  ];
  return values.filter((each): each is [string, string] => each[1] !== undefined);
}
