/** What workers say, and what that changes. Nothing of an attempt that is not the job's own now changes anything. */

import { hash } from 'node:crypto';
import { OtfError } from '../../errors/catalogue.js';
import { isActive, type Job } from '../../jobs/job.js';
import type { CameFiles } from './bundle.js';
import type { Lease } from './leases.js';
import type { Ledger } from './ledger.js';
import {
  type Beat,
  type End,
  type EndAnswer,
  type EndReport,
  failureOf,
  infoOf,
  kBeatSchema,
  kEndSchema,
  kExecutingSchema,
  kLogSchema,
  resultFiles,
  type SentFile,
} from './messages.js';
import { placeName, workerOf } from './roster.js';

/** Beats that list a job of the worker no more, before it counts as lost there. */
const kMostAbsent = 3;
/** Answers that are kept for whoever did not get them. */
const kMostAnswers = 10_000;

/** What the worker is told that has what it should not have. */
export type Drop = (
  worker: string,
  what: { job: string; attempt: string } | { instance: string; leave: string },
) => void;

export class Reports {
  readonly #ledger: Ledger;
  readonly #drop: Drop;
  readonly #answers = new Map<string, EndAnswer>();
  /** By job: what is kept of it just now, to the last sync of its row. Its lease is over before that. */
  readonly #endings = new Map<string, Promise<EndAnswer>>();

  constructor(ledger: Ledger, drop: Drop) {
    this.#ledger = ledger;
    this.#drop = drop;
  }

  /** Does it change where jobs may go? */
  beat(said: unknown, nowMs: number): boolean {
    const { roster, leases, host, metrics } = this.#ledger.parts;
    const read = kBeatSchema.safeParse(said);
    if (!read.success) {
      metrics.garbled();
      return false;
    }
    const beat = read.data;
    const { replaced, outdated } = roster.hear(beat, nowMs);
    if (outdated) {
      this.#drop(beat.worker, { instance: beat.instance, leave: 'there is a later worker of this name' });
      return false;
    }
    const listed = new Map(beat.jobs.map((held) => [held.attempt, held]));
    for (const lease of leases.ofWorker(beat.worker)) {
      if (!listed.has(lease.attempt)) this.#absent(lease, replaced);
    }
    for (const { key, items, seconds } of beat.passes) {
      metrics.tiles(key, items);
      host.passDone(key, items, seconds);
    }
    for (const held of beat.jobs) this.#held(beat.worker, held, nowMs);
    if (beat.leaving && leases.ofWorker(beat.worker).length === 0) roster.forget(beat.worker);
    return true;
  }

  #absent(lease: Lease, replaced: boolean): void {
    if (this.ends(lease.job.id) || lease.takenMs === undefined) return;
    lease.absent++;
    if (replaced) this.#ledger.lost(lease, 'was started again');
    else if (lease.absent >= kMostAbsent) this.#ledger.lost(lease, 'does not know it any more', true);
  }

  #held(worker: string, { job, attempt, progress }: Beat['jobs'][number], nowMs: number): void {
    const { leases, host } = this.#ledger.parts;
    const lease = leases.find(job, attempt);
    if (lease?.abortedMs !== undefined) this.#drop(worker, { job, attempt });
    if (!lease) {
      if (!this.ends(job) && !this.#free(job, attempt)) this.#drop(worker, { job, attempt });
      return;
    }
    lease.absent = 0;
    lease.takenMs ??= nowMs;
    if (!progress || lease.abortedMs !== undefined) return;
    if (!lease.opened) host.opened(lease.job, progress.total);
    lease.opened = true;
    // Beats are many, and most of them say the same of a job.
    if (lease.done === progress.done) return;
    lease.done = progress.done;
    host.progress(job, progress);
  }

  /** Given out by an earlier run of this server, and nobody else has it: it may go on there. */
  #free(jobId: string, attempt: string): Job | undefined {
    const { leases, attempts, host } = this.#ledger.parts;
    if (leases.of(jobId) || this.ends(jobId) || !attempts.isOf(jobId, attempt)) return undefined;
    // What a worker has given back it does not have, whatever its last beat said.
    if (this.#answers.has(attempt)) return undefined;
    const job = host.job(jobId);
    return job && isActive(job.phase) ? job : undefined;
  }

  /** Is its end being kept? */
  ends(jobId: string): boolean {
    return this.#endings.has(jobId);
  }

  /** Where a job is that an earlier run of this server has given out. */
  elsewhere(jobId: string): { attempt: string; place: string } | undefined {
    const { roster, attempts } = this.#ledger.parts;
    for (const { worker, jobs } of roster.beats()) {
      const held = jobs.find(({ job }) => job === jobId);
      if (held && attempts.isOf(jobId, held.attempt) && !this.#answers.has(held.attempt)) {
        return { attempt: held.attempt, place: placeName(worker, held.place) };
      }
    }
    return undefined;
  }

  /** It is the server's again, and goes on where it is. */
  adopt(job: Job, attempt: string, place: string, nowMs: number): Lease {
    const { roster, leases, careful, host, metrics } = this.#ledger.parts;
    metrics.adopted();
    roster.met(workerOf(place), nowMs);
    // Given to somebody else as well, neither of them would be let finish it.
    careful.remove(job.id);
    const lease: Lease = { job, attempt, place, sinceMs: nowMs, takenMs: nowMs, opened: true, absent: 0 };
    lease.executing = job.phase === 'EXECUTING' ? Promise.resolve(true) : host.executing(job.id, {});
    leases.add(lease);
    return lease;
  }

  /** Asked by a worker: may it go on with the job? */
  async executing(said: unknown): Promise<unknown> {
    const { leases, host } = this.#ledger.parts;
    const { job, attempt, info, worker } = kExecutingSchema.parse(said);
    const free = leases.find(job, attempt) ? undefined : this.#free(job, attempt);
    const lease = free
      ? this.adopt(free, attempt, placeName(worker, '?'), performance.now())
      : leases.find(job, attempt);
    if (!lease || lease.abortedMs !== undefined) return { go: false };
    lease.takenMs ??= performance.now();
    lease.executing ??= host.executing(job, infoOf(info));
    if (!(await lease.executing)) {
      this.#ledger.over(lease);
      return { go: false };
    }
    const closing = host.closing(job);
    if (!closing) return { go: false };
    return { go: true, startedMs: closing.job.startedMs, log: closing.log, baseUrl: closing.baseUrl };
  }

  log(said: unknown): void {
    const { leases, host, metrics } = this.#ledger.parts;
    const read = kLogSchema.safeParse(said);
    if (!read.success) {
      metrics.garbled();
      return;
    }
    const { job, attempt, level, message } = read.data;
    if (leases.find(job, attempt)) host.log(job, level, message);
  }

  /** Told by a worker, until it is answered. */
  async end(said: unknown): Promise<EndAnswer> {
    return this.ended(kEndSchema.parse(said));
  }

  /** `files`: those that have come with it; undefined = they have been brought before. */
  async ended(report: EndReport, files?: CameFiles): Promise<EndAnswer> {
    const { leases, metrics } = this.#ledger.parts;
    const { job, attempt, worker, end } = report;
    const known = this.#answers.get(attempt);
    if (known) return known;
    const ending = this.#endings.get(job);
    if (ending) {
      // Of this attempt or of another: how it ended is known then.
      await ending.catch(() => undefined);
      return this.ended(report, files);
    }
    const free = leases.find(job, attempt) ? undefined : this.#free(job, attempt);
    const lease = free
      ? this.adopt(free, attempt, placeName(worker, '?'), performance.now())
      : leases.find(job, attempt);
    if (!lease || lease.abortedMs !== undefined) {
      metrics.refused(worker);
      if (lease) this.#ledger.over(lease, report.used);
      if (end.how === 'completed') await this.#discard(job, attempt, end);
      return { counts: false };
    }
    const answer = this.#end(lease, report, files);
    this.#endings.set(job, answer);
    try {
      const said = await answer;
      if ('counts' in said) this.#remember(attempt, said);
      return said;
    } finally {
      this.#endings.delete(job);
    }
  }

  async #end(lease: Lease, report: EndReport, files?: CameFiles): Promise<EndAnswer> {
    const { job, attempt, used, end } = report;
    const { host, careful } = this.#ledger.parts;
    if (lease.executing && !(await lease.executing)) {
      this.#ledger.over(lease, used);
      return { counts: false };
    }
    if (end.how === 'completed') return this.#complete(lease, end, used, files);
    if (end.how === 'failed') {
      careful.forget(job);
      this.#ledger.over(lease, used);
      return { counts: await host.failed(job, failureOf(end)) };
    }
    const reason = end.how === 'back' ? end.reason : 'its worker has dropped it';
    this.#ledger.back(lease, new OtfError('OTF_SHORTAGE', reason), used);
    return { counts: attempt === lease.attempt };
  }

  async #complete(
    lease: Lease,
    end: Extract<End, { how: 'completed' }>,
    used: EndReport['used'],
    files?: CameFiles,
  ): Promise<EndAnswer> {
    const { host, leases, desk, careful, metrics } = this.#ledger.parts;
    const { job, attempt } = lease;
    const missing = files ? damaged(files) : await desk.missing(job, attempt, end.files);
    if (missing.length > 0) return { missing };
    // Aborted, or lost, while its files were looked at.
    const counts = () => leases.find(job.id, attempt) === lease && lease.abortedMs === undefined;
    if (counts()) {
      const kept = files ? desk.keep(job.id, files) : desk.take(job.id, attempt, end.files);
      await kept.catch((thrown) => {
        // A job that is deleted takes its folder with it.
        if (!counts()) return;
        throw host.deleting(job.id) ? new OtfError('OTF_SHORTAGE', 'the job is being deleted: ask again') : thrown;
      });
    }
    if (!counts()) {
      metrics.refused(workerOf(lease.place));
      this.#ledger.over(lease, used);
      await host.folder(job.id).remove(end.files.map(({ file }) => file));
      return { counts: false };
    }
    careful.forget(job.id);
    this.#ledger.over(lease, used);
    const written = end.files.map(({ file }) => file);
    const { endedMs, info, results } = end;
    const outcome = { results: resultFiles(results), written, endedMs, info: infoOf(info) };
    const keep = () => host.completed(job.id, outcome);
    if ((await keep()) || ((await this.#executesAgain(job.id)) && (await keep()))) {
      metrics.completed(workerOf(lease.place));
      return { counts: true };
    }
    await host.folder(job.id).remove(written);
    return { counts: false };
  }

  /** It was on its way back into the queue when whoever had been lost came with it: nobody else has begun it. */
  async #executesAgain(jobId: string): Promise<boolean> {
    const { host } = this.#ledger.parts;
    return host.job(jobId)?.phase === 'QUEUED' && (await host.executing(jobId, {}));
  }

  async #discard(jobId: string, attempt: string, { files }: Extract<End, { how: 'completed' }>): Promise<void> {
    const { attempts, desk, host } = this.#ledger.parts;
    if (attempts.isOf(jobId, attempt) && host.job(jobId)) await desk.discard(jobId, attempt, files);
  }

  #remember(attempt: string, answer: EndAnswer): void {
    this.#answers.set(attempt, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > kMostAnswers && oldest !== undefined) this.#answers.delete(oldest);
  }
}

/** Those that have come with another sum than they were sent with. */
function damaged(files: CameFiles): string[] {
  const isWhole = ([{ sha256 }, bytes]: [SentFile, Buffer]) => hash('sha256', bytes) === sha256;
  return [...files].filter((each) => !isWhole(each)).map(([{ file }]) => file);
}
