/** Workers on other machines: what they hold, and what has become of jobs there. */
import type { WorkerFacts } from '../../api/server.js';
import { duration } from '../../parts/shown.js';

export function Workers({ workers }: { workers: WorkerFacts[] }) {
  return (
    <section aria-labelledby="workers-title">
      <h2 id="workers-title">Workers</h2>
      {workers.length === 0 ? (
        <p class="small">None is heard of: jobs wait.</p>
      ) : (
        <table class="list">
          <caption class="hidden">Workers on other machines</caption>
          <thead>
            <tr>
              <th scope="col">Worker</th>
              <th scope="col">Machine</th>
              <th scope="col">Networks</th>
              <th scope="col">Has</th>
              <th scope="col">Completed</th>
              <th scope="col">Lost (not known there)</th>
              <th scope="col">Given back</th>
              <th scope="col">Refused</th>
            </tr>
          </thead>
          <tbody>
            {workers.map(({ name, node, startedMs, leaving, keys, held, completed, lost, swept, back, refused }) => (
              <tr key={name}>
                <td>
                  {name} <span class="small">{leaving ? 'ends' : `for ${duration(Date.now() - startedMs)}`}</span>
                </td>
                <td>{node}</td>
                <td>{keys.join(', ')}</td>
                <td>{held}</td>
                <td>{completed}</td>
                <td>{swept === 0 ? lost : `${lost} (${swept})`}</td>
                <td>{back}</td>
                <td>{refused}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
