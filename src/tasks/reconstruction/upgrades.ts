/** Records of before. */
import type { ReconstructionRecord } from './record.js';

const unknown = (like: Float64Array) => new Float64Array(like.length).fill(Number.NaN);

/** Nobody looked what to flag, and nothing was taken away before. */
export function withFlags(old: unknown): ReconstructionRecord {
  const record = old as ReconstructionRecord;
  const { found } = record;
  const sources = {
    ...found.sources,
    flags: unknown(found.sources.x),
    staticFlux: new Float64Array(found.sources.count),
  };
  return { ...record, found: { ...found, sources, curves: { ...found.curves, flags: unknown(found.curves.flux) } } };
}

/** There was one band in each. */
export function withBands(old: unknown): ReconstructionRecord {
  const record = old as ReconstructionRecord;
  const { found } = record;
  const { cube, sources } = found;
  const band = new Float64Array(sources.count).fill(cube.band);
  return {
    ...record,
    found: { ...found, frequenciesHz: Float64Array.of(cube.frequencyHz), sources: { ...sources, band } },
  };
}

/** Nobody looked at runs of frames. */
export function withRuns(old: unknown): ReconstructionRecord {
  const record = old as ReconstructionRecord;
  const { found } = record;
  return { ...record, found: { ...found, sources: { ...found.sources, pRun: unknown(found.sources.x) } } };
}

/** Durations were counted in frames, each as long as the mean step. */
export function withDurations(old: unknown): ReconstructionRecord {
  const record = old as ReconstructionRecord & { found: { sources: { durationFrames: Float64Array } } };
  const { found } = record;
  const { timesMjd } = found.cube;
  const { durationFrames, ...sources } = found.sources;
  const days = ((timesMjd.at(-1) ?? 0) - (timesMjd[0] ?? 0)) / Math.max(1, timesMjd.length - 1);
  const durationS = durationFrames.map((frames) => frames * days * 86400);
  return { ...record, found: { ...found, sources: { ...sources, durationS } } };
}
