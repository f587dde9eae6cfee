/** The same from a terminal or a notebook. Text of strangers (names of images) is quoted for each language. */

import { address } from '../../api/http.js';
import { resultAddress, type Summary } from '../../api/jobs.js';
import { Copyable } from '../../parts/Copyable.js';

export function Elsewhere({ job }: { job: Summary }) {
  const base = address('.').replace(/\/$/, '');
  const result = resultAddress(job.id, 'result');
  const uws = address(`jobs/${encodeURIComponent(job.id)}`);
  return (
    <section aria-labelledby="elsewhere-title">
      <h2 id="elsewhere-title">Use it elsewhere</h2>
      <Copyable label="Command line" text={`cianna-otf results ${job.id} --server ${base} -o .`} />
      <Copyable label="curl" text={`curl -o catalogue.vot '${result}'`} />
      <Copyable
        label="Python (astropy)"
        text={`from astropy.table import Table\ncatalogue = Table.read('${result}', format='votable')`}
      />
      <Copyable
        label="Python (pyvo)"
        text={`import pyvo\njob = pyvo.dal.AsyncTAPJob('${uws}')\ncatalogue = job.fetch_result().to_table()`}
      />
      <Copyable label="STILTS" text={`stilts tpipe in='${result}' omode=stats`} />
    </section>
  );
}
