/** Figures of a method over many cubes. Fluxes are in units of the peak of the transients. */
import type { CubeRun } from './reconstruct-cubes.js';

const kFwhmPerSigma = 2.3548200450309493;
const kNear = 2.5;
/** Peaks of the map that are the largest of 5x5. */
const kAround = 2;

export interface Scores {
  /** Of the light curves of transients at the pixel nearest to the true position, and its standard error. */
  rmse: number;
  rmseError: number;
  /** The same of flux_rec: the amplitude refitted to the dirty frames, as the results have it. */
  refitRmse: number;
  rmseByShape: Record<string, number>;
  steadyRmse: number;
  /** Mean error in frames above half the peak. */
  biasOn: number;
  background: number;
  /**
   * Of the forced fluxes of transients: mean error without the noise that was drawn there (which is known: it is that of a
   * cube without sources), mean error, and mean and width of error over flux_error.
   */
  forcedBias: number;
  forcedBiasDrawn: number;
  pullMean: number;
  pullWidth: number;
  completeness: number;
  completenessError: number;
  threshold: number;
  /** Of the label transient against steady, among sources that were found. */
  labelAuc: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const standardError = (values: readonly number[]) => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)) / (values.length - 1));
};
const rms = (values: readonly number[]) => Math.sqrt(mean(values.map((value) => value * value)));

interface Profile {
  shape: string;
  isTransient: boolean;
  peak: number;
  /** Reconstructed minus true, at the pixel; of flux_rec; the truth there. */
  errors: number[];
  refitErrors: number[];
  truth: number[];
  forced: number[];
  /** The part of it that is noise. */
  drawn: number[];
  pulls: number[];
  pConstant: number;
}

function profilesOf(run: CubeRun, beamPx: number): Profile[] {
  const { found, sources, noise } = run;
  const { frames } = found.cube;
  return sources.map((source, index) => {
    const row = found.sources.name.indexOf(`T${index}`);
    const sigma = beamPx / kFwhmPerSigma;
    const distance = Math.hypot(Math.round(source.x) - source.x, Math.round(source.y) - source.y);
    const beam = Math.exp(-0.5 * (distance / sigma) ** 2);
    const peak = source.peakJy;
    const part = (values: Float64Array) => [...values.subarray(row * frames, (row + 1) * frames)];
    const flux = [...source.fluxJy];
    const profile = part(found.curves.profile).map((value, t) => value * (found.sigmas[t] ?? Number.NaN));
    const errors = part(found.curves.fluxError);
    const forced = part(found.curves.flux).map((value, t) => value - (flux[t] ?? 0));
    // The noise of a frame over its error is what a flux is divided by.
    const drawn = errors.map(
      (error, t) => ((noise[index]?.[t] ?? Number.NaN) * error) / (found.sigmas[t] ?? Number.NaN),
    );
    return {
      shape: source.shape,
      isTransient: source.shape !== 'steady',
      peak,
      errors: profile.map((value, t) => ((value - (flux[t] ?? 0)) * beam) / peak),
      refitErrors: part(found.curves.fluxRec).map((value, t) => ((value - (flux[t] ?? 0)) * beam) / peak),
      truth: flux.map((value) => (value * beam) / peak),
      forced: forced.map((value) => value / peak),
      drawn: drawn.map((value) => value / peak),
      pulls: forced.map((value, t) => value / (errors[t] ?? Number.NaN)),
      pConstant: found.sources.pConstant[row] ?? Number.NaN,
    };
  });
}

function peaksOf({ map, found }: CubeRun): { x: number; y: number; value: number }[] {
  const { width, height } = found.cube;
  const out = [];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const value = map[y * width + x] ?? 0;
      let top = true;
      for (let j = Math.max(0, y - kAround); top && j <= Math.min(height - 1, y + kAround); j += 1) {
        for (let i = Math.max(0, x - kAround); top && i <= Math.min(width - 1, x + kAround); i += 1) {
          top = (map[j * width + i] ?? 0) <= value;
        }
      }
      if (top) out.push({ x, y, value });
    }
  }
  return out;
}

/** Values of peaks that are no source; and of each transient the highest peak near it. */
export function detectionsOf(run: CubeRun): { wrong: number[]; right: number[] } {
  const peaks = peaksOf(run);
  const near = (peak: { x: number; y: number }, source: { x: number; y: number }) =>
    Math.hypot(peak.x - source.x, peak.y - source.y) < kNear;
  const wrong = peaks.filter((peak) => !run.sources.some((source) => near(peak, source))).map(({ value }) => value);
  const right = run.sources
    .filter(({ shape }) => shape !== 'steady')
    .map((source) => Math.max(-1, ...peaks.filter((peak) => near(peak, source)).map(({ value }) => value)));
  return { wrong, right };
}

/** The value that `rate` wrong peaks per cube are above. */
export function thresholdAt(wrong: readonly number[], cubes: number, rate: number): number {
  return [...wrong].sort((a, b) => b - a)[Math.floor(rate * cubes)] ?? Number.NaN;
}

/** Chance that a transient is less constant than a steady source. */
function areaUnderCurve(transients: readonly number[], steady: readonly number[]): number {
  const pairs = transients.flatMap((a) => steady.map((b) => (a < b ? 1 : a === b ? 0.5 : 0)));
  return mean(pairs);
}

export function scoresOf(runs: readonly CubeRun[], beamPx: number, falsePerCube: number): Scores {
  const profiles = runs.flatMap((run) => profilesOf(run, beamPx));
  const transients = profiles.filter(({ isTransient }) => isTransient);
  const steady = profiles.filter(({ isTransient }) => !isTransient);
  const shapes = [...new Set(transients.map(({ shape }) => shape))].sort();
  const detections = runs.map(detectionsOf);
  const threshold = thresholdAt(
    detections.flatMap(({ wrong }) => wrong),
    runs.length,
    falsePerCube,
  );
  const right = detections.flatMap(({ right: values }) => values);
  const pulls = transients.flatMap((each) => each.pulls);
  const pullMean = mean(pulls);
  const completeness = right.filter((value) => value > threshold).length / right.length;
  const rmse = rms(transients.flatMap(({ errors }) => errors));
  return {
    rmse,
    // Of the mean of squares, over twice its root; errors of one light curve are not independent.
    rmseError: standardError(transients.map(({ errors }) => mean(errors.map((value) => value * value)))) / (2 * rmse),
    refitRmse: rms(transients.flatMap(({ refitErrors }) => refitErrors)),
    rmseByShape: Object.fromEntries(
      shapes.map((name) => [
        name,
        rms(transients.filter(({ shape }) => shape === name).flatMap(({ errors }) => errors)),
      ]),
    ),
    steadyRmse: rms(steady.flatMap(({ errors }) => errors)),
    biasOn: mean(
      transients.map(({ errors, truth }) => mean(errors.filter((_, t) => (truth[t] ?? 0) > 0.5 * Math.max(...truth)))),
    ),
    background: rms(runs.map(({ background, sources }) => background / (sources[0]?.peakJy ?? 1))),
    forcedBias: mean(transients.flatMap(({ forced, drawn }) => forced.map((value, t) => value - (drawn[t] ?? 0)))),
    forcedBiasDrawn: mean(transients.flatMap(({ forced }) => forced)),
    pullMean,
    pullWidth: rms(pulls.map((value) => value - pullMean)),
    completeness,
    completenessError: Math.sqrt((completeness * (1 - completeness)) / right.length),
    threshold,
    labelAuc: areaUnderCurve(
      transients.map(({ pConstant }) => pConstant),
      steady.map(({ pConstant }) => pConstant),
    ),
  };
}
