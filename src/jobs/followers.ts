/**
 * Jobs that follow others: HELD until each of those is COMPLETED and what is wanted of it has been linked, then QUEUED. When
 * one of them does not end well, the job is ABORTED with the cause, and so are those that follow it. What a job still
 * waits for is in its row, so a start goes on where the program ended.
 */
import type { Logger } from 'pino';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import { publicText } from '../errors/public-text.js';
import type { InputFile, Inputs, LaterFile, UploadedFile } from '../tasks/files.js';
import type { JobParameters } from '../tasks/parameters.js';
import { isActive, type Job } from './job.js';
import type { JobStore } from './store.js';
import type { Transitions } from './transitions.js';

/** The file, now in the folder of the job that wants it. Throws OTF_NOT_FOUND when there is none. */
export type Bring = (job: Job, file: LaterFile) => Promise<UploadedFile>;

export interface FollowersParts {
  store: JobStore;
  transitions: Transitions;
  log: Logger;
  bring: Bring;
}

/** The queue was full. */
const kAgainMs = 500;

/** Ids of jobs that these parameters make a job follow. */
export function followedBy({ after = [], inputs }: Pick<JobParameters, 'after' | 'inputs'>): string[] {
  return [...new Set([...after, ...laterFiles(inputs).map(({ jobId }) => jobId)])];
}

/** Of those, the ones it has to wait for. */
export function waitsFor(job: Job, find: (id: string) => Job | undefined): string[] {
  const wanted = new Set(laterFiles(job.parameters.inputs).map(({ jobId }) => jobId));
  return followedBy(job.parameters).filter((id) => wanted.has(id) || find(id)?.phase !== 'COMPLETED');
}

/** A job that waits for itself, by way of others or without, would be HELD for ever. Throws OTF_BAD_REQUEST. */
export function assertNoCircle(job: Job, find: (id: string) => Job | undefined): void {
  const seen = new Set<string>();
  for (let ids = followedBy(job.parameters); ids.length > 0; ) {
    if (ids.includes(job.id)) throw new OtfError('OTF_BAD_REQUEST', `the job would wait for itself: ${job.id}`);
    const fresh = ids.filter((id) => !seen.has(id));
    for (const id of fresh) seen.add(id);
    ids = fresh.flatMap((id) => {
      const followed = find(id);
      return followed && isActive(followed.phase) ? followedBy(followed.parameters) : [];
    });
  }
}

function laterFiles(inputs: Inputs): LaterFile[] {
  return Object.values(inputs)
    .flat()
    .filter((file): file is LaterFile => file.kind === 'later');
}

export class Followers {
  readonly #parts: FollowersParts;
  /** Who waits for whom. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Being looked at; looked at once more when something has moved meanwhile. */
  readonly #looking = new Map<string, 'once' | 'again'>();
  #timers = new Set<NodeJS.Timeout>();
  #stopped = false;

  constructor(parts: FollowersParts) {
    this.#parts = parts;
  }

  /** What an earlier run of the program left. */
  begin(): void {
    for (const job of this.#parts.store.active()) if (job.phase === 'HELD') this.#hold(job);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** To be told of every change of a job. */
  changed(after: Job | null, before: Job | undefined): void {
    if (after?.phase === 'HELD' && before?.phase !== 'HELD') this.#hold(after);
    const id = after?.id ?? before?.id ?? '';
    if (after?.phase === before?.phase) return;
    for (const follower of this.#waiting.get(id) ?? []) this.#look(follower);
  }

  #hold(job: Job): void {
    for (const id of job.info.waitsFor ?? []) {
      const followers = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, followers.add(job.id));
    }
    this.#look(job.id);
  }

  #look(id: string): void {
    if (this.#stopped) return;
    if (this.#looking.has(id)) {
      this.#looking.set(id, 'again');
      return;
    }
    this.#looking.set(id, 'once');
    this.#step(id)
      .catch((thrown) => this.#failed(id, thrown))
      .finally(() => {
        const again = this.#looking.get(id) === 'again';
        this.#looking.delete(id);
        if (again) this.#look(id);
      });
  }

  async #step(id: string): Promise<void> {
    const { store } = this.#parts;
    const job = store.get(id);
    if (job?.phase !== 'HELD') return this.#forget(id);
    const done = new Set<string>();
    for (const other of job.info.waitsFor ?? []) {
      const followed = store.get(other);
      if (!followed) return this.#abort(job, `job ${other}, which it follows, was deleted`);
      const { phase, failure } = followed;
      if (phase === 'COMPLETED') done.add(other);
      else if (phase === 'ERROR' || phase === 'ABORTED') {
        const why = failure ? `: ${failure.message}` : '';
        return this.#abort(job, `job ${other}, which it follows, ended as ${phase}${why}`);
      }
    }
    if (job.info.waitsFor?.length === 0) await this.#queue(id);
    else if (done.size > 0) await this.#release(job, done);
  }

  async #release(job: Job, done: ReadonlySet<string>): Promise<void> {
    const { store, bring } = this.#parts;
    const brought = new Map<InputFile, UploadedFile>();
    for (const file of laterFiles(job.parameters.inputs)) {
      if (!done.has(file.jobId)) continue;
      try {
        brought.set(file, await bring(job, file));
      } catch (thrown) {
        const { code, message } = toOtfError(thrown);
        if (code !== 'OTF_NOT_FOUND') throw thrown;
        return this.#abort(job, `job:${file.jobId}/${file.name} cannot be had: ${message}`);
      }
    }
    const inputs = (now: Job) =>
      Object.fromEntries(
        Object.entries(now.parameters.inputs).map(([name, all]) => [
          name,
          all.map((file) => brought.get(file) ?? file),
        ]),
      ) as Inputs;
    const left = (now: Job) => (now.info.waitsFor ?? []).filter((id) => !done.has(id));
    const linked = (now: Job) => ({ ...now, parameters: { ...now.parameters, inputs: inputs(now) } });
    try {
      if (left(job).length === 0) return await this.#queue(job.id, linked);
    } catch (thrown) {
      // Kept while the queue is full: what has been linked is not linked again.
      if (brought.size === 0) throw thrown;
    }
    const kept = await store.change(job.id, (now) =>
      now?.phase === 'HELD' ? { ...linked(now), info: { waitsFor: left(now) } } : now,
    );
    if (kept?.phase === 'HELD' && kept.info.waitsFor?.length === 0) await this.#queue(job.id);
  }

  /** Throws what keeps it from being queued now. */
  async #queue(id: string, as: (now: Job) => Job = (now) => now): Promise<void> {
    const queued = (now: Job | undefined) => {
      if (now?.phase !== 'HELD') throw new OtfError('OTF_NOT_FOUND', 'no job that waits');
      return this.#parts.transitions.queued({ ...as(now), info: {} });
    };
    // A row that is HELD again after a power cut is looked at again: what it follows has ended.
    await this.#parts.transitions.commit(id, queued, true);
    this.#forget(id);
  }

  async #abort(job: Job, message: string): Promise<void> {
    const failure = { type: 'fatal' as const, message: publicText(message) };
    await this.#parts.store.change(job.id, (now) =>
      now?.phase === 'HELD' ? { ...now, phase: 'ABORTED', endedMs: Date.now(), failure } : now,
    );
    this.#forget(job.id);
  }

  /** A full queue or disk passes; the job waits. */
  #failed(id: string, thrown: unknown): void {
    const { operators } = toOtfError(thrown).kind;
    if (operators !== undefined) this.#parts.log.error({ err: thrown, jobId: id }, 'a job that follows others');
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#look(id);
    }, kAgainMs);
    this.#timers.add(timer);
  }

  #forget(id: string): void {
    for (const [other, followers] of this.#waiting) {
      if (followers.delete(id) && followers.size === 0) this.#waiting.delete(other);
    }
  }
}
