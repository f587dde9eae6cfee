/** The light curve of the source under the pointer, or of the one chosen: a part of a result, by the source's name. */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { byUcd, type Catalogue, type NumberColumn, readPart } from '../../api/catalogue.js';
import type { Kind } from '../../api/kinds.js';
import { axis, type Colours, Plot, tickNumbers } from '../../parts/Plot.js';
import type { Selection } from '../../table/selection.js';

/** A pointer that rests on a source wants to see it; one that passes by does not. */
const kRestMs = 120;
const kHoursPerDay = 24;
/** Time, forced flux, reconstruction, both ends of the error; what follows is the truth of a simulation. */
const kMeasuredSeries = 5;

interface LightCurveProps {
  jobId: string;
  part: NonNullable<Kind['part']>;
  selection: Selection;
}

export function LightCurve({ jobId, part, selection }: LightCurveProps) {
  const row = selection.hovered.value ?? selection.current.value;
  const name = row === undefined ? undefined : nameOf(selection.catalogue, row);
  const curve = useCurve(jobId, part, name);
  const points = useMemo(() => curve && row !== undefined && pointsOf(curve, selection.catalogue, row), [curve, row]);
  return (
    <section class="light-curve" aria-labelledby="light-curve-title">
      <h2 id="light-curve-title">{name === undefined ? 'Light curve' : `Light curve of ${name}`}</h2>
      {points ? (
        <Curve name={name ?? ''} points={points} />
      ) : (
        <p class="empty">Point at a source, in the picture or the table.</p>
      )}
    </section>
  );
}

function nameOf({ columns }: Catalogue, row: number): string | undefined {
  const column = columns.find(({ ucd }) => ucd.startsWith('meta.id;meta.main'));
  return column?.type === 'text' ? column.values[row] : undefined;
}

/** That of `name`, once it is here; the last one until then. */
function useCurve(jobId: string, { result, parameter }: LightCurveProps['part'], name: string | undefined) {
  const [known, setKnown] = useState<{ name: string; curve: Catalogue }>();
  useEffect(() => {
    if (name === undefined || known?.name === name) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      readPart(jobId, result, { [parameter]: name }, controller.signal).then(
        (curve) => setKnown({ name, curve }),
        // The pointer has moved on, or there is none: nothing is drawn.
        () => undefined,
      );
    }, kRestMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [jobId, name]);
  return known?.name === name ? known?.curve : undefined;
}

interface Points {
  data: uPlot.AlignedData;
  /** MJD from which hours are counted. */
  start: number;
  unit: string;
}

/** In the band the row of the catalogue is about. */
function pointsOf({ columns, rows }: Catalogue, catalogue: Catalogue, row: number): Points | undefined {
  const [time, forced, network] = [
    byUcd(columns, 'time.epoch'),
    byUcd(columns, 'phot.flux.density'),
    byUcd(columns, 'phot.flux.density', 1),
  ];
  if (!time || !forced || !network) return undefined;
  const error = byUcd(columns, 'stat.error');
  const truth = byUcd(columns, 'phot.flux.density;em.radio;meta.modelled');
  const band = byUcd(columns, 'em.freq');
  const own = byUcd(catalogue.columns, 'em.freq')?.values[row];
  const shown = Array.from({ length: rows }, (_, each) => each).filter((each) => !band || band.values[each] === own);
  const start = time.values[shown[0] ?? 0] ?? 0;
  const at = (column: NumberColumn | undefined, each: number) => column?.values[each] ?? Number.NaN;
  const of = (value: (each: number) => number) =>
    shown.map((each) => (Number.isFinite(value(each)) ? value(each) : null));
  const data = [
    shown.map((each) => (at(time, each) - start) * kHoursPerDay),
    of((each) => at(forced, each)),
    of((each) => at(network, each)),
    of((each) => at(forced, each) - at(error, each)),
    of((each) => at(forced, each) + at(error, each)),
    ...(truth ? [of((each) => at(truth, each))] : []),
  ] as uPlot.AlignedData;
  return { data, start, unit: forced.unit };
}

function Curve({ name, points: { data, start, unit } }: { name: string; points: Points }) {
  const isKnown = data.length > kMeasuredSeries;
  const options = useCallback(
    (colours: Colours) => ({
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false } },
      axes: [
        axis(colours, { label: `hours after MJD ${start.toFixed(5)}`, labelSize: 18, values: tickNumbers, size: 30 }),
        axis(colours, { label: unit, labelSize: 18, values: tickNumbers, size: 60 }),
      ],
      bands: [{ series: [4, 3] as [number, number], fill: colours.line }],
      series: [
        {},
        { stroke: colours.text, width: 0, points: { show: true, size: 5, fill: colours.text } },
        { stroke: colours.accent, width: 2, points: { show: false } },
        { stroke: colours.line, width: 0, points: { show: false } },
        { stroke: colours.line, width: 0, points: { show: false } },
        ...(isKnown ? [{ stroke: colours.text, width: 1, dash: [4, 4], points: { show: false } }] : []),
      ],
    }),
    [start, unit, isKnown],
  );
  return (
    <>
      <Plot
        label={`Light curve of ${name}: points are measured in each frame, the line is the reconstruction${isKnown ? ', the dashed one the truth' : ''}`}
        height={200}
        data={data}
        options={options}
      />
      <p class="small">
        Points: measured in each dirty frame, within 1 error. Line: the reconstruction.
        {isKnown && ' Dashed: the truth of the simulation.'}
      </p>
    </>
  );
}
