/** An input on its way, for the task that has begun with it. */
import { OtfError } from '../../errors/catalogue.js';
import type { InputSources } from '../../tasks/files.js';

export interface ArrivalParts {
  /** Nobody wants the rest. */
  stop: () => void;
  /** Takes the task back: the job begins again when everything is here. */
  takeBack: (why: string) => void;
}

export class Arrival {
  readonly #parts: ArrivalParts;
  /** Everything is here and what it should be. Rejects with why it will not be. */
  readonly whole: Promise<InputSources>;
  #settle!: { resolve: (inputs: InputSources) => void; reject: (reason: unknown) => void };
  /** Who waits for how many bytes. */
  readonly #waiting = new Map<() => void, number>();
  #bytes = 0;
  #state: 'coming' | 'whole' | 'failed' | 'off' = 'coming';

  constructor(parts: ArrivalParts) {
    this.#parts = parts;
    this.whole = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever waits hears of it; nobody may be waiting.
    this.whole.catch(() => undefined);
  }

  /** So many bytes are there. */
  came(bytes: number): void {
    this.#bytes = bytes;
    this.#move();
  }

  ended(inputs: InputSources): void {
    this.#end('whole', () => this.#settle.resolve(inputs));
  }

  failed(reason: unknown): void {
    this.#end('failed', () => this.#settle.reject(reason));
  }

  /** The task that had begun is none any more; false: everything is here. */
  callOff(why: string): boolean {
    if (this.#state !== 'coming') return this.#state !== 'whole';
    this.#end('off', () => this.#settle.reject(new OtfError('OTF_CANCELLED', why)));
    this.#parts.takeBack(why);
    return true;
  }

  /** The task has ended. */
  drop(): void {
    if (this.#state === 'coming') this.#parts.stop();
  }

  has(bytes: number): boolean {
    return this.#state === 'whole' || bytes <= this.#bytes;
  }

  /** Resolves when so many bytes are there, or will not come; when that takes longer than `patienceMs` it is called off. */
  async reach(bytes: number, patienceMs: number): Promise<void> {
    if (this.#state !== 'coming' || this.has(bytes)) return;
    const late = setTimeout(() => this.callOff('the rest of its image is slow'), patienceMs).unref();
    await new Promise<void>((resolve) => this.#waiting.set(resolve, bytes));
    clearTimeout(late);
  }

  #end(state: 'whole' | 'failed' | 'off', settle: () => void): void {
    if (this.#state !== 'coming') return;
    this.#state = state;
    settle();
    this.#move();
  }

  #move(): void {
    for (const [go, bytes] of this.#waiting) {
      if (this.#state === 'coming' && !this.has(bytes)) continue;
      this.#waiting.delete(go);
      go();
    }
  }
}
