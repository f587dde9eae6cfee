/** The slots of a stream that hold no pass. */

export class FreeSlots {
  readonly #count: number;
  readonly #free: number[];
  #wanted: ((slot: number) => void) | undefined;

  constructor(count: number) {
    this.#count = count;
    this.#free = Array.from({ length: count }, (_, slot) => slot);
  }

  /** No pass is under way. */
  get all(): boolean {
    return this.#free.length === this.#count;
  }

  /** One caller waits at a time. */
  take(): Promise<number> {
    const slot = this.#free.pop();
    if (slot !== undefined) return Promise.resolve(slot);
    return new Promise((resolve) => {
      this.#wanted = resolve;
    });
  }

  give(slot: number): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (wanted) wanted(slot);
    else this.#free.push(slot);
  }
}
