/** Jobs on their way to workers: asked until they are taken, or it is clear that they will not be. */
import { setTimeout as pause } from 'node:timers/promises';
import { OtfError, toOtfError } from '../../errors/catalogue.js';
import type { Job } from '../../jobs/job.js';
import type { Batch } from '../runner.js';
import type { Lease } from './leases.js';
import type { Ledger } from './ledger.js';
import { giveSubject } from './messages.js';
import { type Order, type OrderAnswer, orderOf } from './order.js';
import { workerOf } from './roster.js';
import type { Switchboard } from './switchboard.js';

const kAskMs = 2000;
const kAgainMs = 200;
/** A worker that lives and does not take a job in this time will not. */
const kTakeMs = 10_000;
/** Of one message; a broker takes 1 MiB unless it is told otherwise. */
const kMostBytes = 900_000;

export interface GivingParts {
  ledger: Ledger;
  board: () => Switchboard | undefined;
  /** Is the broker there? */
  there: () => boolean;
  /** The server ends: what has not been taken is in the queue as far as its rows say. */
  closed: () => boolean;
}

export class Giving {
  readonly #parts: GivingParts;

  constructor(parts: GivingParts) {
    this.#parts = parts;
  }

  /** Resolves when the worker has it, or it is somebody else's again. */
  async give(job: Job, batch: Batch, place: string): Promise<void> {
    const { attempts, careful, leases, host } = this.#parts.ledger.parts;
    const attempt = attempts.new(job.id);
    const lease: Lease = { job, attempt, place, sinceMs: performance.now(), opened: false, absent: 0 };
    leases.add(lease);
    const order = orderOf(lease, batch, careful.losses(job.id) + 1);
    const bytes = Buffer.byteLength(JSON.stringify(order));
    if (bytes <= kMostBytes) return this.#insist(lease, order);
    this.#parts.ledger.over(lease);
    const message = `the job is described in ${bytes} bytes, and workers take ${kMostBytes}: name fewer inputs`;
    await host.failed(job.id, { type: 'fatal', code: 'OTF_TOO_LARGE', message });
  }

  async #insist(lease: Lease, order: Order): Promise<void> {
    const { ledger, board, there } = this.#parts;
    const worker = workerOf(lease.place);
    let untilMs = performance.now() + kTakeMs;
    while (this.#isOurs(lease) && !this.#parts.closed()) {
      try {
        const answer = (await board()?.ask(giveSubject(worker), order, kAskMs)) as OrderAnswer | undefined;
        if (!this.#isOurs(lease)) return;
        if (answer?.taken) lease.takenMs ??= performance.now();
        else ledger.back(lease, new OtfError('OTF_SHORTAGE', `the worker ${worker} did not take it`));
        return;
      } catch (thrown) {
        if (!this.#isOurs(lease)) return;
        const error = toOtfError(thrown);
        // Nobody is to blame while the broker is away.
        if (!there()) untilMs = performance.now() + kTakeMs;
        if (error.code !== 'OTF_SERVER_UNREACHABLE' || performance.now() > untilMs) {
          ledger.back(
            lease,
            new OtfError('OTF_SHORTAGE', `the worker ${worker} could not be given it (${error.message})`),
          );
          return;
        }
        await pause(kAgainMs);
      }
    }
  }

  /** It waits for an answer and for nothing else. */
  #isOurs(lease: Lease): boolean {
    const { leases } = this.#parts.ledger.parts;
    return (
      leases.find(lease.job.id, lease.attempt) === lease && lease.takenMs === undefined && lease.abortedMs === undefined
    );
  }
}
