/** What of the catalogue is kept, column by column. The columns that are offered first are known by what they mean (UCD). */
import { useSignal } from '@preact/signals';
import type { Catalogue, NumberColumn } from '../api/catalogue.js';
import { ColumnFilter } from './ColumnFilter.js';
import { CumulativeCounts } from './CumulativeCounts.js';
import type { Selection } from './selection.js';

/** By UCD: how sure, how bright, how large. */
const kFirst = ['stat.probability', 'phot.', 'phys.angSize'];

function isNumeric(column: { type: string }): column is NumberColumn {
  return column.type !== 'text';
}

function firstColumns({ columns }: Catalogue): NumberColumn[] {
  const numeric = columns.filter(isNumeric);
  const known = kFirst.flatMap((ucd) => numeric.find((column) => column.ucd.startsWith(ucd)) ?? []);
  return known.length > 0 ? known : numeric.slice(0, 3);
}

export function Filters({ selection }: { selection: Selection }) {
  const { catalogue } = selection;
  const numeric = catalogue.columns.filter(isNumeric);
  const names = useSignal(firstColumns(catalogue).map(({ name }) => name));
  const counted = useSignal(
    numeric.find(({ ucd }) => ucd.startsWith('phot.'))?.name ?? names.value[0] ?? numeric[0]?.name ?? '',
  );
  const others = numeric.filter(({ name }) => !names.value.includes(name));
  const column = numeric.find(({ name }) => name === counted.value);
  return (
    <div class="filters">
      {numeric
        .filter(({ name }) => names.value.includes(name))
        .map((each) => (
          <ColumnFilter key={each.name} column={each} selection={selection} />
        ))}
      {others.length > 0 && (
        <label class="filter">
          Filter by another column{' '}
          <select
            value=""
            onChange={(event) => {
              names.value = [...names.value, event.currentTarget.value];
            }}
          >
            <option value="">choose…</option>
            {others.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      {column && (
        <fieldset class="filter counts">
          <legend>
            <label>
              Cumulative counts of{' '}
              <select value={counted.value} onChange={(event) => (counted.value = event.currentTarget.value)}>
                {numeric.map(({ name }) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          </legend>
          <CumulativeCounts column={column} selection={selection} />
        </fieldset>
      )}
    </div>
  );
}
