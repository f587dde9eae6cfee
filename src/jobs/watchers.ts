/** Those who want to hear of changes: WAIT requests of one job, and listeners to the events of all. */
import type { Progress } from '../tasks/kind.js';
import type { LogLevel } from '../tasks/log.js';
import type { Phase } from './job.js';

export type JobEvent =
  | { type: 'phase'; jobId: string; phase: Phase | 'DELETED'; timeMs: number }
  | ({ type: 'progress'; jobId: string; timeMs: number } & Progress)
  /** A line of the log of the job, as it may leave the server. */
  | { type: 'log'; jobId: string; level: LogLevel; message: string; timeMs: number };

/** `owner`: of the job it is about. */
export type EventListener = (event: JobEvent, owner: string | null) => unknown;

/** A waiter is one entry in a set and one timer: ten thousand of them cost other requests nothing. */
export class Waiters {
  readonly #byJob = new Map<string, Set<() => void>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Calls `done` once: at wake(jobId) or after timeoutMs. The result cancels, without a call. */
  wait(jobId: string, timeoutMs: number, done: () => void): () => void {
    const waiters = this.#byJob.get(jobId) ?? new Set();
    this.#byJob.set(jobId, waiters);
    const cancel = () => {
      clearTimeout(timer);
      if (waiters.delete(finish)) this.#count--;
      if (waiters.size === 0 && this.#byJob.get(jobId) === waiters) this.#byJob.delete(jobId);
    };
    const finish = () => {
      cancel();
      done();
    };
    const timer = setTimeout(finish, timeoutMs);
    waiters.add(finish);
    this.#count++;
    return cancel;
  }

  /** As a promise; `onCancel` gets the way to give up, which resolves it, too. */
  waited(jobId: string, timeoutMs: number, onCancel: (cancel: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.wait(jobId, timeoutMs, resolve);
      onCancel(() => {
        cancel();
        resolve();
      });
    });
  }

  wake(jobId: string): void {
    for (const finish of [...(this.#byJob.get(jobId) ?? [])]) finish();
  }

  wakeAll(): void {
    for (const jobId of [...this.#byJob.keys()]) this.wake(jobId);
  }
}

export class Events {
  readonly #listeners = new Set<EventListener>();

  get listeners(): number {
    return this.#listeners.size;
  }

  /** The result unsubscribes. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: JobEvent, owner: string | null): void {
    for (const listener of this.#listeners) listener(event, owner);
  }
}
