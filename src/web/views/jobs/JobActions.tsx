/** What can be done to a job in the phase it is in. */
import { abortJob, deleteJob, isEnded, type Summary, startJob } from '../../api/jobs.js';
import { attempt } from '../../state/notices.js';
import { hrefTo } from '../../state/route.js';

export function JobActions({ job, onDeleted }: { job: Summary; onDeleted?: () => void }) {
  const { id, phase, image } = job;
  const name = image ?? id;
  const remove = () => {
    if (!confirm(`Delete the job of ${name} with its files? This cannot be undone.`)) return;
    attempt(async () => {
      await deleteJob(id);
      onDeleted?.();
    }, `${name}: deleted`);
  };
  return (
    <span class="row">
      {phase === 'PENDING' && (
        <button type="button" onClick={() => attempt(() => startJob(id))} aria-label={`Start ${name}`}>
          Start
        </button>
      )}
      {!isEnded(phase) && (
        <button type="button" onClick={() => attempt(() => abortJob(id))} aria-label={`Abort ${name}`}>
          Abort
        </button>
      )}
      <a class="button" href={hrefTo([], { again: id })} aria-label={`Rerun ${name} with changes`}>
        Rerun
      </a>
      <button type="button" class="danger" onClick={remove} aria-label={`Delete ${name}`}>
        Delete
      </button>
    </span>
  );
}
