/**
 * The normalisation of a job: the card's, changed by what the server's configuration and then the request ask for. The
 * words are those of the observatory's clients (docs/interop.md): functions applied in order, and the percentiles
 * of the region's pixels the image is clipped to.
 */
import { OtfError } from '../errors/catalogue.js';
import type { ModelCardFile, NormalisationEntry } from './schema.js';

/** As clients and the configuration spell them. */
export const kNormFunctions = ['tanh', 'sqrt', 'linear', 'log'] as const;
export type NormFunction = (typeof kNormFunctions)[number];

export interface NormalisationWish {
  normFct?: readonly NormFunction[] | undefined;
  /** Percentiles, 0 to 100. */
  minPix?: number | undefined;
  maxPix?: number | undefined;
}

/** Section [detection] of the configuration, as far as it is about this. */
export interface NormalisationDefaults {
  norm_fct: readonly NormFunction[];
  min_pix?: number | undefined;
  max_pix?: number | undefined;
}

export function serverWish({ norm_fct, min_pix, max_pix }: NormalisationDefaults): NormalisationWish {
  return { normFct: norm_fct.length > 0 ? norm_fct : undefined, minPix: min_pix, maxPix: max_pix };
}

export type Origin = 'request' | 'server' | 'model card';

export interface ChosenNormalisation {
  steps: NormalisationEntry[];
  /** Where the clip limits and where the functions come from. */
  limitsFrom: Origin;
  functionsFrom: Origin;
}

/** What the observatory's clients send without a wish of their own. */
const kDefaultPercentiles = { min: 99.4, max: 99.8 };

/** Throws OTF_BAD_REQUEST when the limits that result are none. */
export function chooseNormalisation(
  card: Pick<ModelCardFile, 'normalisation'>,
  server: NormalisationWish,
  request: NormalisationWish,
): ChosenNormalisation {
  const functions = request.normFct ?? server.normFct;
  const limits = percentiles(card.normalisation, server, request);
  return {
    steps: withFunctions(withLimits(card.normalisation, limits), functions),
    limitsFrom: limits ? originOf(server, request, 'minPix', 'maxPix') : 'model card',
    functionsFrom: functions ? originOf(server, request, 'normFct') : 'model card',
  };
}

function originOf(server: NormalisationWish, request: NormalisationWish, ...keys: (keyof NormalisationWish)[]): Origin {
  if (keys.some((key) => request[key] !== undefined)) return 'request';
  return keys.some((key) => server[key] !== undefined) ? 'server' : 'model card';
}

interface Limits {
  min: number;
  max: number;
}

/** Undefined = nobody asks for any. A limit nobody gives is the card's, when that has percentiles, else the usual one. */
function percentiles(
  card: readonly NormalisationEntry[],
  server: NormalisationWish,
  request: NormalisationWish,
): Limits | undefined {
  const min = request.minPix ?? server.minPix;
  const max = request.maxPix ?? server.maxPix;
  if (min === undefined && max === undefined) return undefined;
  const own = card.find((step) => step.op === 'clip_percentile') ?? kDefaultPercentiles;
  const limits = { min: min ?? own.min, max: max ?? own.max };
  if (limits.min >= limits.max) {
    throw new OtfError('OTF_BAD_REQUEST', `min_pix ${limits.min} is not below max_pix ${limits.max} (percentiles)`);
  }
  return limits;
}

function isClip(step: NormalisationEntry): boolean {
  return step.op.startsWith('clip');
}

/** The first clip becomes one to these percentiles; a card without any gets it in front, with the rescaling it is for. */
function withLimits(card: readonly NormalisationEntry[], limits: Limits | undefined): NormalisationEntry[] {
  if (!limits) return [...card];
  const clip: NormalisationEntry = { op: 'clip_percentile', ...limits };
  const first = card.findIndex(isClip);
  if (first < 0) return [clip, { op: 'rescale' }, ...card];
  return card.map((step, index) => (index === first ? clip : step));
}

/** Clips and rescalings stay, in front; the functions follow, each with the factor the card has for it, else 1. */
function withFunctions(
  steps: readonly NormalisationEntry[],
  functions: readonly NormFunction[] | undefined,
): NormalisationEntry[] {
  if (!functions) return [...steps];
  const isLimit = (step: NormalisationEntry) => isClip(step) || step.op === 'rescale';
  const asked = functions.map((name) => {
    const op = name === 'log' ? 'log1p' : name;
    return steps.find((step) => step.op === op) ?? ({ op, k: 1 } as NormalisationEntry);
  });
  return [...steps.filter(isLimit), ...asked];
}
