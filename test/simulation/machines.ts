/**
 * What a server starts: engine processes, worker threads and its database, as parts of the history. Engines compute what real
 * ones have computed (oracle.ts), and may die, hang or talk nonsense at any message; threads do their real work one piece at a
 * time, when the history says so, and may die of it; commits fail on a full disk.
 */
import { createRequire } from 'node:module';
import type { EngineEnd, NativeAddon, StartEngineRequest } from '#otf/engine/addon.js';
import { real } from './disk.js';
import { type Scene, systemError } from './files.js';
import { essence, type Oracle, type OracleSpec } from './oracle.js';
import type { Machine } from './sim.js';

/** Shares of messages and of pieces of work. */
export interface MachineFaults {
  engineDies: number;
  engineHangs: number;
  threadDies: number;
}

export interface Machines extends Scene {
  machineFaults: MachineFaults;
  /** Of an engine, for a pass at most. */
  forwardMs: number;
}

interface Slots {
  slots: number;
  fd: number;
  slotBytes: number;
  batch: number;
  valuesIn: number;
  valuesOut: number;
}

type Functions = Record<string, (...args: never[]) => unknown>;

/** Native things that a killed server leaves in this process, by what closes them. */
const kPairs = { openDetectionModel: 'closeDetectionModel', openDetection: 'closeTask' } as const;
const kPageBytes = 4096;

export class NativeParts {
  readonly #addon: Functions;
  readonly #real: Functions;
  readonly #before: NativeAddon;
  readonly #oracle: Oracle;
  readonly #scene: () => Machines;
  readonly #slots = new Map<number, Slots>();
  readonly #engines = new Map<number, SimEngine>();
  readonly #left = new Map<string, { close: () => void; machine: Machine | undefined }>();
  #count = 0;

  /** From now on `addon` does what the history says. */
  constructor(addon: NativeAddon, before: NativeAddon, oracle: Oracle, scene: () => Machines) {
    this.#addon = addon as unknown as Functions;
    this.#real = before as unknown as Functions;
    this.#before = before;
    this.#oracle = oracle;
    this.#scene = scene;
    for (const [name, work] of Object.entries(this.#real)) {
      if (typeof work === 'function') this.#addon[name] = (...args) => this.#call(name, work, args);
    }
    const none = () => undefined;
    const readers = { started: 0, crashed: 0, killed: 0, late: 0, idle: 0, busy: 0 };
    Object.assign(addon, {
      startEngine: (request: StartEngineRequest, onReply: (line: string) => void, onEnd: (end: EngineEnd) => void) =>
        this.#startEngine(request, onReply, onEnd),
      sendToEngine: (id: number, line: string) => this.#engines.get(id)?.hear(line),
      killEngine: (id: number) => this.#engines.get(id)?.kill(),
      // Images here need no decoder.
      ...{ configureReaders: none, stopReaders: none, warmReaders: async () => undefined, readerStats: () => readers },
    });
  }

  /** A program that was killed gives nothing back by itself. `machine`: undefined = the server's. */
  clear(machine?: Machine): void {
    for (const [name, left] of [...this.#left].reverse()) {
      if (left.machine !== machine) continue;
      left.close();
      this.#left.delete(name);
    }
  }

  #call(name: string, work: (...args: never[]) => unknown, args: never[]): unknown {
    const result = work.apply(this.#real, args);
    if (result instanceof Promise) return this.#scene().sim.external(result);
    if (name === 'createSlots') {
      const opened = result as Slots;
      this.#slots.set(opened.fd, { ...(args[0] as unknown as Slots), ...opened });
      this.#keep('closeSlots', opened.slots);
    }
    const close = kPairs[name as keyof typeof kPairs];
    const { model, task } = (result ?? {}) as { model?: number; task?: number };
    if (close) this.#keep(close, (name === 'openDetection' ? task : model) as number);
    if (['closeSlots', ...Object.values(kPairs)].includes(name)) this.#left.delete(`${name} ${args[0]}`);
    return result;
  }

  #keep(close: string, handle: number): void {
    const machine = this.#scene().sim.where?.machine;
    this.#left.set(`${close} ${handle}`, { close: () => this.#real[close]?.(handle as never), machine });
  }

  #startEngine(request: StartEngineRequest, onReply: (line: string) => void, onEnd: (end: EngineEnd) => void) {
    const slots = this.#slots.get(request.slotsFd);
    if (!slots) throw new Error('an engine with slots of nobody');
    const id = ++this.#count;
    const parts = { slots, request, onReply, onEnd, oracle: this.#oracle, scene: this.#scene, real: this.#before };
    this.#engines.set(id, new SimEngine(parts));
    return { process: id, pid: 100_000 + id };
  }
}

interface EngineParts {
  slots: Slots;
  request: StartEngineRequest;
  onReply: (line: string) => void;
  onEnd: (end: EngineEnd) => void;
  oracle: Oracle;
  scene: () => Machines;
  real: NativeAddon;
}

const kLoadMs = 300;

/** A process that holds a network: its answers come in the order of the commands. */
class SimEngine {
  readonly #parts: EngineParts;
  readonly #spec: OracleSpec;
  #dead = false;
  #hung = false;
  #before: Promise<unknown> = Promise.resolve();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { valuesIn, valuesOut } = parts.slots;
    const { arguments: given, environment } = parts.request;
    this.#spec = { arguments: given, environment, valuesIn, valuesOut };
    this.#spec.arguments = [...essence(given), '--batch', '1', '--slots', '1', '--slot-bytes', '1'];
    this.#answer(kLoadMs, () => parts.scene().sim.external(parts.oracle.ready(this.#spec)));
  }

  hear(line: string): void {
    if (this.#dead) return;
    const [command, slot, count] = line.split(' ');
    if (command === 'quit') this.#after(5, () => this.#end('exited with code 0', false));
    else if (command === 'ping') this.#answer(1, async () => 'pong');
    else this.#answer(this.#parts.scene().forwardMs, () => this.#forward(Number(slot), Number(count)));
  }

  kill(): void {
    this.#after(2, () => this.#end('was ended by SIGKILL (Killed)', true));
  }

  #after(ms: number, work: () => void): void {
    const { sim } = this.#parts.scene();
    sim.at(sim.between(0, ms), 'server', work);
  }

  /** One after another; before and after each something may happen to it. */
  #answer(slowestMs: number, work: () => Promise<string>): void {
    const { sim } = this.#parts.scene();
    this.#before = this.#before.then(async () => {
      await sim.io(() => undefined, slowestMs);
      if (this.#dead || this.#hung || this.#strikes()) return;
      const line = await work();
      if (this.#dead || this.#strikes()) return;
      this.#parts.onReply(line);
    });
  }

  #strikes(): boolean {
    const { sim, machineFaults: faults } = this.#parts.scene();
    if (sim.chance(faults.engineDies)) {
      const [how, killed] = sim.pick([
        ['was ended by SIGSEGV (Segmentation fault)', false],
        ['exited with code 1', false],
        ['was ended by SIGKILL (Killed)', true],
      ] as const);
      sim.note(`an engine ${how}`);
      this.#end(how, killed);
    } else if (sim.chance(faults.engineHangs)) {
      sim.note('an engine hangs');
      this.#hung = true;
    }
    return this.#dead || this.#hung;
  }

  #end(how: string, killed: boolean): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#after(5, () => this.#parts.onEnd({ how, killed, words: '', lines: [] }));
  }

  async #forward(slot: number, count: number): Promise<string> {
    const { slots, oracle, scene, real: addon } = this.#parts;
    const { sim } = scene();
    for (let item = 0; item < count; item++) {
      const at = { slots: slots.slots, slot, item, count: 1 };
      const { input } = addon.readItems(at);
      // Remembered or not: the history is the same.
      const known = oracle.known(this.#spec, input);
      const output = await sim.external(known ? Promise.resolve(known) : oracle.outputOf(this.#spec, input));
      // The server may have been killed, and its slots with it.
      if (this.#dead) return '';
      const bytes = Buffer.from(output.buffer, output.byteOffset, output.byteLength);
      const start = slot * slots.slotBytes + this.#outputOffset() + item * bytes.length;
      real.writeSync(slots.fd, bytes, 0, bytes.length, start);
    }
    return `done ${slot} 0.01 1000000`;
  }

  /** Output follows the input, from a page of its own (native/engine/process/protocol.cpp). */
  #outputOffset(): number {
    const { valuesIn, batch } = this.#parts.slots;
    return Math.ceil((valuesIn * batch * Float32Array.BYTES_PER_ELEMENT) / kPageBytes) * kPageBytes;
  }
}

type Entry = { default: (order: unknown) => Promise<unknown> };

export interface Pool {
  run: (order: unknown) => Promise<unknown>;
  destroy: () => Promise<void>;
}

/** Threads of a crew: each piece of work is done here, when its time comes. */
export function simPool(scene: () => Machines): new (options: { filename: string; minThreads?: number }) => Pool {
  return class SimPool {
    readonly threads: { once: (event: string, heard: () => void) => void }[];
    readonly #entry: Promise<Entry>;

    constructor({ filename, minThreads = 1 }: { filename: string; minThreads?: number }) {
      // The file that threads load is one for them alone; the module behind it is the same.
      this.#entry = import(filename.replace('worker-entry.cjs', 'worker.js')) as Promise<Entry>;
      const ready = (_event: string, heard: () => void) => {
        // Histories fetch nothing: that thread is there without a draw, and those that are known by their number stay what they are.
        if (filename.endsWith('/fetch-worker-entry.cjs')) queueMicrotask(heard);
        else scene().sim.at(scene().sim.between(1, 50), 'server', heard);
      };
      this.threads = Array.from({ length: minThreads }, () => ({ once: ready }));
    }

    async run(order: unknown): Promise<unknown> {
      const { sim } = scene();
      const { default: work } = await sim.external(this.#entry);
      await sim.io(() => undefined, 10);
      if (sim.chance(scene().machineFaults.threadDies)) {
        sim.note('a worker thread dies');
        throw new Error('Worker terminated prior to completion');
      }
      return sim.io(() => work(order), 10);
    }

    async destroy(): Promise<void> {}
  };
}

const kDatabasePackage = Number(process.versions.napi) >= 10 ? 'better-sqlite3' : 'better-sqlite3-node20';

/** Databases of the server, to be closed when it is killed; their commits fail when there is no room. */
export function installDatabase(scene: () => Machines): { closeAll: () => void } {
  const require = createRequire(import.meta.url);
  const Real = require(kDatabasePackage) as new (...args: unknown[]) => { open: boolean; close: () => void };
  const opened = new Set<InstanceType<typeof Real>>();
  class SimDatabase extends Real {
    constructor(...args: unknown[]) {
      super(...args);
      opened.add(this);
    }
  }
  const transaction = (Real.prototype as unknown as { transaction: (work: Work) => Work }).transaction;
  type Work = (...args: unknown[]) => unknown;
  Object.assign(SimDatabase.prototype, {
    transaction(this: InstanceType<typeof Real>, work: Work): Work {
      return transaction.call(this, (...args: unknown[]) => {
        const result = work(...args);
        const { disk, faults, sim } = scene();
        // Where SQLite writes its pages: everything is undone.
        if (disk.full) throw Object.assign(systemError('SQLITE_FULL', 'commit'), { code: 'SQLITE_FULL' });
        if (sim.chance(faults.ioErrors))
          throw Object.assign(systemError('EIO', 'commit'), { code: 'SQLITE_IOERR_WRITE' });
        return result;
      });
    },
  });
  const { SqliteError } = Real as unknown as { SqliteError: unknown };
  const loaded = require.cache[require.resolve(kDatabasePackage)];
  if (!loaded) throw new Error(`${kDatabasePackage} is not loaded`);
  loaded.exports = Object.assign(SimDatabase, { SqliteError });
  return {
    closeAll: () => {
      for (const database of opened) if (database.open) database.close();
      opened.clear();
    },
  };
}
