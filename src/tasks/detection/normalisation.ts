/** NORM_FCT, MIN_PIX and MAX_PIX of a request, as both kinds of clients spell them. */
import { kNormFunctions, type NormalisationWish, type NormFunction } from '../../models/normalisation.js';
import { badRequest } from '../parameters.js';

export const kMostFunctions = 8;
/** Percentiles that nobody means: pixel values of a radio image, as older clients gave them. */
const kSmallestMax = 1;

export interface NormalisationTexts {
  normFct: readonly string[];
  minPix: string | undefined;
  maxPix: string | undefined;
}

/** Undefined when nothing is given. Throws OTF_BAD_REQUEST. */
export function readNormalisation({ normFct, minPix, maxPix }: NormalisationTexts): NormalisationWish | undefined {
  if (normFct.length === 0 && minPix === undefined && maxPix === undefined) return undefined;
  if (normFct.length > kMostFunctions) throw badRequest(`norm_fct: more than ${kMostFunctions} functions`);
  const min = minPix === undefined ? undefined : percentile('min_pix', minPix);
  const max = maxPix === undefined ? undefined : percentile('max_pix', maxPix);
  if (max !== undefined && max < kSmallestMax) {
    throw badRequest(`max_pix=${maxPix}: percentiles from 0 to 100 are meant, this looks like a pixel value`);
  }
  return {
    ...(normFct.length === 0 ? {} : { normFct: normFct.map(normFunction) }),
    ...(min === undefined ? {} : { minPix: min }),
    ...(max === undefined ? {} : { maxPix: max }),
  };
}

function normFunction(name: string): NormFunction {
  const plain = name.toLowerCase();
  const found = kNormFunctions.find((known) => known === (plain === 'log1p' ? 'log' : plain));
  if (!found) throw badRequest(`norm_fct=${name}: not one of ${kNormFunctions.join(', ')}`);
  return found;
}

function percentile(name: string, text: string): number {
  const value = /^\d*\.?\d+(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= 100)) throw badRequest(`${name}=${text}: not a percentile from 0 to 100`);
  return value;
}
