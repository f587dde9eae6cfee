/** A detection in one process, and what it finds. */
import type { EngineInfo, EngineRequest } from './addon.js';

export interface NormaliseStep {
  op: 'clip' | 'clip_percentile' | 'clip_sigma' | 'rescale' | 'linear' | 'sqrt' | 'log1p' | 'tanh';
  a: number;
  b: number;
}

export interface DetectorParameter {
  column: string;
  scale: 'log' | 'linear' | 'cos' | 'sin';
  max: number;
  min: number;
}

export interface DetectorConfig {
  tilePx: number;
  overlapPx: number;
  gridElementPx: number;
  normalise: NormaliseStep[];
  objectnessThreshold: number[];
  minBoxPx: number;
  medianLimit: number[];
  medianObjectness: number[];
  firstIou: number[];
  firstObjectness: number[];
  secondIou: number;
  dropEdgeTiles: number;
  parameters: DetectorParameter[];
  /** Of the pixels the network was trained with; absent = pixels are taken as they are. */
  unit?: string;
}

export interface ImageSelect {
  path: string;
  /** 0-based HDU; absent = first with a two-dimensional image. */
  hdu?: number;
  /** 0-based plane over the remaining axes. */
  plane?: number;
  /** What messages call the file; absent = its path. */
  label?: string;
  /** Of a file that is still being written: how many it will have. */
  fileBytes?: number;
}

/** Notations of an IVOA MOC. */
export type MocFormat = 'fits' | 'json' | 'ascii';

/** Of benchDetect. */
export interface DetectRequest {
  image: ImageSelect;
  /** Pixel box x, y, width, height (0-based), or centre RA, Dec in degrees with width, height in pixels. */
  box?: [number, number, number, number];
  roi?: [number, number, number, number];
  primaryBeam?: ImageSelect;
  /** In place of BUNIT. */
  pixelUnit?: string;
  /** Absent = not measured. */
  measure?: MeasureRequest;
  model: { weights: string; inputBias: number };
  detector: DetectorConfig;
  engine: EngineRequest;
}

/** One entry per source, sorted by objectness, highest first; NaN = unknown. x, y 0-based whole-image pixels. */
export interface CatalogueColumns {
  count: number;
  raDeg: Float64Array;
  decDeg: Float64Array;
  x: Float64Array;
  y: Float64Array;
  widthPx: Float32Array;
  heightPx: Float32Array;
  probability: Float32Array;
  objectness: Float32Array;
  prior: Int32Array;
  tile: Int32Array;
  cell: Int32Array;
  paPixelDeg: Float64Array;
  paDeg: Float64Array;
  primaryBeam: Float64Array;
  /** By parameter column name (log and linear ones in the card's unit; flux apparent). */
  values: Record<string, Float64Array>;
}

/** Entries for those of CatalogueColumns; NaN = unknown. Values in the network's unit, x, y 0-based whole-image pixels. */
export interface MeasuredColumns {
  raDeg: Float64Array;
  decDeg: Float64Array;
  raErrorArcsec: Float64Array;
  decErrorArcsec: Float64Array;
  x: Float64Array;
  y: Float64Array;
  xError: Float64Array;
  yError: Float64Array;
  peak: Float64Array;
  peakError: Float64Array;
  /** Integrated flux over peak, for pixels per beam, and its error relative to itself. */
  fluxRatio: Float64Array;
  fluxRelativeError: Float64Array;
  majorArcsec: Float64Array;
  minorArcsec: Float64Array;
  paDeg: Float64Array;
  majorErrorArcsec: Float64Array;
  minorErrorArcsec: Float64Array;
  paErrorDeg: Float64Array;
  /** Without the beam. */
  intrinsicMajorArcsec: Float64Array;
  intrinsicMinorArcsec: Float64Array;
  intrinsicPaDeg: Float64Array;
  majorLimitArcsec: Float64Array;
  background: Float64Array;
  rms: Float64Array;
  snr: Float64Array;
  resolved: Float64Array;
  flags: Float64Array;
}

/** Mean and standard deviation over Monte Carlo draws. */
export interface SpreadColumns {
  mean: Float64Array;
  deviation: Float64Array;
}

/** Entries for those of CatalogueColumns; NaN = unknown. Deviations of ra (times cos Dec) and dec in arcsec. */
export interface DrawnColumns
  extends Record<'ra' | 'dec' | 'x' | 'y' | 'width' | 'height' | 'objectness' | 'probability' | 'pa', SpreadColumns> {
  /** By parameter column name. */
  values: Record<string, SpreadColumns>;
}

export interface MeasureSummary {
  /** Detections that went: of a peak another has, and below the SNR wanted. */
  merged: number;
  belowSnr: number;
  /** Median over the image, in the network's unit. */
  typicalRms: number;
  cellPx: number;
}

export interface MeasureRequest {
  effort: 'fast' | 'full';
  /** 0 = all stay. */
  minSnr: number;
  /** In place of the maps that the measurement makes. */
  background?: ImageSelect;
  rms?: ImageSelect;
}

/** Parts of the image are searched again, upside down and with mock sources. */
export interface QualityRequest {
  /** About as many tiles for each. */
  tiles: number;
  seed: number;
  /** Table of what the mock sources are like; absent = point sources. */
  mocks?: ImageSelect;
}

/** One entry per bin; `high` of the last is Infinity, NaN = of none. */
export interface QualityColumns {
  low: Float64Array;
  high: Float64Array;
  found: Float64Array;
  negative: Float64Array;
  reliability: Float64Array;
  reliabilityLow: Float64Array;
  reliabilityHigh: Float64Array;
  mocks: Float64Array;
  recovered: Float64Array;
  completeness: Float64Array;
  completenessLow: Float64Array;
  completenessHigh: Float64Array;
}

export interface FoundQuality {
  /** Searched again. */
  tiles: number;
  /** Part of the pixels that was turned upside down. */
  sampled: number;
  negatives: number;
  mocks: number;
  recovered: number;
  bySnr: QualityColumns;
  /** By the peak, in the network's unit; no bins when the noise is not known. */
  byFlux: QualityColumns;
  /** Of each source. */
  reliability: Float64Array;
}

export interface ImageSummary {
  label: string;
  hdu: number;
  extname: string;
  width: number;
  height: number;
  planes: number;
  plane: number;
  bitpix: number;
  compressed: boolean;
  /** As it stands; '' = none. */
  bunit: string;
  /** What the pixels were taken in, and what turned them into the network's unit; absent in results of older versions. */
  pixelUnit?: string;
  unitFactor?: number;
  beam?: { bmajDeg: number; bminDeg: number; bpaDeg: number };
  /** Absent: no celestial WCS, positions are pixels only. */
  wcs?: {
    system: string;
    equinox: number;
    native: string;
    projection: string;
    pixelScaleDeg: number;
    centreRaDeg: number;
    centreDecDeg: number;
  };
  region: { x: number; y: number; width: number; height: number };
  blankedPixels: number;
  warnings: string[];
}

/** Seconds of work in each stage of a detection (they overlap). */
export interface OwnTimes {
  load: number;
  limits: number;
  prepare: number;
  select: number;
  suppress: number;
  catalogue: number;
  /** Absent in results of older versions. */
  measure?: number;
}

/** And in the network, and the wall time of the whole. */
export interface StageTimes extends OwnTimes {
  infer: number;
  wall: number;
}

export interface FoundDetection
  extends Pick<
    DetectOutcome,
    'catalogue' | 'measured' | 'measureSummary' | 'quality' | 'drawn' | 'image' | 'tiling' | 'counts'
  > {
  times: OwnTimes;
}

/** What finishTask gives of a detection, and what only its caller knows: engine, memory, and the times of the run. */
export interface DetectOutcome {
  catalogue: CatalogueColumns;
  /** Both absent: not asked for. */
  measured?: MeasuredColumns;
  measureSummary?: MeasureSummary;
  quality?: FoundQuality;
  /** Absent: no draws were asked for. */
  drawn?: DrawnColumns;
  image: ImageSummary;
  tiling: { tilesX: number; tilesY: number; offsetX: number; offsetY: number; tilePx: number; overlapPx: number };
  /** Of a mask only: sources that went because they are outside, and tiles that were searched. */
  counts: { selected: number; afterFirst: number; final: number; outsideMask?: number; tilesSearched?: number };
  engine: EngineInfo;
  times: StageTimes;
  /** Bytes: the engine's own memory, and the largest resident size of the process. */
  memory: { engineBytes: number; peakRssBytes: number };
}
