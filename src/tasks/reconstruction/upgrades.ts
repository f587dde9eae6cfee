/** Records of before. */
import type { ReconstructionRecord } from './record.js';

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
