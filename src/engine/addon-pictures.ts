/** Pictures of image planes, and what a header says of one (native/preview, native/addon/header_api.cpp). */
import type { ImageSelect } from './addon-detect.js';

export const kStretches = ['linear', 'log', 'sqrt', 'asinh'] as const;
export type Stretch = (typeof kStretches)[number];
export const kColourMaps = ['grey', 'inverted', 'viridis', 'magma', 'cubehelix', 'heat'] as const;
export type ColourMap = (typeof kColourMaps)[number];

/** Percent, or values in the unit of the pixels. */
export type CutsChoice =
  | { kind: 'zscale' }
  | { kind: 'minmax' }
  | { kind: 'percentile'; low: number; high: number }
  | { kind: 'values'; low: number; high: number };

export interface Look {
  stretch: Stretch;
  cuts: CutsChoice;
  colours: ColourMap;
  /** Red, green, blue (0 to 255) of blank pixels; absent = transparent. */
  blank?: [number, number, number];
}

/** In pixels of the image, 0-based: semi-axes a (turned by angleDeg from +x towards +y) and b of an ellipse, half sides of a box. */
export interface Marks {
  x: Float64Array;
  y: Float64Array;
  a: Float64Array;
  b: Float64Array;
  angleDeg: Float64Array;
  /** 0 = ellipse, 1 = box. */
  shape: Float64Array;
}

export interface TileRequest {
  image: ImageSelect;
  /** File of makeOverview. */
  overview: string;
  look: Look;
  level: number;
  x: number;
  y: number;
}

export interface PictureRequest {
  image: ImageSelect;
  /** Absent: the plane is read for it. */
  overview?: string;
  look: Look;
  /** Longest side, 16 to 8192. */
  maxPx: number;
  marks?: Marks;
}

/** `scale`: image pixels per picture pixel. The picture's first row is the last FITS row. */
export interface DrawnPicture {
  png: Buffer;
  width: number;
  height: number;
  scale: number;
}

/** Of a plane. Absent members: nothing is finite. */
export interface PlaneStatistics {
  finite: number;
  blank: number;
  /** Finite pixels that quantiles and the histogram come of. */
  sampled: number;
  min?: number;
  max?: number;
  mean?: number;
  std?: number;
  median?: number;
  cuts?: Record<'zscale' | 'minmax' | 'percentile', [low: number, high: number]>;
  histogram?: { low: number; high: number; counts: number[] };
}

export interface NativePosition {
  raDeg: number;
  decDeg: number;
}

/** native/sky/grid.h. */
export interface SkyGrid {
  x0: number;
  y0: number;
  stepX: number;
  stepY: number;
  columns: number;
  rows: number;
  vectors: Float64Array;
  maxErrorPx: number;
}

export interface ImageDescription {
  hdu: number;
  extname: string;
  width: number;
  height: number;
  planes: number;
  bitpix: number;
  compressed: boolean;
  axes: { name: string; length: number }[];
  /** As it stands; '' = none. */
  unit: string;
  beam?: { bmajDeg: number; bminDeg: number; bpaDeg: number };
  wcs?: {
    projection: string;
    system: string;
    equinox: number;
    native: string;
    /** ICRS. Absent: the middle of the image is off the sky, and so are the others. */
    centre?: NativePosition;
    pixelScaleDeg?: number;
    /** Directions at the centre, from +x towards +y. */
    northDeg?: number;
    eastDeg?: number;
  };
  grid?: SkyGrid;
  images: { hdu: number; extname: string; width: number; height: number; planes: number; compressed: boolean }[];
  warnings: string[];
  tilePx: number;
  maxLevel: number;
}

/** 0-based. */
export interface PixelFacts {
  x: number;
  y: number;
  unit: string;
  /** Of the nearest pixel; absent: blank or outside. */
  value?: number;
  /** ICRS, and in the image's own equatorial frame. */
  sky?: NativePosition;
  native?: NativePosition;
}

export interface PlacedRegion {
  x: number;
  y: number;
  width: number;
  height: number;
  sky?: NativePosition;
  native?: NativePosition;
}

/** Synchronous: for workers, and for commands that have nothing else to do. */
export interface PictureAddon {
  describeImage(request: { image: ImageSelect }): ImageDescription;
  /** Of a 0-based pixel, or of an ICRS position. */
  pixelAt(request: { image: ImageSelect } & ({ x: number; y: number } | { sky: [number, number] })): PixelFacts;
  /** 0-based; NaN where the projection has no pixel. `icrs` false: positions are in the image's own frame. */
  skyToPixels(request: { image: ImageSelect; raDeg: Float64Array; decDeg: Float64Array; icrs: boolean }): {
    x: Float64Array;
    y: Float64Array;
  };
  /** As a detection places it. */
  placeRegion(request: {
    image: ImageSelect;
    box?: [number, number, number, number];
    roi?: [number, number, number, number];
  }): PlacedRegion;
  /** The plane as plain float32, the first image of `file`: the pixels that pictures of either show are the same. */
  decodePlane(request: { image: ImageSelect; file: string }): void;
  /** Reads the whole plane. */
  makeOverview(request: { image: ImageSelect; file: string }): void;
  overviewStatistics(file: string): PlaneStatistics;
  /** PNG. Throws OTF_INVALID_ARGUMENT when there is no such tile. */
  renderTile(request: TileRequest): Buffer;
  renderPicture(request: PictureRequest): DrawnPicture;
  /** The niceness of the calling thread. */
  yieldToOthers(niceness: number): void;
}
