/**
 * The one source of time, chance and order in a history: whatever the server or a client does next is an event here, and the
 * seed decides which one comes first.
 *
 *   timers, files, threads, engines, sockets ─► at() ─► the queue ─► run(): one event, then everything that follows of it at once
 *
 * Native work that takes another thread of the machine is waited for in real time, and its answer is an event like the others:
 * how fast the machine is changes nothing.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { random } from '../soak/random.js';

/** What is left of a program that was killed does not happen, but for immediates: modules keep queues of those. */
type Kind = 'world' | 'server' | 'immediate';

/** A machine with a program on it, each start of which is another life. */
export interface Machine {
  name: string;
  life: number;
}

/** Which program does something; those of the server are not told apart. */
export interface Where {
  machine: Machine;
  life: number;
}

export interface SimEvent {
  atMs: number;
  order: number;
  where: Where | undefined;
  life: number;
  kind: Kind;
  run: () => void;
  off: boolean;
}

/** Work of other threads. */
interface External {
  deliver: (() => void) | undefined;
  where: Where | undefined;
  life: number;
}

const realImmediate = setImmediate;
/** 2026-01-01, where every history begins. */
const kBeginMs = Date.UTC(2026, 0, 1);

export class Sim {
  readonly random: () => number;
  /** Since the beginning; never goes back. */
  nowMs = 0;
  /** Of the wall clock, which somebody may set. */
  wallOffsetMs = 0;
  /** Of the server: each start of it is another one. */
  life = 0;
  readonly faults: string[] = [];
  /** Left out of what is noted: names that differ from run to run. */
  veil: (line: string) => string = (line) => line;
  /** Called with what happens, when somebody wants to read it. */
  say: ((line: string) => void) | undefined;
  readonly #where = new AsyncLocalStorage<Where | undefined>();
  readonly #queue: SimEvent[] = [];
  readonly #externals: External[] = [];
  readonly #hash = createHash('sha256');
  #count = 0;

  constructor(seed: number) {
    this.random = random(seed);
  }

  get wallMs(): number {
    return Math.floor(kBeginMs + this.nowMs + this.wallOffsetMs);
  }

  get events(): number {
    return this.#count;
  }

  /** Of everything that was noted: two runs of a seed have the same. */
  get digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }

  /** Somebody sets the wall clock. */
  setClock(byMs: number): void {
    this.wallOffsetMs += byMs;
  }

  note(text: string): void {
    const line = this.veil(text);
    this.#hash.update(`${this.nowMs.toFixed(3)} ${line}\n`);
    this.say?.(`${this.nowMs.toFixed(1).padStart(10)} ${line}`);
  }

  fault(what: string): void {
    this.note(`FAULT ${what}`);
    this.faults.push(what);
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.random() * items.length)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  }

  /** Which program is at work; undefined: the server, or somebody outside. */
  get where(): Where | undefined {
    return this.#where.getStore();
  }

  /** As a program that `where` says; undefined: as the server. */
  as<T>(where: Where | undefined, work: () => T): T {
    return this.#where.run(where, work);
  }

  /** Has it been killed? */
  isGone({ where, life }: { where: Where | undefined; life: number }): boolean {
    return where ? where.life !== where.machine.life : life !== this.life;
  }

  at(delayMs: number, kind: Kind, run: () => void): SimEvent {
    return this.atOf(this.where, delayMs, kind, run);
  }

  /** The same, of the program that `where` says; undefined: the server. */
  atOf(where: Where | undefined, delayMs: number, kind: Kind, run: () => void): SimEvent {
    const event = {
      atMs: this.nowMs + Math.max(0, delayMs),
      order: this.#count++,
      where: kind === 'world' ? undefined : where,
      life: this.life,
      kind,
      run,
      off: false,
    };
    let [low, high] = [0, this.#queue.length];
    // The next one is the last of the queue; of two at the same time the one that was asked for first.
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#queue[middle] as SimEvent;
      if (other.atMs > event.atMs || (other.atMs === event.atMs && other.order < event.order)) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, event);
    return event;
  }

  /** What a device or another thread does for the server: done after a while, in the order that chance has. */
  io<T>(work: () => T, slowestMs = 5): Promise<T> {
    return new Promise((resolve, reject) => {
      this.at(this.between(0.01, slowestMs), 'server', () => {
        try {
          resolve(work());
        } catch (thrown) {
          reject(thrown);
        }
      });
    });
  }

  /** Of the clients and the history itself. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.at(ms, 'world', resolve);
    });
  }

  /** `work` is done by another thread of this machine; what comes of it is heard when nothing else is left to wait for. */
  external<T>(work: Promise<T>): Promise<T> {
    const entry: External = { deliver: undefined, where: this.where, life: this.life };
    this.#externals.push(entry);
    return new Promise((resolve, reject) => {
      work.then(
        (value) => {
          entry.deliver = () => resolve(value);
        },
        (thrown) => {
          entry.deliver = () => reject(thrown);
        },
      );
    });
  }

  /** Until `untilMs`, or until `over` says so. Gives whether it did. */
  async run(untilMs: number, over: () => boolean = () => false): Promise<boolean> {
    for (;;) {
      await this.settle();
      if (over()) return true;
      const next = this.#queue.at(-1);
      if (!next || next.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return false;
      }
      this.#queue.pop();
      if (next.off || (next.kind === 'server' && this.isGone(next))) continue;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      try {
        this.as(next.where, next.run);
      } catch (thrown) {
        this.fault(`nobody caught: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
      }
    }
  }

  /** Everything that follows at once has happened, and native work under way has come to its end. */
  async settle(): Promise<void> {
    await turn();
    while (this.#externals.length > 0) {
      while (this.#externals.some(({ deliver }) => deliver === undefined)) await turn();
      for (const entry of this.#externals.splice(0)) {
        if (!this.isGone(entry)) this.atOf(entry.where, this.between(0.05, 20), 'server', () => entry.deliver?.());
      }
      await turn();
    }
  }
}

/** Microtasks, ticks of the process and whatever native threads have sent. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    realImmediate(resolve);
  });
}
