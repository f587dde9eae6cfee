/** Memory that is promised before it is taken: whoever wants more than is left waits, in the order of asking. */
import { totalmem } from 'node:os';

/** What somebody has of it. */
export interface Held {
  /** Keeps at most so much. */
  shrink: (bytes: number) => void;
  /** Gives it back; a second time does nothing. */
  release: () => void;
}

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

  /** One that wants more than there is at all gets it when nobody else has any. */
  async take(bytes: number): Promise<Held> {
    await new Promise<void>((begin) => {
      this.#waiting.push({ bytes, begin });
      this.#next();
    });
    return this.#held(bytes);
  }

  /** Undefined when it is not there at once, or somebody waits for some. */
  takeNow(bytes: number): Held | undefined {
    if (this.#waiting.length > 0 || this.#taken + bytes > this.#bytes) return undefined;
    this.#taken += bytes;
    return this.#held(bytes);
  }

  /** The same, for what may be kept for long: undefined, too, when less than half of all would be left. */
  takeSpare(bytes: number): Held | undefined {
    return this.#taken + bytes > this.#bytes / 2 ? undefined : this.takeNow(bytes);
  }

  #held(bytes: number): Held {
    let held = bytes;
    const keep = (rest: number) => {
      this.#taken -= held - rest;
      held = rest;
      this.#next();
    };
    return { shrink: (rest) => keep(Math.min(rest, held)), release: () => keep(0) };
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

/** In bytes; of the part of it this program may use, where there is a limit (a container's). */
export function memoryOfThisMachine(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
