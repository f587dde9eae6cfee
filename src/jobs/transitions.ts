/** Every rule of the phases that clients move jobs through; those of a run are in host.ts. */
import { OtfError } from '../errors/catalogue.js';
import { missingInput } from '../tasks/kind.js';
import { kindNamed } from '../tasks/registry.js';
import { type Asker, accessible } from './access.js';
import type { AbortReason, Executor } from './executor.js';
import { waitsFor } from './followers.js';
import { isFinal, type Job, type JobFailure, type JobInfo, type Phase } from './job.js';
import { RetryLater } from './retry.js';
import type { JobStore } from './store.js';

export interface TransitionParts {
  store: JobStore;
  executor: Executor;
  /** What is known of a job now. */
  info: (job: Job) => JobInfo;
  /** Throws when nothing new is taken. */
  assertOpen: () => void;
}

export class Transitions {
  readonly #parts: TransitionParts;
  /** Admitted in a change, not yet handed to submit: what admit() cannot know of. */
  #reserved = 0;

  constructor(parts: TransitionParts) {
    this.#parts = parts;
  }

  /**
   * One commit; a job that is QUEUED after it is handed to the executor. `again`: a start finds out for itself what this
   * change says, so nothing waits for the disk.
   */
  async commit(id: string, change: (before: Job | undefined) => Job, again = false): Promise<Job> {
    const { store, executor } = this.#parts;
    let reserved = 0;
    try {
      const keep = (step: (old: Job | undefined) => Job) =>
        again ? store.changeBeyondCrash(id, step) : store.change(id, step);
      const job = await keep((old) => {
        const after = change(old);
        if (after.phase === 'QUEUED') {
          this.#reserved++;
          reserved = 1;
        }
        return after;
      });
      if (!job) throw new OtfError('OTF_INTERNAL', 'a change that makes a job has left none');
      if (reserved === 1 && store.get(id)?.phase === 'QUEUED') executor.submit(job);
      return job;
    } finally {
      this.#reserved -= reserved;
    }
  }

  /** PHASE=RUN. */
  run(id: string, who: Asker): Promise<Job> {
    return this.commit(id, (before) => {
      const job = accessible(before, who);
      if (job.phase !== 'PENDING') throw forbidden(job, 'only a PENDING job can be started');
      return this.queued(job);
    });
  }

  /** PENDING -> QUEUED, or -> HELD while it follows others, or -> ERROR when there is nothing to run on. Throws when the queue is full. */
  queued(job: Job): Job {
    const now = Date.now();
    const lacking = missingInput(kindNamed(job.kind), job.parameters.inputs);
    if (lacking) {
      const message = `no ${lacking.name} was given: upload one or name a URL`;
      return { ...job, phase: 'ERROR', endedMs: now, failure: { type: 'fatal', message } };
    }
    const waiting = job.phase === 'HELD' ? [] : waitsFor(job, (id) => this.#parts.store.get(id));
    if (waiting.length > 0) return { ...job, phase: 'HELD', info: { waitsFor: waiting } };
    this.#parts.assertOpen();
    const admission = this.#parts.executor.admit(this.#reserved);
    if (!admission.accepted) throw new RetryLater('OTF_QUEUE_FULL', admission.reason, admission.retryAfterS);
    return { ...job, phase: 'QUEUED', queuedMs: now };
  }

  /** From every phase but the final ones, which it leaves as they are. */
  async abort(id: string, who: Asker, why: AbortReason): Promise<Job> {
    const { store, executor, info } = this.#parts;
    let left: Phase | undefined;
    const job = await store.change(id, (before) => {
      const old = accessible(before, who);
      if (isFinal(old.phase)) return old;
      left = old.phase;
      const told = why === 'duration' ? { failure: tooLong(old) } : {};
      return { ...old, phase: 'ABORTED', endedMs: Date.now(), info: info(old), ...told };
    });
    if (left === 'QUEUED' || left === 'EXECUTING') executor.abort(id, why);
    return accessible(job, who);
  }
}

function tooLong({ executionDurationS }: Job): JobFailure {
  return { type: 'fatal', message: `it took longer than EXECUTIONDURATION=${executionDurationS} s` };
}

export function forbidden(job: Job, rule: string): OtfError {
  return new OtfError('OTF_PHASE_FORBIDS', `the job is ${job.phase}: ${rule}`);
}
