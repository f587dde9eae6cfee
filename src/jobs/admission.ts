/**
 * Whether one more job is taken: every count and every byte a client can add to has a limit. Asked twice: before a
 * request is read, with what is known then, and for good when it has been.
 */
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import type { Executor } from './executor.js';
import type { JobFolders } from './folders.js';
import { type Job, ownerKey, uploadedBytes } from './job.js';
import { RetryLater } from './retry.js';
import type { Totals } from './totals.js';

export interface AdmissionParts {
  config: Config;
  executor: Executor;
  totals: Totals;
  folders: JobFolders;
  /** Kept beside what jobs have. */
  otherBytes: () => number;
}

/** Counted until settled() is called: by then the job is in the totals, or has been refused. */
export interface Admitted {
  settled: () => void;
}

const kRetryS = 30;
/** Read whatever the queue says: most of them will say PHASE, and what is not to run yet is welcome. */
const kSmallBytes = 1 << 20;

export class AdmissionOfJobs {
  readonly #parts: AdmissionParts;
  readonly #underWay = new Map<string, number>();
  /** Of owners with a name. */
  readonly #bytesUnderWayOf = new Map<string, number>();
  #pendingUnderWay = 0;
  #bytesUnderWay = 0;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** `bytes` as announced. A full queue refuses what is large: it would be read and synced in vain, as a rule. */
  beforeReading(who: Pick<Job, 'owner' | 'remote'>, bytes: number | undefined): void {
    this.#assertOwner(ownerKey(who));
    this.assertBytes(who.owner, bytes ?? 0);
    if (bytes !== undefined && bytes <= kSmallBytes) return;
    const admission = this.#parts.executor.admit(0);
    if (!admission.accepted) throw new RetryLater('OTF_QUEUE_FULL', admission.reason, admission.retryAfterS);
  }

  /** Throws OTF_QUEUE_FULL, OTF_DISK_FULL. The place in the queue is the executor's to give. */
  admit(job: Omit<Job, 'id'>, run: boolean): Admitted {
    const owner = ownerKey(job);
    const bytes = uploadedBytes(job.parameters);
    this.#assertOwner(owner);
    this.assertBytes(job.owner, bytes);
    const { totals, config } = this.#parts;
    const pending = totals.of('PENDING') + totals.of('HELD') + this.#pendingUnderWay;
    if (!run && pending >= config.policy.max_pending) {
      throw new RetryLater('OTF_QUEUE_FULL', `${pending} jobs wait to be started, the most there may be`, kRetryS);
    }
    const by = (sign: 1 | -1) => {
      add(this.#underWay, owner, sign);
      if (job.owner !== null) add(this.#bytesUnderWayOf, job.owner, sign * bytes);
      if (!run) this.#pendingUnderWay += sign;
      this.#bytesUnderWay += sign * bytes;
    };
    by(1);
    return { settled: () => by(-1) };
  }

  /** Room for so many bytes more: on the disk, below storage.max_mb and policy.owner_mb. Throws OTF_DISK_FULL, OTF_QUOTA_EXCEEDED. */
  assertBytes(owner: string | null, bytes: number): void {
    const { totals, config, folders, otherBytes } = this.#parts;
    const { owner_mb } = config.policy;
    const kept = owner === null ? 0 : totals.bytesOf(owner) + (this.#bytesUnderWayOf.get(owner) ?? 0);
    if (owner !== null && owner_mb > 0 && kept + bytes > owner_mb * 2 ** 20) {
      throw new OtfError(
        'OTF_QUOTA_EXCEEDED',
        `you keep ${Math.ceil(kept / 2 ** 20)} of ${owner_mb} MB here: delete jobs you no longer need`,
      );
    }
    const limit = config.storage.max_mb * 2 ** 20;
    if (limit > 0 && totals.bytes + otherBytes() + this.#bytesUnderWay + bytes > limit) {
      throw new OtfError('OTF_DISK_FULL', `the server keeps as much as it may (${config.storage.max_mb} MB)`);
    }
    folders.assertRoom();
  }

  /** Throws OTF_QUOTA_EXCEEDED. */
  assertPriority({ owner }: Pick<Job, 'owner'>, priority: number | undefined): void {
    const { owner_priority: most } = this.#parts.config.policy;
    if (owner === null || priority === undefined || priority <= most) return;
    throw new OtfError('OTF_QUOTA_EXCEEDED', `PRIORITY=${priority}: the highest you may ask for is ${most}`);
  }

  #assertOwner(owner: string): void {
    const { totals, config } = this.#parts;
    const { max_queued, owner_share, owner_queued } = config.policy;
    const share = Math.ceil(max_queued * owner_share);
    const limit = owner_queued > 0 ? Math.min(share, owner_queued) : share;
    const jobs = totals.ofOwner(owner) + (this.#underWay.get(owner) ?? 0);
    if (jobs < limit) return;
    throw new RetryLater('OTF_QUEUE_FULL', `you have ${jobs} jobs waiting, the most one may have`, kRetryS);
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
