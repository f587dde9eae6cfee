/** Images the server has, as pictures: header, tiles, values, regions. Of an upload or of a job; by relative addresses. */
import { address, readJson } from './http.js';

export interface SkyPosition {
  raDeg: number;
  decDeg: number;
  ra: string;
  dec: string;
}

export interface Wcs {
  projection: string;
  system: string;
  equinox: number;
  pixelScaleArcsec: number;
  centre: SkyPosition | null;
  /** Directions at the centre: degrees from right towards up. */
  northDeg: number;
  eastDeg: number;
}

export interface Header {
  hdu: number;
  extname: string;
  width: number;
  height: number;
  planes: number;
  bitpix: number;
  compressed: boolean;
  axes: { name: string; length: number }[];
  unit: string;
  beam: { majorArcsec: number; minorArcsec: number; paDeg: number } | null;
  wcs: Wcs | null;
  images: { hdu: number; extname: string; width: number; height: number; planes: number }[];
  warnings: string[];
}

/** Unit vectors towards ICRS positions at even steps of FITS pixels (sky/grid.ts). */
export interface PositionGrid {
  x0: number;
  y0: number;
  stepX: number;
  stepY: number;
  columns: number;
  rows: number;
  vectors: (number | null)[];
  maxErrorPx: number;
}

export interface Picture {
  header: Header;
  hdu: number;
  plane: number;
  width: number;
  height: number;
  tileSize: number;
  minLevel: number;
  maxLevel: number;
  stretches: string[];
  colours: string[];
  cuts: string[];
  defaults: { stretch: string; cuts: string; colour: string };
  grid: PositionGrid | null;
  /** Programs that show the image by an address of theirs. */
  openIn: { name: string; url: string }[];
}

export interface Statistics {
  min: number | null;
  max: number | null;
  cuts: Record<string, [number, number] | null>;
}

export interface PixelValue {
  value: number | null;
  unit: string;
  sky: SkyPosition | null;
}

/** The pixels a job would search; `box` 1-based x, y and size. */
export interface Region {
  box: [number, number, number, number];
  BOX: string;
  ROI: string | null;
  centre: SkyPosition | null;
}

/** Which image: `base` is `uploads/ID/image` or `jobs/ID/image`. */
export interface ImageId {
  base: string;
  /** Of a file that the job left, not of what it was given. */
  result?: string | undefined;
  hdu?: string | undefined;
  plane?: string | undefined;
}

/** How it is painted. */
export interface Painting {
  stretch: string;
  cuts: string;
  colour: string;
}

function where(
  { base, result, hdu, plane }: ImageId,
  path: string,
  query: Record<string, string | number> = {},
): string {
  return address(base + path, { ...query, RESULT: result, HDU: hdu, PLANE: plane });
}

export function readPicture(image: ImageId, signal?: AbortSignal): Promise<Picture> {
  return readJson(where(image, ''), signal);
}

export function readStatistics(image: ImageId, signal?: AbortSignal): Promise<Statistics> {
  return readJson(where(image, '/statistics'), signal);
}

export function readPixel(image: ImageId, x: number, y: number, signal: AbortSignal): Promise<PixelValue> {
  return readJson(where(image, '/pixel', { X: x.toFixed(3), Y: y.toFixed(3) }), signal);
}

/** `by`: BOX or ROI as a job has it. */
export function readRegion(image: ImageId, by: Record<string, string>, signal: AbortSignal): Promise<Region> {
  return readJson(where(image, '/region', by), signal);
}

export function tileAddress(image: ImageId, painting: Painting, level: number, x: number, y: number): string {
  const { stretch, cuts, colour } = painting;
  return where(image, `/tiles/${level}/${x}_${y}.png`, { STRETCH: stretch, CUTS: cuts, COLOUR: colour });
}
