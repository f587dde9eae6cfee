/** A reconstruction, and what it finds. */
import type { OpenedTask } from './addon-stages.js';

export interface ReconstructorConfig {
  tilePx: number;
  depthFrames: number;
  minFrames: number;
  trainedFrames: number;
  beamPx: number;
  wienerLambda: number;
  windowFrames: number;
  rssAtThreshold: number;
  fluxRecError: number;
  psfFwhmMin: number;
  psfFwhmMax: number;
  psfSidelobesMin: number;
  psfSidelobesMax: number;
  /** 0, 0 = not said; peaks in units of the noise of a frame, seconds from frame to frame. */
  peakSnrMin: number;
  peakSnrMax: number;
  cadenceMinS: number;
  cadenceMaxS: number;
}

export interface CubeFile {
  path: string;
  /** What messages call it. */
  label: string;
}

export interface OpenReconstructionRequest {
  model: number;
  /** One cube, or single-epoch images in the order of time. */
  cube: CubeFile[];
  psf: CubeFile[];
  /** A table that says when the frames were. */
  times?: CubeFile;
  /** Of a simulation: a cube of the sky through the reconstruction's Gaussian. */
  truth?: CubeFile;
  /** 0-based; absent = all there are. */
  band?: number;
  method: string;
  /** none or mean-clean. */
  staticPart: string;
  /** SNR of the detection statistic. */
  threshold: number;
  /** Always measured: RA, Dec in degrees, or 0-based pixels. */
  positions: { name: string; first: number; second: number; isSky: boolean }[];
  /** For reconstructed.fits, residual.fits and snr_max.fits; '' = they are not wanted. */
  folder: string;
  threads: number;
  rawOutput?: string;
}

export interface OpenedReconstruction extends OpenedTask {
  item: { width: number; height: number; depth: number };
  valuesIn: number;
  valuesOut: number;
}

export interface CubeSummary {
  label: string;
  width: number;
  height: number;
  frames: number;
  bunit: string;
  timeScale: string;
  timesMjd: Float64Array;
  exposuresS: Float64Array;
  /** The first that was reconstructed, 0-based; its frequency, 0 = not known; and how many the cube has. */
  band: number;
  frequencyHz: number;
  bands: number;
  wcs?: { system: string; equinox: number; projection: string; pixelScaleDeg: number };
}

/**
 * One entry per source, brightest first, then the positions given; x, y 0-based pixels; NaN = unknown. Of a cube of several
 * bands, as the band has it in which its SNR is largest.
 */
export interface ReconstructedSources {
  count: number;
  /** Of a position given; '' = found. */
  name: string[];
  /** 0-based. */
  band: Float64Array;
  label: string[];
  raDeg: Float64Array;
  decDeg: Float64Array;
  x: Float64Array;
  y: Float64Array;
  positionErrorPx: Float64Array;
  statistic: Float64Array;
  snr: Float64Array;
  peakFlux: Float64Array;
  peakFluxError: Float64Array;
  peakFrame: Float64Array;
  durationS: Float64Array;
  framesDetected: Float64Array;
  /** What was taken away of it before and put back: a part of its fluxes. 0: nothing. */
  staticFlux: Float64Array;
  meanFlux: Float64Array;
  meanFluxError: Float64Array;
  v: Float64Array;
  eta: Float64Array;
  pConstant: Float64Array;
  /** Chance of a run of frames that differs as much, if the flux were constant. NaN in records of before. */
  pRun: Float64Array;
  /** Row; -1 = none. */
  nearest: Float64Array;
  nearestPx: Float64Array;
  /** Sum of: 1 neighbour, 2 edge, 4 blank frames, 32 brighter than trained for (native/reconstruct/flags.h). */
  flags: Float64Array;
}

/** Each [source][band][frame]. */
export interface LightCurves {
  flux: Float64Array;
  fluxError: Float64Array;
  fluxRec: Float64Array;
  /** What the network gave at the pixel, in the noise of the frame. */
  profile: Float64Array;
  localRms: Float64Array;
  upperLimit: Float64Array;
  detected: Float64Array;
  /** Sum of: 1 blank pixel, 2 noisier around than the frame. */
  flags: Float64Array;
  /** Of a simulation whose truth was given, and where there is a source. */
  truth?: Float64Array;
}

export interface FoundReconstruction {
  cube: CubeSummary;
  psf: string;
  sources: ReconstructedSources;
  curves: LightCurves;
  /** Of the bands that were reconstructed, in their order. */
  frequenciesHz: Float64Array;
  /** [band][frame]: the noise, in the cube's unit; width of the PSF. */
  sigmas: Float64Array;
  psfFwhmPx: Float64Array;
  /** [band][frame]: rms of the PSF at 1.25 to 2.5 FWHM of the reconstruction's Gaussian. Absent: a record of before. */
  psfSidelobes?: Float64Array;
  thresholdSnr: number;
  /**
   * Of a network's detection: peaks of noise to be expected above the threshold, and what the statistic was divided by, where
   * the cube has more of them than those of the training. Absent: a classical method, or a record of before.
   */
  noisePeaks?: number;
  snrDivisor?: number;
  /** CLEAN components that were taken away before and put back, over all bands; absent = that was not asked for. */
  staticComponents?: number;
  blankPixels: number;
  /** That were written. */
  files: string[];
  warnings: string[];
  times: { channels: number; detect: number; measure: number };
}
