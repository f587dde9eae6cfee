/**
 * Forward passes on one device, in the order asked for. One engine's passes at a time; its next one is handed over while
 * one runs, so that the device does not wait for this process between two.
 */
const kHandedOver = 2;

interface Waiting {
  engine: object;
  begin: () => void;
}

export class Turns {
  readonly #waiting: Waiting[] = [];
  #engine: object | undefined;
  #running = 0;

  /** Runs, or waits to run, now. */
  get busy(): boolean {
    return this.#running > 0;
  }

  async run<T>(engine: object, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((begin) => {
      this.#waiting.push({ engine, begin });
      this.#next();
    });
    try {
      return await work();
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #next(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (!first) return;
      const joins = this.#engine === first.engine && this.#running < kHandedOver;
      if (this.#running > 0 && !joins) return;
      this.#engine = first.engine;
      this.#running++;
      this.#waiting.shift();
      first.begin();
    }
  }
}
