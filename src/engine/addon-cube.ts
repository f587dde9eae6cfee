/** Simulated cubes. */

export interface SimulateCubeRequest {
  /** Folder for dirty.fits, psf.fits and truth.fits. */
  folder: string;
  sizePx: number;
  frames: number;
  cellArcsec: number;
  frequencyMHz: number;
  bandwidthMHz: number;
  /** For the uv coverage, over the bandwidth. */
  channels: number;
  /** Built in; see native/simulate/cube/array.h. */
  array: string;
  /** Table of antennas instead, at this latitude. */
  arrayFile?: string;
  latitudeDeg: number;
  declinationDeg: number;
  /** In the middle of the observation. */
  hourAngleDeg: number;
  hours: number;
  /** Per frame. */
  snapshots: number;
  weighting: string;
  robust: number;
  /** Weights are those of a field this many times smaller; 1: its own. */
  superWeight: number;
  /** Rms of a dirty frame, Jy/beam; with `sefdJy` above 0 it follows from that. */
  noise: number;
  sefdJy: number;
  efficiency: number;
  integrationS: number;
  transients: number;
  steady: number;
  /** Names separated by commas; '' = gate, gaussian, decay. */
  shapes: string;
  tauMin: number;
  tauMax: number;
  sigmaOverPeak: number;
  spread: number;
  separationPx: number;
  extendedJy: number;
  primaryBeam: boolean;
  gainError: number;
  phaseErrorDeg: number;
  exact: boolean;
  seed: number;
}

/** x, y 0-based pixels; t0 and tau in frames. */
export interface CubeSource {
  x: number;
  y: number;
  raDeg: number;
  decDeg: number;
  shape: string;
  t0: number;
  tau: number;
  peakJy: number;
  attenuation: number;
  /** Apparent, per frame. */
  fluxJy: Float64Array;
}

export interface SimulateCubeOutcome {
  sources: CubeSource[];
  /** Per frame. */
  sigmaJyBeam: Float64Array;
  /** Middle of each frame after mjdStart. */
  timesS: Float64Array;
  mjdStart: number;
}
