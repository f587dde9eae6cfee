/** What was acknowledged, seen and asked for: what a client can hold against the server. */

export interface Entry {
  /** It has a destruction time that comes soon. */
  mortal: boolean;
  pending: boolean;
  maybeAborted: boolean;
  /** A deletion was asked for; `deleted`: and confirmed. */
  maybeDeleted: boolean;
  deleted: boolean;
  /** Phase and end, once it was seen to be over. */
  over: string | undefined;
}

/** Everything a request may be answered with, here. Of the fives only 503 is no fault of ours. */
const kFine = new Set([200, 303, 400, 403, 404, 503]);
const kRecent = 40;

export class Ledger {
  readonly jobs = new Map<string, Entry>();
  readonly faults: string[] = [];
  readonly counts = new Map<string, number>();
  readonly #ids: string[] = [];

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  fault(what: string): void {
    this.faults.push(what);
  }

  answered(request: string, status: number, text: string): void {
    this.count(`${status}`);
    if (!kFine.has(status)) this.fault(`${request}: ${status} ${text.slice(0, 200)}`);
  }

  acknowledged(id: string, mortal: boolean, pending: boolean): void {
    if (this.jobs.has(id)) this.fault(`the id ${id} was given twice`);
    const entry = { mortal, pending, maybeAborted: false, maybeDeleted: false, deleted: false, over: undefined };
    this.jobs.set(id, entry);
    this.#ids.push(id);
  }

  /** A document of the job: once over, it stays as it is. */
  seen(id: string, xml: string): void {
    const entry = this.jobs.get(id);
    const phase = /<uws:phase>(\w+)</.exec(xml)?.[1] ?? '';
    if (!entry) return;
    if (entry.deleted) this.fault(`${id} was deleted and is there again`);
    if (!['COMPLETED', 'ERROR', 'ABORTED'].includes(phase)) {
      if (entry.over !== undefined) this.fault(`${id} was ${entry.over} and is ${phase}`);
      return;
    }
    const over = `${phase} at ${/<uws:endTime>([^<]+)</.exec(xml)?.[1]}`;
    if (entry.over !== undefined && entry.over !== over) this.fault(`${id} was ${entry.over} and is ${over}`);
    entry.over = over;
    if (phase === 'ABORTED' && !entry.maybeAborted) this.fault(`${id} is ABORTED, and nobody wanted that`);
  }

  maybeAborted(id: string): void {
    const entry = this.jobs.get(id);
    if (entry) entry.maybeAborted = true;
  }

  maybeDeleted(id: string): void {
    const entry = this.jobs.get(id);
    if (entry) entry.maybeDeleted = true;
  }

  deleted(id: string): void {
    const entry = this.jobs.get(id);
    if (entry) entry.deleted = true;
  }

  /** `share` in [0, 1). */
  any(share: number): string | undefined {
    return this.#ids[Math.floor(share * this.#ids.length)];
  }

  recent(share: number): string | undefined {
    const last = this.#ids.slice(-kRecent);
    return last[Math.floor(share * last.length)];
  }

  line(): string {
    const counts = [...this.counts].map(([what, count]) => `${what}: ${count}`).sort();
    return `${this.jobs.size} jobs acknowledged; ${counts.join(', ')}; ${this.faults.length} faults`;
  }
}
