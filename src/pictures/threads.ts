/**
 * The threads that make pictures, and who waits for them. Few, at a low priority, and never all of them in a decoder that
 * jobs need, too: so jobs do not wait for people who look. Owners take turns; of one's errands the oldest is first, and what
 * nobody waits for any more is left out.
 */
import { availableParallelism } from 'node:os';
import { OtfError } from '../errors/catalogue.js';
import { RetryLater } from '../jobs/retry.js';
import { valueIn } from '../threads/answer.js';
import { Crew } from '../threads/crew.js';
import type { PictureOrder, PictureStage, PictureValue, PictureWork } from './work.js';

const kEntry = new URL('./worker-entry.cjs', import.meta.url);
const kRetryS = 2;
/** Far above what a plane of any size needs; decoding has a limit of its own (engine.read_s). */
const kLimitMs = 30 * 60_000;
const kCloseMs = 2000;

export interface Errand {
  /** Whom it is for (ownerKey): one may not take the whole line. */
  owner: string;
  /** It may go through a decoder. */
  decodes: boolean;
  /** Nobody waits for it any more: it is left out, if it has not begun. */
  signal?: AbortSignal | undefined;
}

interface Waiting extends Errand {
  begin: () => Promise<void>;
  drop: (reason: OtfError) => void;
}

export class PictureThreads {
  readonly #threads: number;
  readonly #decoders: number;
  readonly #most: number;
  #crew: Crew | undefined;
  #waiting: Waiting[] = [];
  #running = 0;
  #decoding = 0;
  /** When each owner who waits had his last turn: the one whose was longest ago is next. */
  readonly #turns = new Map<string, number>();
  #turn = 0;
  #closing = false;

  /** `most` may wait. */
  constructor(most: number, cpus = availableParallelism()) {
    this.#threads = Math.max(2, Math.min(4, Math.floor(cpus / 2)));
    this.#decoders = Math.max(1, Math.min(this.#threads - 1, cpus - 1));
    this.#most = most;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Throws what the work threw; OTF_QUEUE_FULL, OTF_CLIENT_GONE, OTF_SHUTTING_DOWN. */
  async run<S extends PictureStage>(
    stage: S,
    request: Parameters<PictureWork[S]>[0],
    errand: Errand,
  ): Promise<PictureValue<S>> {
    this.#assertRoom(errand.owner);
    return new Promise((resolve, reject) => {
      const order: PictureOrder<S> = { stage, request };
      const begin = async () => {
        try {
          resolve(await this.#ask(order));
        } catch (thrown) {
          reject(thrown);
        }
      };
      const waiting: Waiting = { ...errand, begin, drop: reject };
      this.#waiting.push(waiting);
      errand.signal?.addEventListener('abort', () => this.#forget(waiting), { once: true });
      if (errand.signal?.aborted) this.#forget(waiting);
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    for (const { drop } of this.#waiting.splice(0))
      drop(new OtfError('OTF_SHUTTING_DOWN', 'the server is shutting down'));
    // Native code cannot answer a thread that is being ended.
    const until = performance.now() + kCloseMs;
    while (this.#running > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
    if (this.#running === 0) await this.#crew?.destroy();
  }

  #assertRoom(owner: string): void {
    if (this.#closing) throw new OtfError('OTF_SHUTTING_DOWN', 'the server is shutting down');
    const own = this.#waiting.filter((each) => each.owner === owner).length;
    if (this.#waiting.length < this.#most && own < Math.ceil(this.#most / 2)) return;
    throw new RetryLater('OTF_QUEUE_FULL', `${this.#waiting.length} pictures are waited for already`, kRetryS);
  }

  #forget(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    waiting.drop(new OtfError('OTF_CLIENT_GONE', 'nobody waits for this picture any more'));
  }

  #next(): void {
    while (this.#running < this.#threads) {
      const chosen = this.#choose();
      if (!chosen) return;
      this.#waiting.splice(this.#waiting.indexOf(chosen), 1);
      this.#tookTurn(chosen.owner);
      this.#running++;
      if (chosen.decodes) this.#decoding++;
      const over = () => {
        this.#running--;
        if (chosen.decodes) this.#decoding--;
        this.#next();
      };
      chosen.begin().then(over, over);
    }
  }

  /** The oldest errand of whoever's last turn was longest ago. */
  #choose(): Waiting | undefined {
    const may = this.#waiting.filter((each) => !each.decodes || this.#decoding < this.#decoders);
    const turnOf = ({ owner }: Waiting) => this.#turns.get(owner) ?? 0;
    const oldest = Math.min(...may.map(turnOf));
    return may.find((each) => turnOf(each) === oldest);
  }

  #tookTurn(owner: string): void {
    this.#turns.set(owner, ++this.#turn);
    const waiting = new Set(this.#waiting.map((each) => each.owner));
    for (const each of this.#turns.keys()) if (!waiting.has(each)) this.#turns.delete(each);
  }

  async #ask<S extends PictureStage>(order: PictureOrder<S>): Promise<PictureValue<S>> {
    this.#crew ??= new Crew({ entry: kEntry, threads: this.#threads, each: 1 });
    const crew = this.#crew;
    return new Promise((resolve, reject) => {
      const late = () => reject(new OtfError('OTF_INTERNAL', `a picture (${order.stage}) takes far too long`));
      crew
        .run<PictureValue<S>>(order, kLimitMs, late)
        .then((answer) => resolve(valueIn(answer)))
        .catch(reject);
    });
  }
}
