/** Sources of a table, whoever made it, as marks on a picture of an image. */
import type { ImageDescription, Marks, ReadColumn, ReadTable } from '../engine/addon.js';
import { OtfError } from '../errors/catalogue.js';
import { frameText } from '../results/csv.js';
import { inDegrees } from '../results/degrees.js';
import { nativePixel } from '../results/pixels.js';

/** ICRS or the image's own frame, in degrees, to 0-based pixels; NaN where there is none. */
export type SkyPlacer = (
  raDeg: Float64Array,
  decDeg: Float64Array,
  icrs: boolean,
) => { x: Float64Array; y: Float64Array };

/** Of sources without a size: image pixels. */
const kPointPx = 6;

/**
 * By the columns that catalogues made here have: `x`, `y` (FITS pixels), else positions on the sky by name or UCD; ellipses of
 * `bmaj`, `bmin` (arcsec) and `pa_pixel`, else boxes of `width` and `height` (pixels), else circles. Gives with them what
 * was assumed, for a person to read. Throws OTF_INPUT_UNREADABLE for a table without positions, OTF_WCS_INVALID,
 * OTF_UNIT_MISMATCH.
 */
export function catalogueMarks(
  table: ReadTable,
  image: Pick<ImageDescription, 'wcs'>,
  place: SkyPlacer,
): { marks: Marks; notes: string[] } {
  const notes: string[] = [];
  const { x, y } = pixelsOf(table, image, place, notes);
  const scale = (image.wcs?.pixelScaleDeg ?? Number.NaN) * 3600;
  const [major, minor, angle] = ['bmaj', 'bmin', 'pa_pixel'].map((name) => numbers(table, name));
  const [width, height] = ['width', 'height'].map((name) => numbers(table, name));
  const rows = Array.from({ length: table.rows }, (_, row) => {
    const ellipse = [at(major, row) / scale, at(minor, row) / scale, at(angle, row)] as const;
    if (ellipse.every(Number.isFinite)) return { a: ellipse[0], b: ellipse[1], angle: ellipse[2], shape: 0 };
    const box = [at(width, row) / 2, at(height, row) / 2] as const;
    if (box.every(Number.isFinite)) return { a: box[0], b: box[1], angle: 0, shape: 1 };
    return { a: kPointPx, b: kPointPx, angle: 0, shape: 0 };
  });
  const values = (key: 'a' | 'b' | 'angle' | 'shape') => Float64Array.from(rows, (row) => row[key]);
  const marks = { x, y, a: values('a'), b: values('b'), angleDeg: values('angle'), shape: values('shape') };
  return { marks, notes };
}

function pixelsOf(
  table: ReadTable,
  { wcs }: Pick<ImageDescription, 'wcs'>,
  place: SkyPlacer,
  notes: string[],
): { x: Float64Array; y: Float64Array } {
  const [x, y] = [numbers(table, 'x'), numbers(table, 'y')];
  if (x && y) return { x: x.map(nativePixel), y: y.map(nativePixel) };
  const ra = named(table, 'ra') ?? byUcd(table, /^pos\.eq\.ra(;meta\.main)?$/) ?? named(table, 'ra_deg');
  const dec = named(table, 'dec') ?? byUcd(table, /^pos\.eq\.dec(;meta\.main)?$/) ?? named(table, 'dec_deg');
  if (!ra || !dec) {
    const there = table.columns.map(({ name }) => name).slice(0, 20);
    throw new OtfError(
      'OTF_INPUT_UNREADABLE',
      `the catalogue has no positions: neither x and y nor ra and dec are among ${there.join(', ')}`,
    );
  }
  if (!wcs)
    throw new OtfError('OTF_WCS_INVALID', 'the image has no celestial WCS: only a catalogue with x and y fits it');
  const frame = table.columns.find(({ name }) => name.toLowerCase() === 'frame')?.texts?.[0];
  const own = frame !== undefined && frame !== 'ICRS' && (frame === wcs.system || frame === frameText(wcs));
  if (frame !== undefined && frame !== 'ICRS' && !own) {
    throw new OtfError('OTF_WCS_INVALID', `positions in ${frame} cannot be drawn on an image in ${frameText(wcs)}`);
  }
  if (frame === undefined) notes.push('positions of the catalogue are taken as ICRS');
  return place(inDegrees(ra, 'the catalogue'), inDegrees(dec, 'the catalogue'), !own);
}

function named({ columns }: ReadTable, name: string): ReadColumn | undefined {
  return columns.find((column) => column.name.toLowerCase() === name && column.numbers);
}

function numbers(table: ReadTable, name: string): Float64Array | undefined {
  return named(table, name)?.numbers;
}

function byUcd({ columns }: ReadTable, pattern: RegExp): ReadColumn | undefined {
  return columns.find(({ ucd, numbers: values }) => values && pattern.test(ucd));
}

function at(values: Float64Array | undefined, row: number): number {
  return values?.[row] ?? Number.NaN;
}
