/** What a runner tells: most of it to the jobs' host, kept also while the disk takes nothing, and the rest to the scheduler. */
import { OtfError } from '../errors/catalogue.js';
import type { ExecutorHost } from '../jobs/executor.js';
import type { Job } from '../jobs/job.js';
import type { RunHost } from '../run/runner.js';
import type { Persistence } from './persistence.js';

export interface RunEvents extends Pick<RunHost, 'opened' | 'progress' | 'passDone' | 'changed'> {
  over: (jobId: string) => void;
  /** Nothing shall begin for a while. */
  short: () => void;
  /** The job is QUEUED again. */
  again: (job: Job) => void;
}

export function runHostOf(host: ExecutorHost, persist: Persistence, events: RunEvents): RunHost {
  const putBack = async (job: Job, reason: OtfError) => {
    host.log(job.id, 'warn', `${reason.message}: the job waits and is run again`);
    // One that was not executing yet is in the queue as far as its row says.
    if ((await persist.requeued(job.id)) || host.job(job.id)?.phase === 'QUEUED') events.again(job);
  };
  const readOnly = new OtfError('OTF_DISK_READ_ONLY', 'the disk is read-only');
  return {
    ...events,
    config: host.config,
    metrics: host.metrics,
    job: (jobId) => host.job(jobId),
    deleting: (jobId) => host.deleting(jobId),
    folder: (jobId) => host.folder(jobId),
    assertRoom: () => host.assertRoom(),
    executing: (jobId, info) => persist.executing(jobId, info),
    progress: (jobId, progress) => {
      events.progress(jobId, progress);
      host.progress(jobId, progress);
    },
    over: (job, used) => {
      host.used(job, used);
      events.over(job.id);
    },
    closing: (jobId) => host.closing(jobId),
    completed: (jobId, outcome) => persist.completed(jobId, outcome),
    failed: async (jobId, failure) => {
      const job = host.job(jobId);
      // Whatever it says it failed of, that may have been the reason; and the disk may be itself again.
      const waits = host.readOnly !== undefined && (host.readOnly || failure.code === readOnly.code);
      if (!job || !waits) return persist.failed(jobId, failure);
      events.short();
      await putBack(job, readOnly);
      return true;
    },
    short: (job, reason) => {
      events.short();
      putBack(job, reason).catch((thrown) => host.internal(thrown));
    },
    lost: (job, reason) => {
      putBack(job, reason).catch((thrown) => host.internal(thrown));
    },
    requeued: (jobId) => host.requeued(jobId),
    log: (jobId, level, message) => host.log(jobId, level, message),
    internal: (thrown) => host.internal(thrown),
  };
}
