/** Requests of one person in a second: a bucket each that fills at the rate and holds two seconds of it. */
const kBurstS = 2;
/** Forgotten, the one seen longest ago first: a bucket nobody draws from is full. */
const kRemembered = 10_000;

interface Bucket {
  left: number;
  atMs: number;
}

export class RateLimit {
  readonly #perMs: number;
  readonly #most: number;
  readonly #buckets = new Map<string, Bucket>();

  /** 0 = no limit. */
  constructor(perSecond: number) {
    this.#perMs = perSecond / 1000;
    this.#most = Math.max(1, perSecond * kBurstS);
  }

  get on(): boolean {
    return this.#perMs > 0;
  }

  /** Seconds to wait; 0 = go on. */
  take(who: string, nowMs = performance.now()): number {
    if (this.#perMs === 0) return 0;
    const before = this.#buckets.get(who);
    const left = before ? Math.min(this.#most, before.left + (nowMs - before.atMs) * this.#perMs) : this.#most;
    this.#buckets.delete(who);
    this.#buckets.set(who, { left: left >= 1 ? left - 1 : left, atMs: nowMs });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > kRemembered && oldest !== undefined) this.#buckets.delete(oldest);
    return left >= 1 ? 0 : Math.ceil((1 - left) / this.#perMs / 1000);
  }
}
