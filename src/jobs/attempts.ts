/** Attempts are counted in the row before they begin: what is known of a job when the server has ended in the middle of it. */
import type { Job, JobInfo } from './job.js';
import type { Ending } from './run-record.js';

/** A job that was being executed at so many ends of the server, alone but for the first, is to blame for them. */
const kMostAttempts = 3;
/** So many ends from outside are nobody's doing; what always meets the same job after that may be one. */
const kMostInterruptions = 10;

/** A job that was being executed when the server ended without a word; `elsewhere`: by another process, which went on. */
export function afterEnd(job: Job, ending: Ending | 'elsewhere'): Job {
  if (ending === 'elsewhere') return { ...job, phase: 'QUEUED', startedMs: null, info: {} };
  const info = countsOf(job, ending);
  const { attempts = 0, interruptions = 0 } = info;
  if (attempts < kMostAttempts) return { ...job, phase: 'QUEUED', startedMs: null, info };
  const message =
    `the server ended ${attempts + interruptions} times while this job was being executed, the last time with no other ` +
    'beside it: it is not tried again';
  return { ...job, phase: 'ERROR', endedMs: Date.now(), failure: { type: 'fatal', message } };
}

/** Of what is kept of a job that begins anew. */
function countsOf({ info }: Job, ending: Ending): JobInfo {
  const { attempts = 1, interruptions = 0 } = info;
  const innocent = ending === 'outside' && interruptions < kMostInterruptions;
  return carried(innocent ? { attempts: attempts - 1, interruptions: interruptions + 1 } : { attempts, interruptions });
}

/** The counts of a job without those that are 0. */
export function carried({ attempts = 0, interruptions = 0 }: JobInfo): JobInfo {
  return { ...(attempts > 0 ? { attempts } : {}), ...(interruptions > 0 ? { interruptions } : {}) };
}
