/** Tables of others, catalogues against each other, and images at the places of a table. */
import type { ImageSelect } from './addon-detect.js';

export interface ReadColumn {
  name: string;
  unit: string;
  ucd: string;
  description: string;
  /** One of both; NaN and '' = missing. */
  numbers?: Float64Array;
  texts?: string[];
  /** What numbers are multiplied by to be degrees, also without a unit; absent: the unit is none of angles. */
  degrees?: number;
  /** Beside numbers that are whole and that a double rounds, such as identifiers of 64 bits: all of their digits; '' = missing. */
  digits?: string[];
}

export interface ReadTable {
  rows: number;
  format: 'text' | 'VOTable' | 'FITS';
  columns: ReadColumn[];
}

export interface Sdc1Request {
  submission: string;
  truth: string;
  mhz: 560 | 1400 | 9200;
  /** Inside the training area. */
  train: boolean;
  /** Candidates by centroids instead of cores. */
  centroids: boolean;
  threads: number;
}

/** Rows read; dropped for a missing value; left after cleaning and the area. */
export interface Sdc1Counts {
  read: number;
  unread: number;
  kept: number;
}

export interface Sdc1Outcome {
  submission: Sdc1Counts;
  truth: Sdc1Counts;
  /** What the files have no column for, and what stands in. */
  filledSubmission: string[];
  filledTruth: string[];
  detections: number;
  matches: number;
  bad: number;
  falses: number;
  scoreDetections: number;
  score: number;
  accuracyPercent: number;
  /** Of the seven scores; their means; one array of each over the matches. */
  names: string[];
  meanScores: Float64Array;
  scores: Float64Array[];
  id: Float64Array;
  idTruth: Float64Array;
  /** All digits of those that a double would round: the numbers are then their ranks. */
  idDigits?: string[];
  idTruthDigits?: string[];
  error: Float64Array;
}

export interface PlainColumns {
  /** '' = those a catalogue made here has. */
  flux: string;
  rank: string;
  ra: string;
  dec: string;
}

export interface PlainRequest {
  submission: string;
  truth: string;
  submissionColumns: PlainColumns;
  truthColumns: PlainColumns;
  radiusArcsec: number;
  minSnr: number;
  bins: number;
  thresholds: number;
  threads: number;
}

/** With its interval of one sigma (Wilson); NaN of none. */
export interface Fraction {
  part: number;
  whole: number;
  value: number;
  low: number;
  high: number;
}

export interface Spread {
  count: number;
  median: number;
  deviation: number;
}

export interface PlainBin {
  fluxLow: number;
  fluxHigh: number;
  completeness: Fraction;
  purity: Fraction;
  ra: Spread;
  dec: Spread;
  separation: Spread;
  fluxRatio: Spread;
  raPull: Spread;
  decPull: Spread;
  fluxPull: Spread;
}

export interface PlainOutcome {
  detections: number;
  truths: number;
  /** Of the truths, those bright enough to be missed. */
  counted: number;
  matches: number;
  fluxUnit: string;
  warnings: string[];
  all: PlainBin;
  bins: PlainBin[];
  thresholds: { rank: number; detections: number; completeness: Fraction; purity: Fraction }[];
}

export interface MatchSkyRequest {
  a: { raDeg: Float64Array; decDeg: Float64Array };
  b: { raDeg: Float64Array; decDeg: Float64Array };
  radiusArcsec: number;
  threads: number;
}

export interface SkyPairs {
  a: Float64Array;
  b: Float64Array;
  /** Arcsec. */
  separation: Float64Array;
}

export interface TaskPlacesRequest {
  raDeg: Float64Array;
  decDeg: Float64Array;
  threads: number;
}

export interface MeasurePlacesRequest extends TaskPlacesRequest {
  image: ImageSelect;
}

/** One entry per place, NaN where the image has none; values in the image's unit, x and y 0-based. */
export interface PlacesColumns {
  x: Float64Array;
  y: Float64Array;
  peak: Float64Array;
  peakError: Float64Array;
  background: Float64Array;
  rms: Float64Array;
  flags: Float64Array;
}

export interface MeasuredPlaces extends PlacesColumns {
  /** '' = not known. */
  pixelUnit: string;
  /** Of the image's positions. */
  frame: { system: string; equinox: number };
  typicalRms: number;
  cellPx: number;
  warnings: string[];
}
