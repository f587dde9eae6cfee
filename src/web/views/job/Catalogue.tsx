/** What the job found: the table, what is kept of it, and the ways out. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type Catalogue, readCatalogue } from '../../api/catalogue.js';
import { resultAddress, type Summary } from '../../api/jobs.js';
import { sendTable } from '../../api/samp.js';
import { attempt } from '../../state/notices.js';
import { DataTable } from '../../table/DataTable.js';
import { download, kExports } from '../../table/export.js';
import { Filters } from '../../table/Filters.js';
import { Selection } from '../../table/selection.js';

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
}

export function CatalogueView({ job, selection }: CatalogueProps) {
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
        <Ways job={job} selection={selection} />
      </div>
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

function Ways({ job, selection }: CatalogueProps) {
  const { catalogue, kept, limits, text } = selection;
  const stem = (job.image ?? job.id).replace(/\.fits?(\.gz)?$/i, '');
  const source = resultAddress(job.id, 'result', 'votable');
  const save = (format: (typeof kExports)[number]) =>
    download({ catalogue, rows: kept.value, limits: limits.value, text: text.value, source }, format, stem);
  return (
    <span class="row">
      <span class="small">Download what is kept:</span>
      {kExports.map((format) => (
        <button key={format} type="button" onClick={() => save(format)}>
          {format}
        </button>
      ))}
      <button
        type="button"
        title="To TOPCAT, Aladin or DS9 through the SAMP hub of this computer"
        onClick={() => attempt(() => sendTable(source, stem, job.id), 'sent to the SAMP hub')}
      >
        Send by SAMP
      </button>
      <AladinLite selection={selection} />
    </span>
  );
}

/** A link to elsewhere: nothing is loaded from there by this page. */
function AladinLite({ selection }: { selection: Selection }) {
  const { columns } = selection.catalogue;
  const [ra, dec] = ['pos.eq.ra', 'pos.eq.dec'].map((ucd) => columns.find((each) => each.ucd.startsWith(ucd)));
  const row = selection.current.value ?? selection.shown.value[0];
  if (!ra || !dec || row === undefined || ra.type === 'text' || dec.type === 'text') return null;
  const target = `${ra.values[row]} ${dec.values[row]}`;
  if (target.includes('NaN')) return null;
  const query = new URLSearchParams({ target, fov: '0.1' });
  return (
    <a
      class="button"
      href={`https://aladin.cds.unistra.fr/AladinLite/?${query}`}
      target="_blank"
      rel="noreferrer noopener"
    >
      Aladin Lite here
    </a>
  );
}
