/** How many rows lie at or above each value of a column: N(>=S), as counts of sources are drawn; all, and those kept. */
import { useCallback, useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import type { NumberColumn } from '../api/catalogue.js';
import { axis, type Colours, Plot, tickNumbers } from '../parts/Plot.js';
import { scaleOf } from './scale.js';
import type { Selection } from './selection.js';

const kPoints = 200;

export function CumulativeCounts({ column, selection }: { column: NumberColumn; selection: Selection }) {
  const kept = selection.kept.value;
  const scale = useMemo(() => scaleOf(column), [column]);
  const all = useMemo(() => sortedOf(column.values), [column]);
  const data = useMemo((): uPlot.AlignedData => {
    if (!scale) return [[], [], []];
    const left = sortedOf(Float64Array.from(kept, (row) => column.values[row] ?? Number.NaN));
    const at = Array.from({ length: kPoints }, (_, index) => scale.fromUnit(index / (kPoints - 1)));
    return [at, at.map((value) => countFrom(all, value)), at.map((value) => countFrom(left, value))];
  }, [all, kept, scale]);
  const logarithmic = scale?.logarithmic ?? false;
  const { name, unit } = column;
  const options = useCallback(
    (colours: Colours) => ({
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, distr: logarithmic ? (3 as const) : (1 as const) }, y: { distr: 3 as const } },
      axes: [
        axis(colours, {
          label: unit === '' ? name : `${name} (${unit})`,
          labelSize: 18,
          values: tickNumbers,
          size: 30,
        }),
        axis(colours, { values: tickNumbers, size: 50 }),
      ],
      series: [
        {},
        { stroke: colours.soft, width: 1.5, points: { show: false } },
        { stroke: colours.accent, width: 2, points: { show: false } },
      ],
    }),
    [name, unit, logarithmic],
  );
  return (
    <Plot label={`Rows at or above each ${name}, all and those kept`} height={220} data={data} options={options} />
  );
}

function sortedOf(values: Float64Array): Float64Array {
  return values.filter((value) => !Number.isNaN(value)).sort();
}

/** Null where there is none: a logarithm has no zero. */
function countFrom(sorted: Float64Array, value: number): number | null {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return sorted.length - low || null;
}
