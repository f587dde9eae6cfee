/** What the parts of the remote runner share: who has what, and how a job leaves that. */
import { OtfError } from '../../errors/catalogue.js';
import type { Used } from '../../jobs/executor.js';
import type { Job } from '../../jobs/job.js';
import type { RunHost } from '../runner.js';
import type { Attempts } from './attempts.js';
import type { Careful } from './careful.js';
import type { Desk } from './desk.js';
import type { Lease, Leases } from './leases.js';
import type { RemoteMetrics } from './metrics.js';
import { type Roster, workerOf } from './roster.js';

export interface LedgerParts {
  host: RunHost;
  roster: Roster;
  leases: Leases;
  attempts: Attempts;
  careful: Careful;
  desk: Desk;
  metrics: RemoteMetrics;
  /** A job is tried again after a loss until so many workers were lost under it. */
  mostLosses: number;
}

/** Lines of its log, of a job whose workers are lost one after the other. */
const kLastWords = 10;

const kNothing: Used = { items: 0, device: 'cpu', seconds: 0 };

export class Ledger {
  readonly parts: LedgerParts;

  constructor(parts: LedgerParts) {
    this.parts = parts;
  }

  /** Nothing of it runs any more. False: it was over before. */
  over(lease: Lease, used: Used = kNothing): boolean {
    const { leases, careful, host } = this.parts;
    if (!leases.end(lease)) return false;
    careful.over(lease.job.id);
    host.over(lease.job, used);
    return true;
  }

  /** A job that was begun and never given to anybody. */
  dropped(job: Job): void {
    this.parts.careful.forget(job.id);
    this.parts.host.over(job, kNothing);
  }

  /** Back into the queue, by no fault of the job. */
  back(lease: Lease, reason: OtfError, used?: Used): void {
    const { host, metrics } = this.parts;
    if (lease.abortedMs === undefined) {
      metrics.back(workerOf(lease.place));
      host.lost(lease.job, reason);
    }
    this.over(lease, used);
  }

  /** Its worker was lost under it; `swept`: the worker is there, and does not know it any more. */
  lost(lease: Lease, what: string, swept = false): void {
    const { host, careful, metrics, mostLosses } = this.parts;
    const { job, place } = lease;
    const worker = workerOf(place);
    if (lease.abortedMs !== undefined) {
      this.over(lease);
      return;
    }
    // What nobody has said to have is nobody's loss.
    if (lease.takenMs === undefined) {
      this.back(lease, new OtfError('OTF_ENGINE_FAILED', `${worker} ${what}`));
      return;
    }
    metrics.lost(worker, swept);
    const losses = careful.lost(job.id);
    if (losses < mostLosses) {
      host.lost(job, new OtfError('OTF_ENGINE_FAILED', `the worker ${worker} ${what}`));
      this.over(lease);
      return;
    }
    careful.forget(job.id);
    // Before it is over: what its workers said of it last is all that anybody will know.
    const words = host.closing(job.id)?.log.slice(-kLastWords) ?? [];
    this.over(lease);
    const message =
      `${losses} workers were lost while this job was being executed, the last of them ${worker}, with no other beside it: ` +
      'it is not tried again';
    host
      .failed(job.id, {
        type: 'fatal',
        code: 'OTF_ENGINE_FAILED',
        message,
        detail: [`${worker} ${what}`, ...words].join('\n'),
      })
      .catch((thrown) => host.internal(thrown));
  }
}
