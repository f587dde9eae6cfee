/** How faint mock sources are found. */
import type { FoundQuality, QualityColumns } from '../../engine/addon.js';

/** The first bin begins at nothing, and the last has no end. */
export function middleOf({ low, high }: QualityColumns, bin: number): number {
  const [from = 0, to = 0] = [low[bin], high[bin]];
  if (from === 0) return 0.8 * to;
  return Number.isFinite(to) ? Math.sqrt(from * to) : 1.25 * from;
}

/** The peak over the noise above which so large a part of the mock sources is found; undefined = none is known. */
export function depthOf({ bySnr }: FoundQuality, fraction: number): number | undefined {
  const bins = Array.from(bySnr.completeness, (value, bin) => ({ value, x: middleOf(bySnr, bin) }));
  const known = bins.filter(({ value }) => Number.isFinite(value));
  const reached = known.findLastIndex(({ value }) => value < fraction) + 1;
  const [before, after] = [known[reached - 1], known[reached]];
  if (!before || !after) return undefined;
  const way = (fraction - before.value) / (after.value - before.value);
  return before.x * (after.x / before.x) ** way;
}
