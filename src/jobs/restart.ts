/** What an earlier run of the program left unfinished: queued again, but for what ends the server each time. */
import type { Logger } from 'pino';
import { afterEnd } from './attempts.js';
import type { Job } from './job.js';
import { beginRun } from './run-record.js';
import type { JobStore } from './store.js';

interface Restart {
  store: JobStore;
  dataDir: string;
  /** Jobs are executed by other processes, which go on when this one ends. */
  apart: boolean;
  log: Logger;
}

/** Gives those to be run, the oldest first. */
export async function queueUnfinished({ store, dataDir, apart, log }: Restart): Promise<Job[]> {
  const { ending, words } = beginRun(dataDir);
  if (ending !== 'in order') log.warn({ ending }, `the run before this one ${words}`);
  const left = [...store.active()].filter(({ phase }) => phase === 'QUEUED' || phase === 'EXECUTING');
  left.sort((a, b) => (a.queuedMs ?? 0) - (b.queuedMs ?? 0));
  const jobs = await Promise.all(
    left.map((job) =>
      store.change(job.id, (now) => (now?.phase === 'EXECUTING' ? afterEnd(now, apart ? 'elsewhere' : ending) : now)),
    ),
  );
  if (jobs.length > 0) log.info({ jobs: jobs.length }, 'unfinished jobs queued again');
  return jobs.filter((job): job is Job => job?.phase === 'QUEUED');
}
