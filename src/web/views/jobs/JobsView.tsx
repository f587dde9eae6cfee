/** The jobs of the server, live. */
import { useSignal } from '@preact/signals';
import { jobs } from '../../state/jobs.js';
import { hrefTo } from '../../state/route.js';
import { JobRow } from './JobRow.js';

const kPhases = ['PENDING', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED'];

export function JobsView() {
  const phase = useSignal('');
  const text = useSignal('');
  const chosen = useSignal<readonly string[]>([]);
  const wanted = text.value.toLowerCase();
  const shown = jobs.value.filter(
    (job) =>
      (phase.value === '' || job.phase === phase.value) &&
      [job.image, job.id, job.model, job.runId, job.ownerId].some((each) => each?.toLowerCase().includes(wanted)),
  );
  const choose = (id: string, on: boolean) => {
    // Two are compared: the earliest choice makes way.
    chosen.value = on ? [...chosen.value, id].slice(-2) : chosen.value.filter((each) => each !== id);
  };
  const [a, b] = chosen.value;
  return (
    <div class="jobs">
      <h1>Jobs</h1>
      <div class="toolbar">
        <label>
          Phase{' '}
          <select value={phase.value} onChange={(event) => (phase.value = event.currentTarget.value)}>
            <option value="">all</option>
            {kPhases.map((each) => (
              <option key={each} value={each}>
                {each.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        <label>
          Find{' '}
          <input
            type="search"
            value={text.value}
            placeholder="image, id, model, run id, owner"
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </label>
        {a !== undefined && b !== undefined && (
          <a class="button" href={hrefTo(['compare'], { a, b })}>
            Compare the two
          </a>
        )}
      </div>
      {shown.length === 0 ? (
        <p class="empty">
          {jobs.value.length === 0 ? 'There are no jobs yet. ' : 'No job is like that. '}
          <a href={hrefTo([])}>Submit one</a>
        </p>
      ) : (
        <table class="list">
          <caption class="hidden">Jobs, the newest first</caption>
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden">Compare</span>
              </th>
              <th scope="col">Image</th>
              <th scope="col">Phase</th>
              <th scope="col">Found</th>
              <th scope="col">Model</th>
              <th scope="col">Created</th>
              <th scope="col">
                <span class="hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((job) => (
              <JobRow key={job.id} job={job} chosen={chosen.value.includes(job.id)} onChoose={choose} />
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
