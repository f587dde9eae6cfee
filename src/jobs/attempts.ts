/** Attempts are counted in the row before they begin: what is known of a job when the server has ended in the middle of it. */
import type { Job } from './job.js';

/** A job that was being executed at so many ends of the server, alone but for the first, is to blame for them. */
const kMostAttempts = 3;

/** A job that was being executed when the server ended without a word; `apart`: in another process, which goes on. */
export function afterCrash(job: Job, apart: boolean): Job {
  if (apart) return { ...job, phase: 'QUEUED', startedMs: null, info: {} };
  const attempts = job.info.attempts ?? 1;
  if (attempts < kMostAttempts) return { ...job, phase: 'QUEUED', startedMs: null, info: { attempts } };
  const message =
    `the server ended ${attempts} times while this job was being executed, the last time with no other beside it: ` +
    'it is not tried again';
  return { ...job, phase: 'ERROR', endedMs: Date.now(), failure: { type: 'fatal', message } };
}
