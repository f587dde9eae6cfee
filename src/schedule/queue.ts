/**
 * Who waits for what, and what is run next. One line per key (model, quantization); inside it owners take turns, each
 * owner's jobs in the order they came.
 *
 * A key may be released when a whole batch waits (full), when its oldest job has waited max_wait_s (waited), when the
 * engine has nothing to do (idle: a lone job starts at once), or, while the engine is busy with its last tiles, when at
 * least min_jobs wait. Several keys that may be released take turns.
 */

export interface QueuePolicy {
  minJobs: number;
  maxBatch: number;
  maxWaitMs: number;
  roundRobin: boolean;
}

export type ReleaseReason = 'full' | 'waited' | 'idle';

export interface Waiting {
  id: string;
  /** `model/quantization`. */
  key: string;
  /** Whom fairness counts it for. */
  owner: string;
  sinceMs: number;
}

export interface Release<Item> {
  key: string;
  reason: ReleaseReason;
  items: Item[];
}

class Line<Item extends Waiting> {
  /** Owners in the order of their turns; an owner without jobs is not in it. */
  readonly owners = new Map<string, Item[]>();
  count = 0;
  #order: Map<string, number> | undefined;

  add(item: Item): void {
    const own = this.owners.get(item.owner) ?? [];
    this.owners.set(item.owner, own);
    own.push(item);
    this.count++;
    this.#order = undefined;
  }

  remove(item: Item): void {
    const own = this.owners.get(item.owner);
    const index = own?.indexOf(item) ?? -1;
    if (!own || index < 0) return;
    own.splice(index, 1);
    if (own.length === 0) this.owners.delete(item.owner);
    this.count--;
    this.#order = undefined;
  }

  /** One job of each owner in turn; an owner served goes to the end. */
  take(most: number): Item[] {
    const taken: Item[] = [];
    while (taken.length < most) {
      const next = this.owners.entries().next();
      if (next.done) break;
      const [owner, own] = next.value;
      const item = own.shift();
      this.owners.delete(owner);
      if (own.length > 0) this.owners.set(owner, own);
      if (item) taken.push(item);
    }
    this.count -= taken.length;
    this.#order = undefined;
    return taken;
  }

  oldestMs(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const [first] of this.owners.values()) oldest = Math.min(oldest, first?.sinceMs ?? oldest);
    return oldest;
  }

  /** 1 = next. Kept until the line changes: positions are asked for far more often. */
  position(id: string): number | undefined {
    if (!this.#order) {
      const lists = [...this.owners.values()];
      this.#order = new Map();
      for (let round = 0; this.#order.size < this.count; round++) {
        for (const list of lists) {
          const item = list[round];
          if (item) this.#order.set(item.id, this.#order.size + 1);
        }
      }
    }
    return this.#order.get(id);
  }
}

export class JobQueue<Item extends Waiting> {
  readonly #policy: QueuePolicy;
  /** Keys in the order of their turns. */
  readonly #lines = new Map<string, Line<Item>>();
  readonly #items = new Map<string, Item>();

  constructor(policy: QueuePolicy) {
    this.#policy = policy;
  }

  get size(): number {
    return this.#items.size;
  }

  add(item: Item): void {
    this.#items.set(item.id, item);
    const line = this.#lines.get(item.key) ?? new Line<Item>();
    this.#lines.set(item.key, line);
    line.add(item);
  }

  /** The item, when it was waiting. */
  remove(id: string): Item | undefined {
    const item = this.#items.get(id);
    if (!item) return undefined;
    this.#items.delete(id);
    this.#lines.get(item.key)?.remove(item);
    this.#drop(item.key);
    return item;
  }

  position(id: string): number | undefined {
    const item = this.#items.get(id);
    return item && this.#lines.get(item.key)?.position(id);
  }

  depth(key: string): number {
    return this.#lines.get(key)?.count ?? 0;
  }

  depths(): Record<string, number> {
    return Object.fromEntries([...this.#lines].map(([key, line]) => [key, line.count]));
  }

  all(): IterableIterator<Item> {
    return this.#items.values();
  }

  /** `idle`: the engine has nothing to do. Undefined when nothing may be released now. */
  next(nowMs: number, idle: boolean): Release<Item> | undefined {
    const { maxBatch, minJobs, maxWaitMs, roundRobin } = this.#policy;
    const ready: { key: string; line: Line<Item>; reason: ReleaseReason }[] = [];
    for (const [key, line] of this.#lines) {
      const waited = nowMs - line.oldestMs() >= maxWaitMs;
      if (line.count >= maxBatch) ready.push({ key, line, reason: 'full' });
      else if (waited) ready.push({ key, line, reason: 'waited' });
      else if (idle || line.count >= minJobs) ready.push({ key, line, reason: 'idle' });
    }
    const [first] = roundRobin ? ready : ready.sort((a, b) => a.line.oldestMs() - b.line.oldestMs());
    if (!first) return undefined;
    const items = first.line.take(maxBatch);
    for (const item of items) this.#items.delete(item.id);
    // Its next turn comes after those of all other keys.
    this.#lines.delete(first.key);
    this.#lines.set(first.key, first.line);
    this.#drop(first.key);
    return { key: first.key, reason: first.reason, items };
  }

  /** Milliseconds until the oldest job will have waited long enough; undefined when nothing waits. */
  waitMs(nowMs: number): number | undefined {
    let oldest = Number.POSITIVE_INFINITY;
    for (const line of this.#lines.values()) oldest = Math.min(oldest, line.oldestMs());
    return oldest === Number.POSITIVE_INFINITY ? undefined : Math.max(0, oldest + this.#policy.maxWaitMs - nowMs);
  }

  #drop(key: string): void {
    if (this.#lines.get(key)?.count === 0) this.#lines.delete(key);
  }
}
