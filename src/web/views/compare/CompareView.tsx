/** Two catalogues beside each other: what both have, what one of them has alone, and how their numbers differ. */
import { useSignal } from '@preact/signals';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { type Catalogue, type NumberColumn, readCatalogue } from '../../api/catalogue.js';
import { axis, type Colours, Plot, tickNumbers } from '../../parts/Plot.js';
import { bringJob, jobOf } from '../../state/jobs.js';
import { attempt } from '../../state/notices.js';
import { hrefTo, route } from '../../state/route.js';
import { DataTable } from '../../table/DataTable.js';
import { type Matches, match, positionsOf, rowsOf } from '../../table/match.js';
import { Selection } from '../../table/selection.js';

export function CompareView() {
  const { query } = route.value;
  const [a, b] = [query.get('a') ?? '', query.get('b') ?? ''];
  const first = useCatalogue(a);
  const second = useCatalogue(b);
  if (a === '' || b === '' || first === null || second === null) {
    return (
      <p class="empty">
        {a === '' || b === '' ? 'Which two? ' : 'These two cannot be compared. '}
        <a href={hrefTo(['jobs'])}>Choose two completed jobs</a>
      </p>
    );
  }
  if (!first || !second) return <p class="empty">Reading both catalogues…</p>;
  return <Comparison key={`${a} ${b}`} ids={[a, b]} catalogues={[first, second]} />;
}

/** Null: it cannot be read; why has been told. */
function useCatalogue(id: string): Catalogue | null | undefined {
  const [catalogue, setCatalogue] = useState<Catalogue | null>();
  useEffect(() => {
    if (id === '') return undefined;
    setCatalogue(undefined);
    const controller = new AbortController();
    attempt(async () => {
      try {
        if (!jobOf(id)) await bringJob(id);
        setCatalogue(await readCatalogue(id, controller.signal));
      } catch (thrown) {
        if (controller.signal.aborted) return;
        setCatalogue(null);
        throw thrown;
      }
    });
    return () => controller.abort();
  }, [id]);
  return catalogue;
}

interface ComparisonProps {
  ids: readonly [string, string];
  catalogues: [Catalogue, Catalogue];
}

const kStart = { arcsec: 1, pixel: 2 } as const;

function Comparison({ ids, catalogues }: ComparisonProps) {
  const positions = useMemo(() => positionsOf(catalogues), [catalogues[0], catalogues[1]]);
  const radius = useSignal<number>(positions ? kStart[positions[0].unit] : 1);
  const matches = useMemo(
    () => positions && match(positions[0], positions[1], radius.value),
    [positions, radius.value],
  );
  if (!positions || !matches) return <p class="empty">The two catalogues have no positions in common.</p>;
  const names = ids.map((id) => jobOf(id)?.image ?? id) as [string, string];
  const [first, second] = catalogues;
  return (
    <div class="compare">
      <h1>Two catalogues</h1>
      <section aria-labelledby="common-title">
        <h2 id="common-title">In common</h2>
        <p>
          A: <a href={hrefTo(['jobs', ids[0]])}>{names[0]}</a> ({first.rows} {first.rowsName}); B:{' '}
          <a href={hrefTo(['jobs', ids[1]])}>{names[1]}</a> ({second.rows} {second.rowsName})
        </p>
        <label>
          One and the same within{' '}
          <input
            type="number"
            min="0"
            step="any"
            value={radius.value}
            onInput={(event) => {
              const given = event.currentTarget.valueAsNumber;
              if (given > 0) radius.value = given;
            }}
          />{' '}
          {positions[0].unit}
        </label>
        <p class="kept" role="status">
          {matches.pairs} in both, {matches.onlyFirst.length} in A only, {matches.onlySecond.length} in B only
        </p>
        <Scatter catalogues={catalogues} matches={matches} />
      </section>
      <Only title={`In A only: ${names[0]}`} id="only-a" catalogue={first} rows={matches.onlyFirst} />
      <Only title={`In B only: ${names[1]}`} id="only-b" catalogue={second} rows={matches.onlySecond} />
    </div>
  );
}

interface OnlyProps {
  title: string;
  id: string;
  catalogue: Catalogue;
  rows: Uint32Array;
}

function Only({ title, id, catalogue, rows }: OnlyProps) {
  const selection = useMemo(() => new Selection(rowsOf(catalogue, rows)), [catalogue, rows]);
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {rows.length === 0 ? <p class="small">None.</p> : <DataTable selection={selection} label={title} name={id} />}
    </section>
  );
}

/** A number of B against that of A, for what both have. */
function Scatter({ catalogues, matches }: { catalogues: [Catalogue, Catalogue]; matches: Matches }) {
  const [first, second] = catalogues;
  const shared = first.columns.filter(
    (column): column is NumberColumn =>
      column.type !== 'text' && second.columns.some(({ name, type }) => name === column.name && type !== 'text'),
  );
  const name = useSignal(shared.find(({ ucd }) => ucd.startsWith('phot.'))?.name ?? shared[0]?.name ?? '');
  const a = shared.find((column) => column.name === name.value);
  const b = second.columns.find((column) => column.name === name.value);
  const data = useMemo((): uPlot.AlignedData => {
    if (!a || !b || b.type === 'text') return [[], [], []];
    const pairs = [...matches.partner.entries()]
      .filter(([, partner]) => partner >= 0)
      .map(([row, partner]) => [a.values[row] ?? Number.NaN, b.values[partner] ?? Number.NaN] as const)
      .filter(([x, y]) => !Number.isNaN(x + y))
      .sort(([x], [y]) => x - y);
    return [pairs.map(([x]) => x), pairs.map(([, y]) => y), pairs.map(([x]) => x)];
  }, [a, b, matches]);
  const unit = a?.unit ?? '';
  const positive = Array.from(data[0]).every((x) => x > 0) && Array.from(data[1] ?? []).every((y) => (y ?? 0) > 0);
  const options = useCallback(
    (colours: Colours) => {
      const distr = positive ? (3 as const) : (1 as const);
      const title = `${name.value}${unit === '' ? '' : ` (${unit})`}`;
      return {
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, distr }, y: { distr } },
        axes: [
          axis(colours, { label: `${title} of A`, labelSize: 18, size: 30, values: tickNumbers }),
          axis(colours, { label: `of B`, labelSize: 18, size: 60, values: tickNumbers }),
        ],
        series: [
          {},
          { stroke: colours.accent, paths: () => null, points: { show: true, size: 4, fill: colours.accent } },
          { stroke: colours.soft, width: 1, points: { show: false } },
        ],
      };
    },
    [name.value, unit, positive],
  );
  if (!a) return null;
  return (
    <>
      <label>
        Compare{' '}
        <select value={name.value} onChange={(event) => (name.value = event.currentTarget.value)}>
          {shared.map((column) => (
            <option key={column.name}>{column.name}</option>
          ))}
        </select>
      </label>
      <Plot
        label={`${name.value} of B against that of A, ${data[0].length} pairs`}
        height={320}
        data={data}
        options={options}
      />
    </>
  );
}
