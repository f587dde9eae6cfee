/**
 * What begins next, and where: a decision about the jobs that wait, the places there are and the time, without effects of
 * its own.
 *
 * A place is a device that runs networks. One that will soon have nothing to do is hungry, and gets the next batch; one that
 * is not may be joined once a batch has waited as long as it may. With several places a network stays where it is loaded:
 * it begins elsewhere only while its own place is busy, or on a faster one, and a key that has had no turn for max_wait_s goes
 * first.
 *
 * Suspects were being executed when the server crashed: they run one by one, with nothing else beside them, before anything
 * else. Who kills the server does so each time, so the least tried goes first: a kill from outside should not meet the same
 * job again.
 */
import type { QueueState } from '../jobs/executor.js';
import type { Place } from '../run/runner.js';
import { JobQueue, type QueuePolicy, type Ready, type ReleaseReason, type Waiting } from './queue.js';

/** What begins together, where. */
export interface Order<Item> {
  place: string;
  key: string;
  reason: ReleaseReason;
  items: readonly Item[];
}

/** An order, or when to ask again if nothing moves before; undefined = when something moves. */
export type Decision<Item> = { order: Order<Item> } | { waitMs: number | undefined };

export interface Suspicious extends Waiting {
  /** Of the times it was begun, those the server did not end in order. */
  attempts: number;
}

/** Nothing is begun for so long after something ran short. */
export const kShortageMs = 1000;

export class Dispatcher<Item extends Suspicious> {
  readonly #maxWaitMs: number;
  readonly #queue: JobQueue<Item>;
  readonly #suspects = new Map<string, Item>();
  /** The suspect that runs. */
  #alone: string | undefined;
  /** Places whose last batch is being opened, and when each got one. */
  readonly #opening = new Map<string, number>();
  readonly #releasedMs = new Map<string, number>();
  /** Begun and not over: where. */
  readonly #running = new Map<string, string>();
  /** Of these, how many at each place. */
  readonly #runningAt = new Map<string, number>();
  #shortUntilMs = Number.NEGATIVE_INFINITY;

  constructor(policy: QueuePolicy) {
    this.#maxWaitMs = policy.maxWaitMs;
    this.#queue = new JobQueue(policy);
  }

  get size(): number {
    return this.#queue.size + this.#suspects.size;
  }

  /** Waiting, by key; suspects apart. */
  depths(): Record<string, number> {
    return this.#queue.depths();
  }

  /** What waits of each key, and why it does not go now. */
  queues(nowMs: number): QueueState[] {
    const why = this.#holdUp(nowMs);
    const alone = [...this.#suspects.values()].map(({ key, sinceMs }) => ({
      ...{ key, waiting: 1, oldestMs: sinceMs, batch: 1 },
      why: 'alone' as const,
    }));
    return [...alone, ...this.#queue.lines().map((line) => ({ ...line, why }))];
  }

  #holdUp(nowMs: number): QueueState['why'] {
    if (nowMs < this.#shortUntilMs) return 'short';
    if (this.#alone !== undefined || this.#suspects.size > 0) return 'alone';
    return this.#opening.size > 0 ? 'opening' : 'busy';
  }

  /** Everything that waits. */
  all(): Item[] {
    return [...this.#suspects.values(), ...this.#queue.all()];
  }

  add(item: Item): void {
    if (item.attempts > 0) this.#suspects.set(item.id, item);
    else this.#queue.add(item);
  }

  has(id: string): boolean {
    return this.#suspects.has(id) || this.#queue.has(id);
  }

  /** The item, when it was waiting. */
  remove(id: string): Item | undefined {
    const suspect = this.#suspects.get(id);
    this.#suspects.delete(id);
    return suspect ?? this.#queue.remove(id);
  }

  /** 1 = next. */
  position(id: string): number | undefined {
    const first = this.#suspectsInOrder().findIndex((item) => item.id === id);
    if (first >= 0) return first + 1;
    const place = this.#queue.position(id);
    return place === undefined ? undefined : this.#suspects.size + place;
  }

  /** Its place among those of its key, suspects not counted. */
  positionInKey(id: string): number | undefined {
    return this.#queue.position(id);
  }

  /** Jobs of an order have been opened: its place may get another. */
  opened(place: string): void {
    const left = (this.#opening.get(place) ?? 0) - 1;
    if (left > 0) this.#opening.set(place, left);
    else this.#opening.delete(place);
  }

  /** A job that was begun is over, however it ended. */
  over(id: string): void {
    const place = this.#running.get(id);
    if (place === undefined) return;
    this.#running.delete(id);
    const left = this.#jobsAt(place) - 1;
    if (left > 0) this.#runningAt.set(place, left);
    else this.#runningAt.delete(place);
  }

  /** Something ran short: nothing is begun for a while. */
  short(nowMs: number): void {
    this.#shortUntilMs = nowMs + kShortageMs;
  }

  /** Jobs of an order count as begun when it is given; `opened` and `over` tell what becomes of it. */
  next(nowMs: number, places: readonly Place[]): Decision<Item> {
    const shortMs = this.#shortUntilMs - nowMs;
    if (shortMs > 0) return { waitMs: shortMs };
    if (this.#alone !== undefined || this.#suspects.size > 0) {
      if (this.#running.size > 0 || this.#opening.size > 0) return { waitMs: undefined };
      this.#alone = undefined;
      const [suspect] = this.#suspectsInOrder();
      if (suspect) return { order: this.#beginAlone(suspect, nowMs, places) };
    }
    if (this.#queue.size === 0) return { waitMs: undefined };
    const best = this.#candidates(nowMs, places).sort(byRank)[0];
    if (!best) return { waitMs: this.#waitMs(nowMs, places) };
    const { place, ready } = best;
    const items = this.#queue.take(ready.key, nowMs, this.#share(ready, place, places));
    return { order: this.#begin({ place: place.name, key: ready.key, reason: ready.reason, items }, nowMs) };
  }

  #suspectsInOrder(): Item[] {
    return [...this.#suspects.values()].sort((a, b) => a.attempts - b.attempts);
  }

  #beginAlone(suspect: Item, nowMs: number, places: readonly Place[]): Order<Item> {
    this.#suspects.delete(suspect.id);
    this.#alone = suspect.id;
    const { key } = suspect;
    const able = takers(key, places);
    const place = able.find((each) => each.holds(key)) ?? able[0];
    return this.#begin({ place: place?.name ?? '', key, reason: 'alone', items: [suspect] }, nowMs);
  }

  #begin(order: Order<Item>, nowMs: number): Order<Item> {
    const { place, items } = order;
    this.#opening.set(place, (this.#opening.get(place) ?? 0) + 1);
    this.#releasedMs.set(place, nowMs);
    for (const { id } of items) {
      this.over(id);
      this.#running.set(id, place);
    }
    this.#runningAt.set(place, this.#jobsAt(place) + items.length);
    return order;
  }

  /** Of every place that may get a batch now, with every key that may be released there. */
  #candidates(nowMs: number, places: readonly Place[]): Candidate[] {
    const candidates: Candidate[] = [];
    const facts = new Map<string, KeyFacts>();
    const lines = new Map<boolean, readonly Ready[]>();
    for (const place of places) {
      // Tiles of a long batch go on; others may join once they have waited as long as a batch may wait. Asked first: it says no most often.
      if (!place.hungry && this.#turnMs(place, nowMs) > 0) continue;
      if (place.full || this.#opening.has(place.name)) continue;
      const jobs = this.#jobsAt(place.name);
      const idle = place.hungry && !place.busy;
      const ready = lines.get(idle) ?? this.#queue.ready(nowMs, idle);
      lines.set(idle, ready);
      for (const [turn, each] of ready.entries()) {
        const { takers: able, held } = facts.get(each.key) ?? factsOf(each.key, places, facts);
        if (!able.has(place)) continue;
        // With one place there is nothing to choose: keys take turns.
        const choice = places.length > 1;
        const strange = !choice || place.holds(each.key) ? 0 : held ? 2 : 1;
        candidates.push({ place, ready: each, turn, overdue: choice && each.overdue, strange, jobs });
      }
    }
    return candidates;
  }

  /** Also those whose images take long to be opened: neither hungry nor busy tells of them. */
  #jobsAt(place: string): number {
    return this.#runningAt.get(place) ?? 0;
  }

  /** Idle places of a kind that have the network loaded take equal shares. */
  #share({ key, count }: Ready, { tier }: Place, places: readonly Place[]): number {
    const idle = places.filter(
      (place) => place.tier === tier && place.hungry && !this.#opening.has(place.name) && place.holds(key),
    );
    return Math.ceil(count / Math.max(1, idle.length));
  }

  #turnMs(place: Place, nowMs: number): number {
    return (this.#releasedMs.get(place.name) ?? Number.NEGATIVE_INFINITY) + this.#maxWaitMs - nowMs;
  }

  #waitMs(nowMs: number, places: readonly Place[]): number | undefined {
    const waits: number[] = [];
    for (const place of places) {
      if (place.full || this.#opening.has(place.name)) continue;
      const turnMs = place.hungry ? 0 : this.#turnMs(place, nowMs);
      const waitMs = turnMs > 0 ? turnMs : this.#queue.waitMs(nowMs);
      // What has waited long enough and does not go there will not go there by waiting.
      if (waitMs !== undefined && waitMs > 0) waits.push(waitMs);
    }
    return waits.length === 0 ? undefined : Math.min(...waits);
  }
}

interface Candidate {
  place: Place;
  ready: Ready;
  turn: number;
  overdue: boolean;
  /** 0 = the network is there, 1 = it is nowhere, 2 = it is elsewhere. */
  strange: 0 | 1 | 2;
  /** Begun there and not over. */
  jobs: number;
}

function byRank(a: Candidate, b: Candidate): number {
  return (
    Number(b.place.hungry) - Number(a.place.hungry) ||
    Number(b.overdue) - Number(a.overdue) ||
    a.place.tier - b.place.tier ||
    a.strange - b.strange ||
    a.turn - b.turn ||
    a.jobs - b.jobs
  );
}

interface KeyFacts {
  takers: ReadonlySet<Place>;
  /** Its network is loaded somewhere. */
  held: boolean;
}

function factsOf(key: string, places: readonly Place[], known: Map<string, KeyFacts>): KeyFacts {
  const facts = { takers: new Set(takers(key, places)), held: places.some((place) => place.holds(key)) };
  known.set(key, facts);
  return facts;
}

/** A key that no place takes fails in the first one, with the reason. */
function takers(key: string, places: readonly Place[]): readonly Place[] {
  const able = places.filter((place) => place.takes(key));
  return able.length > 0 ? able : places.slice(0, 1);
}
