/** Everything the job left, and its result in every format of the kind. */
import { type JobDetails, resultAddress, type Summary } from '../../api/jobs.js';
import { bytes } from '../../parts/shown.js';
import { kindOf } from '../../state/abilities.js';

export function Files({ job, details }: { job: Summary; details: JobDetails }) {
  const kind = kindOf(job.kind);
  const stem = (job.image ?? job.id).replace(/\.fits?(\.gz)?$/i, '');
  return (
    <section aria-labelledby="files-title">
      <h2 id="files-title">Files</h2>
      {kind && (
        <>
          <h3>{`The ${kind.result.title} as`}</h3>
          <p class="row">
            {kind.formats.map(({ name, extension }) => (
              <a
                key={name}
                class="button"
                href={resultAddress(job.id, 'result', name)}
                download={`${stem}.${extension}`}
              >
                {name}
              </a>
            ))}
          </p>
        </>
      )}
      <h3>All that is kept</h3>
      <ul class="files">
        {details.results.map(({ id, mime, size }) => (
          <li key={id}>
            <a href={resultAddress(job.id, id)} download={`${stem}-${id}`}>
              {id}
            </a>
            <span class="small">
              {bytes(size)}, {mime}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
