/** What a change of a job means to others: those who wait or listen, the accounts, what was kept for it alone. */
import type { Logger } from 'pino';
import type { JobFolders } from './folders.js';
import type { JobHost } from './host.js';
import { isFinal, type Job, storedBytes, uploadedBytes } from './job.js';
import { seals } from './sealed.js';
import type { JobStore } from './store.js';
import type { Events, Waiters } from './watchers.js';

export interface AftermathParts {
  store: JobStore;
  folders: JobFolders;
  host: JobHost;
  waiters: Waiters;
  events: Events;
  log: Logger;
}

export class Aftermath {
  readonly #parts: AftermathParts;

  constructor(parts: AftermathParts) {
    this.#parts = parts;
  }

  /** `after` null = deleted, `before` undefined = new. */
  of(after: Job | null, before: Job | undefined): void {
    const { host, waiters, events, log } = this.#parts;
    const id = after?.id ?? before?.id ?? '';
    if (after) this.#account(after, before);
    if (after && isFinal(after.phase) && after !== before) this.#unseal(after);
    if (after && before && after.phase === before.phase) return;
    if (!after || isFinal(after.phase)) host.forget(id);
    waiters.wake(id);
    const phase = after?.phase ?? 'DELETED';
    events.emit({ type: 'phase', jobId: id, phase, timeMs: Date.now() }, (after ?? before)?.owner ?? null);
    log.info({ jobId: id, phase }, 'phase');
  }

  #account(after: Job, before: Job | undefined): void {
    const bytesIn = uploadedBytes(after.parameters) - (before ? uploadedBytes(before.parameters) : 0);
    const bytesOut = storedBytes(after) - (before ? storedBytes(before) : 0) - bytesIn;
    const jobs = before ? 0 : 1;
    if (jobs + Math.max(bytesIn, bytesOut) <= 0) return;
    const { usage } = this.#parts.store;
    usage.add(after.owner, { jobs, bytesIn: Math.max(0, bytesIn), bytesOut: Math.max(0, bytesOut) });
  }

  /** Nothing is fetched for it any more, and nothing sent but what waits to be. */
  #unseal({ id, parameters, info }: Job): void {
    const { folders, log } = this.#parts;
    const to = info.delivery?.state === 'waiting' ? undefined : parameters.resultsTo?.sealed;
    for (const file of [...seals(parameters.inputs), ...(to === undefined ? [] : [to])]) {
      folders.removeFile(id, file).catch((thrown) => log.warn({ err: thrown, jobId: id }, 'left in its folder'));
    }
  }
}
