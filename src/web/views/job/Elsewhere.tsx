/** The same from a terminal or a notebook. Text of strangers (names of images) is quoted for each language. */

import { address } from '../../api/http.js';
import { resultAddress, type Summary } from '../../api/jobs.js';
import { Copyable } from '../../parts/Copyable.js';
import type { Selection } from '../../table/selection.js';

/** With what is kept of the catalogue, as the table and the picture show it. */
export function Elsewhere({ job, selection }: { job: Summary; selection: Selection | undefined }) {
  const base = address('.').replace(/\/$/, '');
  const filter = selection?.filter.value;
  const result = quoted(resultAddress(job.id, 'result', undefined, filter));
  const whole = filter ? ' # the whole catalogue' : '';
  const uws = address(`jobs/${encodeURIComponent(job.id)}`);
  return (
    <section aria-labelledby="elsewhere-title">
      <h2 id="elsewhere-title">Use it elsewhere</h2>
      <Copyable label="Command line" text={`cianna-otf results ${job.id} --server ${base} -o .${whole}`} />
      <Copyable label="curl" text={`curl -o catalogue.vot '${result}'`} />
      <Copyable
        label="Python (astropy)"
        text={`from astropy.table import Table\ncatalogue = Table.read('${result}', format='votable')`}
      />
      <Copyable
        label="Python (pyvo)"
        text={`import pyvo\njob = pyvo.dal.AsyncTAPJob('${uws}')\ncatalogue = job.fetch_result().to_table()${whole}`}
      />
      <Copyable label="STILTS" text={`stilts tpipe in='${result}' omode=stats`} />
    </section>
  );
}

/** A URL leaves ' as it is; what was searched for may have one. */
function quoted(url: string): string {
  return url.replaceAll("'", '%27');
}
