/** Out of the page: what is kept of the catalogue, as a file or into another program. */
import { useComputed, useSignal } from '@preact/signals';
import { resultAddress, type Summary } from '../../api/jobs.js';
import { sendTable } from '../../api/samp.js';
import type { Look } from '../../sky/look.js';
import { kindOf } from '../../state/abilities.js';
import { attempt } from '../../state/notices.js';
import type { Selection } from '../../table/selection.js';

interface WaysProps {
  job: Summary;
  selection: Selection;
  look: Look;
}

export function Ways({ job, selection, look }: WaysProps) {
  const stem = (job.image ?? job.id).replace(/\.fits?(\.gz)?$/i, '');
  const filter = selection.filter.value;
  const name = filter ? `${stem}-filtered` : stem;
  const send = () => sendTable(resultAddress(job.id, 'result', 'votable', filter), name, job.id);
  return (
    <div class="toolbar">
      <Download job={job} selection={selection} name={name} />
      <button
        type="button"
        title="What is kept, to TOPCAT, Aladin or DS9 through the SAMP hub of this computer"
        onClick={() => attempt(send, 'sent to the SAMP hub')}
      >
        Send by SAMP
      </button>
      <AladinLite selection={selection} />
      {look.openIn.value.map(({ name: program, url }) => (
        <Elsewhere key={program} href={url} text={`Open in ${program}`} />
      ))}
    </div>
  );
}

/** The server cuts the rows off by the same limits: in any format, the numbers and facts are those of the whole. */
function Download({ job, selection, name }: Omit<WaysProps, 'look'> & { name: string }) {
  const formats = kindOf(job.kind)?.formats ?? [];
  const chosen = useSignal(formats[0]?.name ?? '');
  const format = formats.find((each) => each.name === chosen.value) ?? formats[0];
  const kept = useComputed(() => selection.kept.value.length.toLocaleString());
  if (!format) return null;
  return (
    <span class="row">
      <label>
        <span class="hidden">Format of the download</span>
        <select value={format.name} onChange={(event) => (chosen.value = event.currentTarget.value)}>
          {formats.map((each) => (
            <option key={each.name}>{each.name}</option>
          ))}
        </select>
      </label>
      <a
        class="button"
        href={resultAddress(job.id, 'result', format.name, selection.filter.value)}
        download={`${name}.${format.extension}`}
      >
        Download {kept} {selection.catalogue.rowsName}
      </a>
    </span>
  );
}

function AladinLite({ selection }: { selection: Selection }) {
  const { columns } = selection.catalogue;
  const [ra, dec] = ['pos.eq.ra', 'pos.eq.dec'].map((ucd) => columns.find((each) => each.ucd.startsWith(ucd)));
  const row = selection.current.value ?? selection.shown.value[0];
  if (!ra || !dec || row === undefined || ra.type === 'text' || dec.type === 'text') return null;
  const target = `${ra.values[row]} ${dec.values[row]}`;
  if (target.includes('NaN')) return null;
  const query = new URLSearchParams({ target, fov: '0.1' });
  return <Elsewhere href={`https://aladin.cds.unistra.fr/AladinLite/?${query}`} text="Aladin Lite here" />;
}

/** A link to elsewhere: nothing is loaded from there by this page. */
function Elsewhere({ href, text }: { href: string; text: string }) {
  return (
    <a class="button" href={href} target="_blank" rel="noreferrer noopener">
      {text}
    </a>
  );
}
