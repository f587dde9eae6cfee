/** One column: its histogram, and the two ends of what is kept of it. */
import { useCallback, useId, useMemo } from 'preact/hooks';
import uPlot from 'uplot';
import type { NumberColumn } from '../api/catalogue.js';
import { axis, type Colours, Plot } from '../parts/Plot.js';
import { number } from '../parts/shown.js';
import { histogram, type Scale, scaleOf } from './scale.js';
import type { Selection } from './selection.js';

const kBins = 48;
const kSteps = 1000;

interface ColumnFilterProps {
  column: NumberColumn;
  selection: Selection;
}

export function ColumnFilter({ column, selection }: ColumnFilterProps) {
  const scale = useMemo(() => scaleOf(column), [column]);
  if (!scale || scale.low === scale.high) return null;
  return <Filter column={column} selection={selection} scale={scale} />;
}

function Filter({ column, selection, scale }: ColumnFilterProps & { scale: Scale }) {
  const { name, unit, description } = column;
  const limits = selection.limits.value.get(name);
  const low = Math.max(limits?.low ?? scale.low, scale.low);
  const high = Math.min(limits?.high ?? scale.high, scale.high);
  /** An end that cuts nothing off is none. */
  const set = (next: { low: number; high: number }) => {
    const ends = {
      low: next.low <= scale.low ? Number.NEGATIVE_INFINITY : next.low,
      high: next.high >= scale.high ? Number.POSITIVE_INFINITY : next.high,
    };
    selection.limit(name, Number.isFinite(ends.low) || Number.isFinite(ends.high) ? ends : undefined);
  };
  const title = unit === '' ? name : `${name} (${unit})`;
  return (
    <fieldset class="filter">
      <legend title={description}>{title}</legend>
      <Histogram column={column} selection={selection} scale={scale} title={title} />
      <div class="ends">
        <End
          label={`Lowest ${name}`}
          scale={scale}
          value={low}
          onValue={(value) => set({ low: Math.min(value, high), high })}
        />
        <End
          label={`Highest ${name}`}
          scale={scale}
          value={high}
          onValue={(value) => set({ low, high: Math.max(value, low) })}
        />
      </div>
    </fieldset>
  );
}

interface EndProps {
  label: string;
  scale: Scale;
  value: number;
  onValue: (value: number) => void;
}

function End({ label, scale, value, onValue }: EndProps) {
  const id = useId();
  const typed = (text: string) => {
    const given = Number(text);
    if (text.trim() !== '' && Number.isFinite(given)) onValue(given);
  };
  return (
    <div class="end">
      <label for={id} class="hidden">
        {label}
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={kSteps}
        value={Math.round(scale.toUnit(value) * kSteps)}
        aria-valuetext={number(value)}
        onInput={(event) => onValue(scale.fromUnit(Number(event.currentTarget.value) / kSteps))}
      />
      <input
        class="end-value"
        aria-label={`${label}, as a number`}
        inputMode="decimal"
        value={number(value)}
        onChange={(event) => typed(event.currentTarget.value)}
      />
    </div>
  );
}

interface HistogramProps extends ColumnFilterProps {
  scale: Scale;
  title: string;
}

function Histogram({ column, selection, scale, title }: HistogramProps) {
  const kept = selection.kept.value;
  const all = useMemo(() => Uint32Array.from({ length: column.values.length }, (_, row) => row), [column]);
  const whole = useMemo(() => histogram(column, scale, all, kBins), [column, scale, all]);
  const data = useMemo((): uPlot.AlignedData => {
    const left = histogram(column, scale, kept, kBins);
    const centres = Array.from({ length: kBins }, (_, bin) => (bin + 0.5) / kBins);
    return [centres, [...whole], [...left]];
  }, [whole, kept]);
  const options = useCallback(
    (colours: Colours) => ({
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: (): [number, number] => [0, 1] } },
      axes: [
        axis(colours, {
          values: (_: uPlot, ticks: number[]) => ticks.map((unit) => number(scale.fromUnit(unit), 2)),
          size: 28,
        }),
        axis(colours, { size: 44 }),
      ],
      series: [{}, bars(colours.soft, '55'), bars(colours.accent, 'cc')],
    }),
    [scale],
  );
  return <Plot label={`Histogram of ${title}`} height={120} data={data} options={options} />;
}

function bars(colour: string, opacity: string): uPlot.Series {
  const paths = uPlot.paths.bars?.({ size: [1] });
  const drawn = { stroke: colour, fill: `${colour}${opacity}`, width: 0, points: { show: false } };
  return paths ? { ...drawn, paths } : drawn;
}
