/** The part of an image that is searched: ROI=RA,DEC,W,H; or RA, DEC, ROI_WIDTH, ROI_HEIGHT; or BOX=X,Y,W,H. */
import type { OpenDetectionRequest } from '../../engine/addon.js';
import { nativeBox } from '../../results/pixels.js';
import { badRequest, type Given, type ParameterDescription, readParts } from '../parameters.js';

/** [ra, dec] degrees and [width, height] pixels, or a 1-based pixel box as people and FITS count. */
export interface Region {
  roi?: [number, number, number, number];
  box?: [number, number, number, number];
  /** Of roi; absent = the image's own equatorial frame. */
  frame?: 'ICRS';
  /** Meant only when it is on the image; else the whole image is searched. */
  ifInside?: boolean;
}

const kRoi: ParameterDescription = {
  name: 'ROI',
  type: 'real',
  parts: [
    { name: 'RA', type: 'real', min: 0, max: 360, unit: 'deg', fields: ['RA'] },
    { name: 'DEC', type: 'real', min: -90, max: 90, unit: 'deg', fields: ['DEC'] },
    { name: 'W', type: 'real', min: 1, max: 2 ** 31 - 1, unit: 'pixel', fields: ['ROI_WIDTH', 'ROI_W'] },
    { name: 'H', type: 'real', min: 1, max: 2 ** 31 - 1, unit: 'pixel', fields: ['ROI_HEIGHT', 'ROI_H'] },
  ],
  insteadOf: ['BOX'],
  default: 'the whole image',
  help: 'only this part: centre in degrees, size in pixels',
};

export const kBoxParameter: ParameterDescription = {
  name: 'BOX',
  type: 'integer',
  unit: 'pixel',
  parts: [
    { name: 'X', type: 'integer', unit: 'pixel' },
    { name: 'Y', type: 'integer', unit: 'pixel' },
    { name: 'W', type: 'integer', min: 1, max: 2 ** 31 - 1, unit: 'pixel' },
    { name: 'H', type: 'integer', min: 1, max: 2 ** 31 - 1, unit: 'pixel' },
  ],
  insteadOf: ['ROI'],
  default: 'the whole image',
  help: 'only this part: pixels, the first is 1,1',
};

export const kRegionParameters: readonly ParameterDescription[] = [kRoi, kBoxParameter];

/** As the native side takes it: 0-based pixels. */
export function nativeRegion(region: Region | undefined): Pick<OpenDetectionRequest, 'box' | 'roi' | 'roiFrame'> {
  if (region?.box) return { box: nativeBox(region.box) };
  if (!region?.roi) return {};
  return { roi: region.roi, ...(region.frame === undefined ? {} : { roiFrame: region.frame }) };
}

type Four = [number, number, number, number];

/** Undefined when no field is given. Throws OTF_BAD_REQUEST. */
export function readRegion(given: Given): Region | undefined {
  const roi = given.single(kRoi.name);
  const box = given.single(kBoxParameter.name);
  const fields = (kRoi.parts ?? []).map(({ fields: names = [] }) => oneOf(given, names));
  const anyField = fields.some((value) => value !== undefined);
  if ([roi !== undefined, box !== undefined, anyField].filter(Boolean).length > 1) {
    throw badRequest('give the region once: ROI, or BOX, or RA, DEC, ROI_WIDTH and ROI_HEIGHT');
  }
  if (box !== undefined) return { box: readParts(kBoxParameter, box) as Four };
  if (roi !== undefined) return { roi: skyRegion(roi) };
  if (!anyField) return undefined;
  const missing = (kRoi.parts ?? []).filter((_, index) => fields[index] === undefined);
  if (missing.length > 0) throw badRequest(`the region lacks ${missing.map((part) => part.fields?.[0]).join(', ')}`);
  return { roi: skyRegion(fields.join(',')) };
}

/** Under any of the names of one field. */
function oneOf(given: Given, names: readonly string[]): string | undefined {
  const values = names.flatMap((name) => given.single(name) ?? []);
  if (new Set(values).size > 1) throw badRequest(`${names.join(' and ')} are one parameter, and differ`);
  return values[0];
}

/** RA, Dec in degrees, width and height in pixels: RA,DEC,W,H. Throws OTF_BAD_REQUEST. */
export function skyRegion(text: string): Four {
  const [ra, dec, width, height] = readParts(kRoi, text) as Four;
  return [ra, dec, Math.round(width), Math.round(height)];
}
