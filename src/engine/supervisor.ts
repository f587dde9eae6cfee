/**
 * One (model, quantization) that can be run: its slots, and a process that is started when needed, watched, and started
 * again after a death. The slots outlive the process, so that what was filled before a death need not be filled again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { OtfError } from '../errors/catalogue.js';
import { descriptorShortage } from '../io/descriptors.js';
import type { OpenedSlots } from './addon.js';
import { native } from './addon.js';
import type { CpuSet } from './cpu-sets.js';
import {
  EngineDied,
  EngineProcess,
  type EngineReady,
  type ForwardDone,
  type ItemShape,
  type NamedFile,
} from './process.js';

export interface SupervisedSpec {
  /** `model/quantization`, for people. */
  key: string;
  /** The key and the shape of the items, where tasks of a key differ in it: what an engine is kept under. Absent: the key. */
  lane?: string;
  network: NamedFile;
  engine: string;
  gpu?: number | undefined;
  /** The CPUs it keeps to; undefined = all. */
  cpus?: CpuSet | undefined;
  quantization: string;
  threads: number;
  inputBias: number;
  calibration?: NamedFile | undefined;
  item: ItemShape;
  valuesIn: number;
  valuesOut: number;
  batch: number;
  slots: number;
}

export interface SupervisorLimits {
  readyMs: number;
  /** Least time a forward pass is given. */
  hangMs: number;
  /** The time of the first, of which nothing is known. */
  firstMs: number;
}

export interface SupervisorEvents {
  started: (key: string, ready: EngineReady, ms: number) => void;
  died: (key: string, reason: EngineDied) => void;
}

const kHangFactor = 20;
const kBackOffMs = 100;
const kMaxBackOffMs = 10_000;
/** Deaths before it is ready, in a row, after which starting is given up. */
const kStartAttempts = 3;
const kPingMs = 5000;
const kRateMemory = 0.3;

export class EngineSupervisor {
  readonly spec: SupervisedSpec;
  readonly #limits: SupervisorLimits;
  readonly #events: SupervisorEvents;
  #slots: OpenedSlots | undefined;
  #process: EngineProcess | undefined;
  #starting: Promise<EngineProcess> | undefined;
  #info: EngineReady | undefined;
  #deaths = 0;
  #memoryBytes = 0;
  /** Seconds per item, smoothed; undefined before the first forward pass. */
  secondsPerItem: number | undefined;
  lastUsedMs = Date.now();
  restarts = 0;

  constructor(spec: SupervisedSpec, limits: SupervisorLimits, events: SupervisorEvents) {
    this.spec = spec;
    this.#limits = limits;
    this.#events = events;
  }

  /** What the process said of itself, also when it has died since. */
  get info(): EngineReady | undefined {
    return this.#info;
  }

  get loaded(): boolean {
    return this.#process !== undefined;
  }

  get memoryBytes(): number {
    const slots = this.#slots ? this.#slots.slotBytes * this.spec.slots : 0;
    return slots + (this.#process ? this.#memoryBytes : 0);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Shared memory to fill; there before the process is. */
  async slots(): Promise<OpenedSlots> {
    if (!this.#slots) {
      const addon = native();
      const { batch, valuesIn, valuesOut, slots } = this.spec;
      try {
        this.#slots ??= addon.createSlots({ batch, valuesIn, valuesOut, slots });
      } catch (thrown) {
        throw descriptorShortage() ?? thrown;
      }
    }
    return this.#slots;
  }

  /** Starts the process if there is none. Throws what keeps it from starting. */
  async start(): Promise<EngineReady> {
    return (await this.#running()).info;
  }

  /** Throws EngineDied when the process dies or hangs on it; the next call starts another. */
  async forward(slot: number, count: number): Promise<ForwardDone> {
    const running = await this.#running();
    this.lastUsedMs = Date.now();
    const expectedMs = this.secondsPerItem === undefined ? undefined : this.secondsPerItem * count * 1000;
    const passes = 1 + (this.spec.item.draws?.repeats ?? 0);
    const limitMs =
      expectedMs === undefined
        ? this.#limits.firstMs * passes
        : Math.max(this.#limits.hangMs, kHangFactor * expectedMs);
    try {
      const done = await running.forward(slot, count, limitMs);
      const rate = done.seconds / count;
      this.secondsPerItem = smoothed(this.secondsPerItem, rate);
      this.#memoryBytes = done.memoryBytes;
      this.#deaths = 0;
      this.lastUsedMs = Date.now();
      return done;
    } catch (thrown) {
      if (thrown instanceof EngineDied) {
        await running.ended;
        this.#buried(running, thrown);
      }
      throw thrown;
    }
  }

  /** A process that does not answer is ended; nothing to do when there is none. Not during a forward pass. */
  async checkHealth(): Promise<void> {
    const running = this.#process;
    if (!running) return;
    try {
      await running.ping(kPingMs);
    } catch (thrown) {
      running.kill();
      await running.ended;
      if (thrown instanceof EngineDied) this.#buried(running, thrown);
    }
  }

  /** Ends the process and gives the slots back. */
  async close(): Promise<void> {
    const running = this.#process ?? (await this.#starting?.catch(() => undefined));
    this.#process = undefined;
    await running?.end();
    if (this.#slots) native().closeSlots(this.#slots.slots);
    this.#slots = undefined;
  }

  async #running(): Promise<EngineProcess> {
    if (this.#process?.alive) return this.#process;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<EngineProcess> {
    const slots = await this.slots();
    for (let attempt = 1; ; attempt++) {
      if (this.#deaths > 0) await sleep(Math.min(kMaxBackOffMs, kBackOffMs * 2 ** (this.#deaths - 1)));
      const before = performance.now();
      try {
        const spec = { ...this.spec, slotBytes: slots.slotBytes, slotsFd: slots.fd };
        const running = await EngineProcess.start(spec, this.#limits.readyMs);
        this.#process = running;
        this.#info = running.info;
        this.#memoryBytes = running.info.memoryBytes;
        this.#events.started(this.spec.key, running.info, performance.now() - before);
        return running;
      } catch (thrown) {
        if (!(thrown instanceof EngineDied)) throw thrown;
        this.#buried(undefined, thrown);
        if (attempt < kStartAttempts) continue;
        throw new OtfError('OTF_ENGINE_UNAVAILABLE', `the engine cannot be started: ${thrown.message}`, {
          cause: thrown,
        });
      }
    }
  }

  #buried(which: EngineProcess | undefined, reason: EngineDied): void {
    if (which !== this.#process) return;
    this.#process = undefined;
    this.#deaths++;
    this.restarts++;
    this.#events.died(this.spec.key, reason);
  }
}

/** Down at once: the first pass of a process takes longer than any later one. */
function smoothed(before: number | undefined, now: number): number {
  if (before === undefined || now < before) return now;
  return before + kRateMemory * (now - before);
}
