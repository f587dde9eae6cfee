/** Memory that is promised before it is taken: whoever wants more than is left waits, in the order of asking. */

interface Waiting {
  bytes: number;
  begin: () => void;
}

export class MemoryBudget {
  readonly #bytes: number;
  readonly #waiting: Waiting[] = [];
  #taken = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get taken(): number {
    return this.#taken;
  }

  /** One that wants more than there is at all gets it when nobody else has any. The function gives it back, once. */
  async take(bytes: number): Promise<() => void> {
    await new Promise<void>((begin) => {
      this.#waiting.push({ bytes, begin });
      this.#next();
    });
    let held = true;
    return () => {
      if (held) this.#taken -= bytes;
      held = false;
      this.#next();
    };
  }

  #next(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (!first || (this.#taken > 0 && this.#taken + first.bytes > this.#bytes)) return;
      this.#waiting.shift();
      this.#taken += first.bytes;
      first.begin();
    }
  }
}
