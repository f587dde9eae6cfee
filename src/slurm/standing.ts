/**
 * How a job in a folder stands that Slurm runs: what the folder says counts first, for the run itself wrote it; what Slurm says
 * comes second; and that Slurm does not know a job means nothing. (A controller that was killed has forgotten jobs which then
 * ran to their end, and finished jobs are forgotten after MinJobAge.)
 */
import { type FolderState, isDone, isOver, kNotSent } from '../jobdir/state.js';
import { isActive, isWaiting, type SlurmJob } from './queue.js';

export interface Standing {
  phase: FolderState['phase'];
  /** Of an end: as errors say it; of a job that waits: why. */
  why?: string;
  /** Slurm knows of it no more than the folder does: it may wait, run, or be gone. */
  unknown?: true;
}

export function standingOf(state: FolderState, job: SlurmJob | undefined): Standing {
  if (state.delivery && !isDone(state)) return undelivered(state, job);
  if (isOver(state)) {
    const why = state.error?.message ?? state.note;
    return { phase: state.phase, ...(why === undefined ? {} : { why }) };
  }
  if (!job) return { phase: state.phase, why: 'Slurm does not know of it now, which says nothing', unknown: true };
  if (isActive(job)) {
    if (isWaiting(job)) return { phase: 'QUEUED', ...(job.reason ? { why: job.reason } : {}) };
    return { phase: state.phase };
  }
  return ended(state, job);
}

/** The run of it is over; what it has left is on its way. */
function undelivered({ delivery }: FolderState, job: SlurmJob | undefined): Standing {
  if (delivery?.state === 'failed') return { phase: 'ERROR', why: delivery.message ?? kNotSent };
  const why = 'its results are on their way to where they are wanted';
  if (!job) return { phase: 'EXECUTING', why, unknown: true };
  return isActive(job) ? { phase: 'EXECUTING', why } : { phase: 'ERROR', why: kNotSent };
}

function ended({ note }: FolderState, { id, state, reason, nodes }: SlurmJob): Standing {
  const where = nodes === '' ? '' : ` on ${nodes}`;
  const more = [reason, note].filter((text) => text).join('; ');
  const tail = more === '' ? '' : ` (${more})`;
  switch (state) {
    case 'CANCELLED':
      return { phase: 'ABORTED', why: `the Slurm job ${id} was cancelled${tail}` };
    case 'COMPLETED': {
      const what = `the Slurm job ${id} ended well${where}, and its folder says nothing of it`;
      return { phase: 'ERROR', why: `${what}: is it on a file system that the nodes share?` };
    }
    case 'TIMEOUT':
    case 'DEADLINE':
      return { phase: 'ERROR', why: `the Slurm job ${id} took longer than its time limit${tail}` };
    default:
      return { phase: 'ERROR', why: `the Slurm job ${id} ended as ${state}${where}${tail}` };
  }
}
