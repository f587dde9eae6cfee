/** What is told of an image: positions, headers and grids as JSON. People and requests count pixels from 1, as FITS does. */

import { declination, rightAscension } from '../io/sexagesimal.js';
import type { ImageDescription, NativePosition, PixelFacts, PlacedRegion, SkyGrid } from '../pictures/source.js';
import { fitsPixel } from '../results/pixels.js';

type Json = Record<string, unknown>;

const kArcsec = 3600;

/** In both ways of writing; null where there is no sky. */
export function positionJson(position: NativePosition | undefined): Json | null {
  if (!position) return null;
  const { raDeg, decDeg } = position;
  return { raDeg, decDeg, ra: rightAscension(raDeg, 4), dec: declination(decDeg, 3) };
}

export function headerJson(image: ImageDescription): Json {
  const { hdu, extname, width, height, planes, bitpix, compressed, axes, unit, beam, wcs, images, warnings } = image;
  return {
    hdu,
    extname,
    width,
    height,
    planes,
    bitpix,
    compressed,
    axes,
    unit,
    beam: beam
      ? { majorArcsec: beam.bmajDeg * kArcsec, minorArcsec: beam.bminDeg * kArcsec, paDeg: beam.bpaDeg }
      : null,
    wcs: wcs ? wcsJson(wcs) : null,
    images,
    warnings,
  };
}

function wcsJson(wcs: NonNullable<ImageDescription['wcs']>): Json {
  const { projection, system, equinox, native, centre, pixelScaleDeg, northDeg, eastDeg } = wcs;
  return {
    projection,
    system,
    equinox,
    native,
    centre: positionJson(centre),
    pixelScaleArcsec: pixelScaleDeg === undefined ? null : pixelScaleDeg * kArcsec,
    northDeg: northDeg ?? null,
    eastDeg: eastDeg ?? null,
  };
}

/** Unit vectors to twelve digits: a tenth of a microarcsecond. */
export function gridJson(grid: SkyGrid | undefined): Json | null {
  if (!grid) return null;
  const { x0, y0, stepX, stepY, columns, rows, vectors, maxErrorPx } = grid;
  return {
    system: 'ICRS',
    x0: fitsPixel(x0),
    y0: fitsPixel(y0),
    stepX,
    stepY,
    columns,
    rows,
    vectors: Array.from(vectors, (value) => (Number.isFinite(value) ? Number(value.toFixed(12)) : null)),
    maxErrorPx: Number.isFinite(maxErrorPx) ? maxErrorPx : null,
  };
}

export function pixelJson({ x, y, value, unit, sky, native }: PixelFacts): Json {
  return {
    x: fitsPixel(x),
    y: fitsPixel(y),
    value: value ?? null,
    unit,
    sky: positionJson(sky),
    native: native ?? null,
  };
}

/** BOX and ROI send these pixels. A region's middle lies on or between pixels, so RA and Dec to full precision find it again. */
export function regionJson({ x, y, width, height, sky, native }: PlacedRegion): Json {
  const box = [fitsPixel(x), fitsPixel(y), width, height];
  return {
    box,
    BOX: box.join(','),
    ROI: native ? [native.raDeg, native.decDeg, width, height].join(',') : null,
    centre: positionJson(sky),
  };
}
