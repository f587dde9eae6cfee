/**
 * Who waits for what, and what is run next. One line per key (model, quantization); inside it owners take turns, one job
 * each a round. An owner's own jobs go by priority, then in the order they came; so do the jobs of one round. A priority
 * thus never takes a turn from anybody else.
 *
 * A key may be released when a whole batch waits (full), when its oldest job has waited max_wait_s (waited), when the
 * engine has nothing to do (idle: a lone job starts at once), or, while the engine is busy with its last tiles, when at
 * least min_jobs wait. Several keys that may be released take turns. Time is the caller's.
 */

export interface QueuePolicy {
  minJobs: number;
  maxBatch: number;
  maxWaitMs: number;
  roundRobin: boolean;
}

/** `alone`: by the dispatcher itself, a job that was being executed when the server crashed. */
export type ReleaseReason = 'full' | 'waited' | 'idle' | 'alone';

export interface Waiting {
  id: string;
  /** `model/quantization`. */
  key: string;
  /** Whom fairness counts it for. */
  owner: string;
  /** 0 to 9, the highest first. */
  priority: number;
  sinceMs: number;
}

/** A key of which jobs may be released. */
export interface Ready {
  key: string;
  reason: Exclude<ReleaseReason, 'alone'>;
  /** Jobs that wait. */
  count: number;
  /** It has had no turn for as long as a batch may wait. */
  overdue: boolean;
}

/** Jobs of a key that wait. Times are milliseconds since 1970. */
export interface KeyState {
  key: string;
  waiting: number;
  oldestMs: number;
  /** Of them, how many go together next. */
  batch: number;
  /** The oldest has waited as long as it may. */
  leavesMs: number;
}

interface Owner<Item> {
  /** By priority, then as they came. */
  items: Item[];
  /** The round in which the first of them may go. */
  round: number;
}

class Line<Item extends Waiting> {
  /** Owners without jobs stay until the round they were served in is over: coming back must not win a second turn. */
  readonly #owners = new Map<string, Owner<Item>>();
  /** In the order they came, which their numbers tell. */
  readonly #items = new Map<Item, number>();
  #came = 0;
  #round = 0;
  /** When it had its last turn. */
  takenMs = Number.NEGATIVE_INFINITY;
  #order: Item[] | undefined;
  #places: Map<string, number> | undefined;

  get count(): number {
    return this.#items.size;
  }

  add(item: Item): void {
    const owner = this.#owners.get(item.owner) ?? { items: [], round: this.#round };
    this.#owners.set(item.owner, owner);
    owner.round = Math.max(owner.round, this.#round);
    let at = owner.items.length;
    while (at > 0 && (owner.items[at - 1]?.priority ?? 0) < item.priority) at--;
    owner.items.splice(at, 0, item);
    this.#items.set(item, this.#came++);
    this.#changed();
  }

  remove(item: Item): void {
    if (!this.#items.delete(item)) return;
    const owner = this.#owners.get(item.owner);
    owner?.items.splice(owner.items.indexOf(item), 1);
    if (owner) this.#forget(item.owner, owner);
    this.#changed();
  }

  /** The first of ordered(), without putting all of them in order: a queue may be long, and is taken from all the time. */
  take(most: number): Item[] {
    const taken: Item[] = [];
    while (taken.length < most) {
      const item = this.#first();
      if (!item) break;
      const owner = this.#owners.get(item.owner);
      if (owner) {
        this.#round = Math.max(this.#round, owner.round);
        owner.round++;
      }
      this.remove(item);
      taken.push(item);
    }
    for (const [name, owner] of this.#owners) this.#forget(name, owner);
    return taken;
  }

  #first(): Item | undefined {
    let first: { item: Item; round: number } | undefined;
    for (const { items, round } of this.#owners.values()) {
      const [item] = items;
      if (item && (!first || this.#isBefore({ item, round }, first))) first = { item, round };
    }
    return first?.item;
  }

  #isBefore(a: { item: Item; round: number }, b: { item: Item; round: number }): boolean {
    const came = (item: Item) => this.#items.get(item) ?? 0;
    return (a.round - b.round || b.item.priority - a.item.priority || came(a.item) - came(b.item)) < 0;
  }

  #forget(name: string, owner: Owner<Item>): void {
    if (owner.items.length === 0 && owner.round <= this.#round) this.#owners.delete(name);
  }

  oldestMs(): number {
    const [oldest] = this.#items.keys();
    return oldest?.sinceMs ?? Number.POSITIVE_INFINITY;
  }

  /** 1 = next. Kept until the line changes: positions are asked for far more often. */
  position(id: string): number | undefined {
    this.#places ??= new Map(this.#ordered().map((item, index) => [item.id, index + 1]));
    return this.#places.get(id);
  }

  #ordered(): Item[] {
    if (this.#order) return this.#order;
    const rounds = new Map<Item, number>();
    for (const { items, round } of this.#owners.values()) {
      items.forEach((item, index) => {
        rounds.set(item, round + index);
      });
    }
    // The sort is stable: equal ones stay as they came.
    this.#order = [...this.#items.keys()].sort(
      (a, b) => (rounds.get(a) ?? 0) - (rounds.get(b) ?? 0) || b.priority - a.priority,
    );
    return this.#order;
  }

  #changed(): void {
    this.#order = undefined;
    this.#places = undefined;
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

  has(id: string): boolean {
    return this.#items.has(id);
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

  /** What waits of each key, and when its next batch leaves at the latest. */
  lines(): KeyState[] {
    const { maxBatch, maxWaitMs } = this.#policy;
    return [...this.#lines].map(([key, line]) => {
      const oldestMs = line.oldestMs();
      return {
        key,
        waiting: line.count,
        oldestMs,
        batch: Math.min(line.count, maxBatch),
        leavesMs: oldestMs + maxWaitMs,
      };
    });
  }

  /** Keys of which jobs may be released now, whose turn it is first. `idle`: the engine has nothing to do. */
  ready(nowMs: number, idle: boolean): Ready[] {
    const { maxBatch, minJobs, maxWaitMs, roundRobin } = this.#policy;
    const ready: (Ready & { oldestMs: number })[] = [];
    for (const [key, line] of this.#lines) {
      const { count } = line;
      const oldestMs = line.oldestMs();
      const waited = nowMs - oldestMs >= maxWaitMs;
      const overdue = nowMs - Math.max(oldestMs, line.takenMs) >= maxWaitMs;
      if (count >= maxBatch) ready.push({ key, count, overdue, oldestMs, reason: 'full' });
      else if (waited) ready.push({ key, count, overdue, oldestMs, reason: 'waited' });
      else if (idle || count >= minJobs) ready.push({ key, count, overdue, oldestMs, reason: 'idle' });
    }
    return roundRobin ? ready : ready.sort((a, b) => a.oldestMs - b.oldestMs);
  }

  /** The next batch of a key, `most` jobs at most: whose turn it is. */
  take(key: string, nowMs: number, most = this.#policy.maxBatch): Item[] {
    const line = this.#lines.get(key);
    if (!line) return [];
    const items = line.take(Math.min(most, this.#policy.maxBatch));
    line.takenMs = nowMs;
    for (const item of items) this.#items.delete(item.id);
    // Its next turn comes after those of all other keys.
    this.#lines.delete(key);
    this.#lines.set(key, line);
    this.#drop(key);
    return items;
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
