/** What the job found: the table, what is kept of it, and the ways out. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type Catalogue, readCatalogue } from '../../api/catalogue.js';
import type { Summary } from '../../api/jobs.js';
import type { Look } from '../../sky/look.js';
import { attempt } from '../../state/notices.js';
import { DataTable } from '../../table/DataTable.js';
import { Filters } from '../../table/Filters.js';
import { Selection } from '../../table/selection.js';
import { Ways } from './Ways.js';

/** The selection of a job's catalogue; undefined until it is here. */
export function useSelection(id: string, wanted: boolean): Selection | undefined {
  const [catalogue, setCatalogue] = useState<Catalogue>();
  useEffect(() => {
    if (!wanted) return undefined;
    const controller = new AbortController();
    attempt(async () => {
      try {
        setCatalogue(await readCatalogue(id, controller.signal));
      } catch (thrown) {
        if (!controller.signal.aborted) throw thrown;
      }
    });
    return () => controller.abort();
  }, [id, wanted]);
  return useMemo(() => catalogue && new Selection(catalogue), [catalogue]);
}

interface CatalogueProps {
  job: Summary;
  selection: Selection;
  look: Look;
}

export function CatalogueView({ job, selection, look }: CatalogueProps) {
  const { catalogue } = selection;
  return (
    <section class="catalogue" aria-labelledby="catalogue-title">
      <h2 id="catalogue-title">Catalogue</h2>
      <div class="toolbar">
        <Kept selection={selection} />
        <label>
          Find{' '}
          <input
            type="search"
            value={selection.text.value}
            onInput={(event) => (selection.text.value = event.currentTarget.value)}
          />
        </label>
      </div>
      <Ways job={job} selection={selection} look={look} />
      <DataTable selection={selection} label={`${catalogue.rowsName} of ${job.image ?? job.id}`} />
      <Filters selection={selection} />
    </section>
  );
}

function Kept({ selection }: { selection: Selection }) {
  const { rows, rowsName } = selection.catalogue;
  const kept = selection.kept.value.length;
  return (
    <>
      <output class="kept">
        {kept === rows ? rows.toLocaleString() : `${kept.toLocaleString()} of ${rows.toLocaleString()}`} {rowsName}
      </output>
      {kept !== rows && (
        <button type="button" onClick={() => selection.clear()}>
          Show all
        </button>
      )}
    </>
  );
}
