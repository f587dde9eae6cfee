import { isEnded, type Summary } from '../../api/jobs.js';
import { PhaseBadge, ProgressBar } from '../../parts/Phase.js';
import { duration, instant } from '../../parts/shown.js';
import { hrefTo } from '../../state/route.js';
import { JobActions } from './JobActions.js';

interface JobRowProps {
  job: Summary;
  chosen: boolean;
  onChoose: (id: string, on: boolean) => void;
}

export function JobRow({ job, chosen, onChoose }: JobRowProps) {
  const { id, image, phase, found, model, quantization, creationTime, runId } = job;
  const name = image ?? id;
  return (
    <tr data-job={id}>
      <td>
        {phase === 'COMPLETED' && (
          <input
            type="checkbox"
            aria-label={`Compare ${name}`}
            checked={chosen}
            onChange={(event) => onChoose(id, event.currentTarget.checked)}
          />
        )}
      </td>
      <td class="wide">
        <a href={hrefTo(['jobs', id])}>{name}</a>
        {runId !== undefined && <span class="small"> {runId}</span>}
      </td>
      <td>
        <PhaseBadge phase={phase} /> <JobState job={job} />
      </td>
      <td>{found && `${found.count.toLocaleString()} ${found.rows}`}</td>
      <td>
        {model} <span class="small">{quantization}</span>
      </td>
      <td>{instant(creationTime)}</td>
      <td class="actions">
        <JobActions job={job} />
      </td>
    </tr>
  );
}

/** What is worth knowing in the phase it is in. */
export function JobState({ job }: { job: Summary }) {
  const { phase, progress, position, quote, error, startTime, endTime, image, id } = job;
  if (phase === 'ERROR') return <span class="fault">{error}</span>;
  const left = quote === undefined ? undefined : Date.parse(quote) - Date.now();
  const leftText = left === undefined ? '' : `about ${duration(left)} left`;
  if (phase === 'QUEUED') {
    const place = position === undefined ? '' : `place ${position}`;
    return <span class="small">{[place, leftText].filter(Boolean).join(', ')}</span>;
  }
  if (phase === 'EXECUTING' && progress) {
    return (
      <>
        <ProgressBar progress={progress} label={`Progress of ${image ?? id}`} /> <span class="small">{leftText}</span>
      </>
    );
  }
  if (isEnded(phase) && startTime !== undefined && endTime !== undefined) {
    return <span class="small">in {duration(Date.parse(endTime) - Date.parse(startTime))}</span>;
  }
  return null;
}
