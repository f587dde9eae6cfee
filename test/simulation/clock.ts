/** Time and chance as programs ask for them (timers, Date, performance, random bytes): those of the history there is. */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { promisify } from 'node:util';
import type { Sim, SimEvent } from './sim.js';

const require = createRequire(import.meta.url);

/** What setTimeout and the others give. */
class SimTimer {
  event: SimEvent;
  readonly #again: () => SimEvent;

  constructor(begin: () => SimEvent) {
    this.#again = begin;
    this.event = begin();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  refresh(): this {
    this.event.off = true;
    this.event = this.#again();
    return this;
  }

  close(): this {
    this.event.off = true;
    return this;
  }
}

type Callback = (...args: unknown[]) => void;

/** `sim`: of the history that is under way. */
export function installClock(sim: () => Sim): void {
  const timeout = (callback: Callback, ms = 0, ...args: unknown[]) =>
    new SimTimer(() => sim().at(Math.max(1, Number(ms) || 0), 'server', () => callback(...args)));
  const immediate = (callback: Callback, ...args: unknown[]) =>
    new SimTimer(() => sim().at(0, 'immediate', () => callback(...args)));
  const interval = (callback: Callback, ms = 0, ...args: unknown[]) => {
    const again = (): SimEvent =>
      sim().at(Math.max(1, ms), 'server', () => {
        if (timer.event.off) return;
        timer.event = again();
        callback(...args);
      });
    const timer = new SimTimer(again);
    return timer;
  };
  const clear = (timer: unknown) => {
    if (timer instanceof SimTimer) timer.close();
  };
  const later = { setTimeout: promised(timeout), setImmediate: promised((run, _ms) => immediate(run)) };
  Object.defineProperty(timeout, promisify.custom, { value: later.setTimeout });
  Object.defineProperty(immediate, promisify.custom, {
    value: (value?: unknown) => later.setImmediate(0, value),
  });
  const timers = { setTimeout: timeout, setImmediate: immediate, setInterval: interval };
  const clears = { clearTimeout: clear, clearImmediate: clear, clearInterval: clear };
  Object.assign(globalThis, timers, clears);
  Object.assign(require('node:timers'), timers, clears);
  Object.assign(require('node:timers/promises'), {
    setTimeout: later.setTimeout,
    setImmediate: (value?: unknown) => later.setImmediate(0, value),
  });
  installDates(sim);
  installChance(sim);
  syncBuiltinESMExports();
}

/** As of node:timers/promises: with a signal. */
function promised(set: (run: () => void, ms: number) => SimTimer) {
  return <T>(ms = 1, value?: T, { signal }: { signal?: AbortSignal } = {}): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const aborted = () =>
        Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' });
      if (signal?.aborted) return reject(aborted());
      const stop = () => {
        timer.close();
        reject(aborted());
      };
      const timer = set(() => {
        signal?.removeEventListener('abort', stop);
        resolve(value);
      }, ms);
      signal?.addEventListener('abort', stop, { once: true });
    });
}

function installDates(sim: () => Sim): void {
  const RealDate = Date;
  class SimDate extends RealDate {
    constructor(...args: unknown[]) {
      if (args.length === 0) super(sim().wallMs);
      else super(...(args as [number]));
    }

    static override now(): number {
      return sim().wallMs;
    }
  }
  globalThis.Date = SimDate as unknown as DateConstructor;
  Object.defineProperty(performance, 'now', { value: () => sim().nowMs, configurable: true });
}

function installChance(sim: () => Sim): void {
  const crypto = require('node:crypto') as Record<string, unknown>;
  const bytes = (size: number) => Buffer.from(Array.from({ length: size }, () => Math.floor(sim().random() * 256)));
  Math.random = () => sim().random();
  crypto.randomBytes = (size: number) => bytes(size);
  crypto.randomInt = (low: number, high?: number) =>
    high === undefined ? Math.floor(sim().random() * low) : Math.floor(sim().between(low, high));
  crypto.randomUUID = () => {
    const hex = bytes(16).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
}
