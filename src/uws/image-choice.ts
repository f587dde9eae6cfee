/** Which image of a file a job means, and what its pixels are in: HDU, PLANE, PIXEL_UNIT. */
import type { JobParameters } from '../jobs/job.js';
import { badRequest, type Parameters } from './parameters.js';

export const kImageChoiceNames: readonly string[] = ['HDU', 'PLANE', 'PIXEL_UNIT', 'BEAM'];

const kMaxHdu = 9999;

/** Throws OTF_BAD_REQUEST. Whether the file has such an image shows when it is read. */
export function parseImageChoice(given: Parameters): Pick<JobParameters, 'hdu' | 'plane' | 'pixelUnit'> {
  const hdu = wholeNumber(given, 'HDU', kMaxHdu);
  const plane = wholeNumber(given, 'PLANE', Number.MAX_SAFE_INTEGER);
  const pixelUnit = given.single('PIXEL_UNIT')?.trim();
  if (pixelUnit === '' || (pixelUnit?.length ?? 0) > 68) {
    throw badRequest('PIXEL_UNIT: not a unit such as mJy/beam (1 to 68 characters)');
  }
  return {
    ...(hdu === undefined ? {} : { hdu }),
    ...(plane === undefined ? {} : { plane }),
    ...(pixelUnit === undefined ? {} : { pixelUnit }),
  };
}

function wholeNumber(given: Parameters, name: string, most: number): number | undefined {
  const value = given.single(name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d{1,16}$/.test(value) || number > most)
    throw badRequest(`${name}=${value}: not a whole number from 0 to ${most}`);
  return number;
}
