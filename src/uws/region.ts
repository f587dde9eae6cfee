/** ROI fields of a job: ROI=RA,DEC,W,H; or RA, DEC, ROI_WIDTH, ROI_HEIGHT; or BOX=X,Y,W,H. */
import type { Region } from '../jobs/job.js';
import { badRequest, type Parameters } from './parameters.js';

const kSkyFields = ['RA', 'DEC', 'ROI_WIDTH', 'ROI_HEIGHT'] as const;
/** What the observatory's clients call the sides. */
const kSideNames = new Map([
  ['ROI_WIDTH', 'ROI_W'],
  ['ROI_HEIGHT', 'ROI_H'],
]);
export const kRegionNames = ['ROI', 'BOX', ...kSkyFields, ...kSideNames.values()] as const;

/** Undefined when no field is given. Throws OTF_BAD_REQUEST. */
export function parseRegion(parameters: Parameters): Region | undefined {
  const roi = parameters.single('ROI');
  const box = parameters.single('BOX');
  const fields = kSkyFields.map((name) => sideOrField(parameters, name));
  const anyField = fields.some((value) => value !== undefined);
  if ([roi !== undefined, box !== undefined, anyField].filter(Boolean).length > 1) {
    throw badRequest('give the region once: ROI, or BOX, or RA, DEC, ROI_WIDTH and ROI_HEIGHT');
  }
  if (box !== undefined) return { box: pixelBox(fourNumbers('BOX', box.split(/[,\s]+/))) };
  if (roi !== undefined) return { roi: skyRegion('ROI', roi.split(/[,\s]+/)) };
  if (!anyField) return undefined;
  const missing = kSkyFields.filter((_, index) => fields[index] === undefined);
  if (missing.length > 0) throw badRequest(`the region lacks ${missing.join(', ')}`);
  return { roi: skyRegion(kSkyFields.join(', '), fields as string[]) };
}

function sideOrField(parameters: Parameters, name: string): string | undefined {
  const value = parameters.single(name);
  const other = parameters.single(kSideNames.get(name) ?? name);
  if (value !== undefined && other !== undefined && other !== value) {
    throw badRequest(`${name} and ${kSideNames.get(name)} are one parameter, and differ`);
  }
  return value ?? other;
}

type Four = [number, number, number, number];

function fourNumbers(name: string, parts: readonly string[]): Four {
  const numbers = parts.map((part) =>
    /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(part.trim()) ? Number(part) : Number.NaN,
  );
  const [a, b, c, d] = numbers;
  if (numbers.length !== 4 || !numbers.every(Number.isFinite)) throw badRequest(`${name}: not four numbers`);
  return [a ?? 0, b ?? 0, c ?? 0, d ?? 0];
}

/** RA, Dec in degrees, width and height in pixels. Throws OTF_BAD_REQUEST naming the fields. */
export function skyRegion(name: string, parts: readonly string[]): Four {
  const [ra, dec, width, height] = fourNumbers(name, parts);
  if (ra < 0 || ra > 360 || Math.abs(dec) > 90)
    throw badRequest('the region needs RA in 0..360 and DEC in -90..90 degrees');
  return [ra, dec, sidePx(width), sidePx(height)];
}

function pixelBox([x, y, width, height]: Four): Four {
  if (!Number.isInteger(x) || !Number.isInteger(y)) throw badRequest('BOX needs whole pixels (the first is 1,1)');
  return [x, y, sidePx(width), sidePx(height)];
}

function sidePx(value: number): number {
  const side = Math.round(value);
  if (side < 1 || side > 2 ** 31 - 1) throw badRequest('the region needs a width and a height of at least one pixel');
  return side;
}
