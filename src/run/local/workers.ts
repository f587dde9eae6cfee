/** The worker threads, by what they do. */
import { availableParallelism } from 'node:os';
import { OtfError, toOtfError } from '../../errors/catalogue.js';
import { errorOf, valueIn, type WorkAnswer } from '../../threads/answer.js';
import { Crew } from '../../threads/crew.js';
import type { KindPiece, Work, WorkOrder } from './work.js';

export type Stage = keyof Work;

/** Called with the seconds each visit to a thread took, waiting for a free worker included. */
export type StageObserver = (stage: Stage, seconds: number) => void;

/** Reading images: what waits there for a disk or a decoder must not keep passes and results waiting. */
const kReading: ReadonlySet<Stage> = new Set(['unpack', 'openTask', 'prepare']);
const kEntry = new URL('./worker-entry.cjs', import.meta.url);
const kMinute = 60_000;
/** Of tensors: a millisecond or two. */
const kVisitBytes = 8 << 20;
/**
 * How long a piece of work may take before it counts as stuck and its job as failed: far above what the slowest disk
 * needs. Whatever has a limit of its own (a window of a compressed image: engine.read_s) ends before.
 */
const kLimitMs: Record<Stage, number> = {
  openModel: 30 * kMinute,
  openTask: 10 * kMinute,
  prepare: 30 * kMinute,
  fill: 5 * kMinute,
  consume: 5 * kMinute,
  copy: 5 * kMinute,
  hash: 30 * kMinute,
  unpack: 30 * kMinute,
  finish: 30 * kMinute,
  represent: 10 * kMinute,
};

export class Workers {
  readonly #reading: Crew;
  readonly #other: Crew;
  readonly #otherThreads: number;
  readonly #observe: StageObserver;
  readonly #pending = new Set<Promise<unknown>>();
  readonly ready: Promise<unknown>;
  #closing = false;

  constructor(observe: StageObserver) {
    this.#observe = observe;
    const threads = Math.min(16, availableParallelism());
    this.#reading = new Crew({ entry: kEntry, threads: Math.max(4, threads), each: 1 });
    this.#otherThreads = Math.max(2, threads);
    this.#other = new Crew({ entry: kEntry, threads: this.#otherThreads, each: 2 });
    this.ready = Promise.all([this.#reading.ready, this.#other.ready]);
  }

  /** Pieces of work that are over their time and still under way; once closed, all that are under way. */
  get stuck(): number {
    return this.#closing ? this.#pending.size : this.#reading.stuck + this.#other.stuck;
  }

  /** Work of every kind finds a thread. */
  get work(): boolean {
    return this.#reading.works && this.#other.works;
  }

  /** Throws OtfError: what the work threw, by its code; OTF_INTERNAL when it takes too long. */
  async run<S extends Stage>(stage: S, request: Parameters<Work[S]>[0]): Promise<Awaited<ReturnType<Work[S]>>> {
    const before = performance.now();
    if (this.#closing) throw new OtfError('OTF_CANCELLED', 'the server is shutting down');
    const answer = await this.#ask(stage, request);
    this.#observe(stage, (performance.now() - before) / 1000);
    return valueIn(answer);
  }

  /**
   * Fills or consumes pieces of a pass, `bytes` of tensors in all, and gives their errors, in their order. A visit to a
   * thread costs more than copying a small task's tiles: only a large pass goes to several.
   */
  async pieces(
    stage: 'fill' | 'consume',
    pieces: readonly KindPiece[],
    bytes: number,
  ): Promise<(OtfError | undefined)[]> {
    const visits = Math.max(1, Math.min(this.#otherThreads, Math.floor(bytes / kVisitBytes)));
    const answers = await Promise.all(
      dealt(pieces, visits).map(async (some) => {
        try {
          return (await this.run(stage, some)).map((failure) => failure && errorOf(failure));
        } catch (thrown) {
          return some.map(() => toOtfError(thrown));
        }
      }),
    );
    return answers.flat();
  }

  #ask<S extends Stage>(stage: S, request: Parameters<Work[S]>[0]): Promise<WorkAnswer<Awaited<ReturnType<Work[S]>>>> {
    const crew = kReading.has(stage) ? this.#reading : this.#other;
    const limitMs = kLimitMs[stage];
    return new Promise((resolve, reject) => {
      const late = () => reject(new OtfError('OTF_INTERNAL', `${stage} took more than ${limitMs / kMinute} minutes`));
      const order: WorkOrder<S> = { stage, request };
      const answered = crew.run<Awaited<ReturnType<Work[S]>>>(order, limitMs, late);
      answered.then(resolve, reject);
      const settled = answered
        .then(
          () => undefined,
          () => undefined,
        )
        .finally(() => this.#pending.delete(settled));
      this.#pending.add(settled);
    });
  }

  /**
   * Work under way comes to its end first: native code cannot answer a thread that is being ended, and would abort. Gives
   * false when it has not within `limitMs`; then the threads are still there.
   */
  async close(limitMs: number): Promise<boolean> {
    this.#closing = true;
    const until = performance.now() + limitMs;
    while (this.#pending.size > 0 && performance.now() < until) {
      await Promise.race([Promise.all([...this.#pending]), pause(until - performance.now())]);
    }
    if (this.#pending.size > 0) return false;
    await Promise.all([this.#reading.destroy(), this.#other.destroy()]);
    return true;
  }
}

/** In their order, in at most so many parts of nearly the same number of items. */
function dealt(pieces: readonly KindPiece[], parts: number): KindPiece[][] {
  const total = pieces.reduce((sum, { count }) => sum + count, 0);
  const all: KindPiece[][] = Array.from({ length: parts }, () => []);
  let before = 0;
  for (const piece of pieces) {
    all[Math.floor((before * parts) / total)]?.push(piece);
    before += piece.count;
  }
  return all.filter((some) => some.length > 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
