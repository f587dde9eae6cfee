/** What an earlier run of the program left unfinished: queued again, but for what ends the server each time. */
import { afterCrash } from './attempts.js';
import type { Job } from './job.js';
import type { JobStore } from './store.js';

export interface Unfinished {
  /** That were queued or executing. */
  found: number;
  /** To be run, the oldest first. */
  queued: Job[];
}

export async function queueUnfinished(store: JobStore, apart: boolean): Promise<Unfinished> {
  const left = [...store.active()].filter(({ phase }) => phase === 'QUEUED' || phase === 'EXECUTING');
  left.sort((a, b) => (a.queuedMs ?? 0) - (b.queuedMs ?? 0));
  const jobs = await Promise.all(
    left.map((job) => store.change(job.id, (now) => (now?.phase === 'EXECUTING' ? afterCrash(now, apart) : now))),
  );
  return { found: jobs.length, queued: jobs.filter((job): job is Job => job?.phase === 'QUEUED') };
}
