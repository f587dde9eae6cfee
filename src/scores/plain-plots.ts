/** What the plain scorer found, drawn. */
import type { Fraction, PlainOutcome } from '../engine/addon.js';
import { type PlotPoint, plotSvg } from '../results/plot.js';

/** Completeness and purity by the flux density, as an SVG. */
export function fluxPlot({ bins, fluxUnit }: PlainOutcome): string {
  const points = (of: (bin: PlainOutcome['bins'][number]) => Fraction) =>
    bins.map((bin) => withBar(Math.sqrt(bin.fluxLow * bin.fluxHigh), of(bin)));
  return plotSvg({
    title: 'Completeness and purity',
    xLabel: fluxUnit === '' ? 'flux density' : `flux density (${fluxUnit})`,
    yLabel: 'fraction',
    isLogarithmic: true,
    series: [
      { name: 'completeness', points: points(({ completeness }) => completeness) },
      { name: 'purity', points: points(({ purity }) => purity) },
    ],
  });
}

/** Completeness over the part of the detections that is false (1 - purity), one point per threshold, as an SVG. */
export function thresholdPlot({ thresholds }: PlainOutcome): string {
  return plotSvg({
    title: 'Completeness over thresholds',
    xLabel: 'part of the detections that is false (1 - purity)',
    yLabel: 'completeness',
    series: [
      {
        name: 'thresholds',
        points: thresholds.map(({ completeness, purity }) => withBar(1 - purity.value, completeness)),
      },
    ],
  });
}

function withBar(x: number, { value, low, high }: Fraction): PlotPoint {
  return { x, y: value, low, high };
}
