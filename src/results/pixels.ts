/**
 * Where pixels begin, converted here and nowhere else: people, requests and results count as FITS does, the centre of the
 * first pixel is 1 (FITS Standard 4.0 section 8.1); the native side counts from 0.
 */

const kOrigin = 1;

/** A position (also of half pixels) of the native side as results give it. */
export function fitsPixel(native: number): number {
  return native + kOrigin;
}

export function nativePixel(fits: number): number {
  return fits - kOrigin;
}

type Box = readonly [x: number, y: number, width: number, height: number];

export function nativeBox([x, y, width, height]: Box): [number, number, number, number] {
  return [nativePixel(x), nativePixel(y), width, height];
}
