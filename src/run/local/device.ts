/** One device: the networks loaded on it, and a stream of tiles for each that is in use. */

import type { Config } from '../../config/schema.js';
import { canRun, type Device } from '../../engine/device.js';
import { EnginePool } from '../../engine/pool.js';
import type { EngineSupervisor, SupervisorEvents } from '../../engine/supervisor.js';
import type { DeviceState } from '../../jobs/executor.js';
import { calibrationOf } from '../../models/card.js';
import { kindNamed } from '../../tasks/registry.js';
import type { Place } from '../runner.js';
import type { MemoryBudget } from './memory.js';
import type { ReadyModel } from './models.js';
import { type StreamEvents, TileStream } from './stream.js';
import type { TaskDevice, TaskItem } from './task.js';
import { Turns } from './turns.js';
import type { Workers } from './workers.js';

export interface DeviceParts {
  device: Device;
  config: Config['engine'];
  workers: Workers;
  memory: MemoryBudget;
  /** What the card of the key's model demands, if it does. */
  demanded: (key: string) => string | undefined;
  engines: SupervisorEvents;
  streams: StreamEvents;
}

/** Three under way (filled, inferred, consumed), one between, and the spare of isolate.ts. */
const kSlots = 5;
/** Most of a pass, 128 MiB: items of a cube are large enough alone. */
const kPassValues = 2 ** 25;

function laneOf(key: string, item?: TaskItem): string {
  if (!item) return key;
  const draws = item.draws ? ` ${item.draws.repeats} draws of ${item.draws.seed}` : '';
  return `${key} ${item.width}x${item.height}x${item.depth}${draws}`;
}

export class LocalDevice implements Place, TaskDevice {
  readonly name: string;
  readonly engines: EnginePool;
  readonly #parts: DeviceParts;
  readonly #turns = new Turns();
  readonly #streams = new Map<string, TileStream>();

  constructor(parts: DeviceParts) {
    this.#parts = parts;
    this.name = parts.device.name;
    const { ready_s, hang_s, first_s, memory_mb, idle_s } = parts.config;
    this.engines = new EnginePool({
      limits: { readyMs: ready_s * 1000, hangMs: hang_s * 1000, firstMs: first_s * 1000 },
      memoryBytes: memory_mb * 2 ** 20,
      idleMs: idle_s * 1000,
      events: parts.engines,
    });
  }

  /** GPUs before CPUs. */
  get tier(): number {
    return this.name.startsWith('cpu') ? 1 : 0;
  }

  takes(key: string): boolean {
    return canRun(this.#parts.device, this.#parts.demanded(key));
  }

  holds(key: string): boolean {
    const inUse = [...this.#streams.values()].some(({ lease }) => lease.engine.spec.key === key);
    return inUse || this.engines.list().some(({ spec, loaded }) => loaded && spec.key === key);
  }

  get hungry(): boolean {
    for (const stream of this.#streams.values()) if (stream.hasWork) return false;
    return true;
  }

  get busy(): boolean {
    return this.#turns.busy;
  }

  state(): DeviceState {
    const restarts = this.engines.restarts();
    const networks = this.engines.list().map(({ spec: { key }, info, memoryBytes, loaded }) => ({
      ...{ key, engine: info?.engine, version: info?.version, device: info?.device, computeType: info?.effective },
      ...{ memoryBytes, loaded, restarts: restarts.get(key) ?? 0 },
    }));
    return { name: this.name, busy: this.busy, networks };
  }

  /** Of the stream of the key and shape, while it is in use. */
  engineOf(key: string, item?: TaskItem): EngineSupervisor | undefined {
    return this.#streams.get(laneOf(key, item))?.lease.engine;
  }

  /** `auto` is what its engine has taken. */
  kindFor(key: string, item?: TaskItem): 'cpu' | 'gpu' {
    if (this.name !== 'auto') return this.name.startsWith('gpu') ? 'gpu' : 'cpu';
    const info = this.engineOf(key, item)?.info;
    return info !== undefined && /cuda/i.test(`${info.engine} ${info.version}`) ? 'gpu' : 'cpu';
  }

  /** The stream of the key and shape; its network is loaded if it is not. */
  open(key: string, model: ReadyModel, quantization: string, own?: TaskItem): TileStream {
    const lane = laneOf(key, own);
    const known = this.#streams.get(lane);
    if (known) return known;
    const { device, config, workers, memory, streams: events } = this.#parts;
    const { card } = model;
    const { valuesIn, valuesOut } = own ?? model;
    const lease = this.engines.lease({
      key,
      lane,
      network: { path: card.weightsPath, sha256: card.sha256 },
      engine: card.engine ?? device.engine,
      gpu: device.gpu,
      cpus: device.cpus,
      quantization,
      threads: config.threads,
      inputBias: card.input_bias,
      calibration: calibrationOf(card),
      item: own ?? kindNamed(card.kind).itemShape(card),
      valuesIn,
      valuesOut,
      batch: Math.max(1, Math.min(config.batch, Math.floor(kPassValues / valuesIn))),
      slots: kSlots,
    });
    const stream = new TileStream({ lease, workers, device: this.#turns, memory, events });
    this.#streams.set(lane, stream);
    // Loading goes on beside the filling of the first slots; what goes wrong is told by the first pass.
    this.engines
      .makeRoom()
      .then(() => lease.engine.start())
      .catch(() => undefined);
    return stream;
  }

  /** Streams in which nothing is under way are given up; their networks stay loaded for a while. */
  tidy(): void {
    for (const [lane, stream] of this.#streams) {
      if (!stream.quiet) continue;
      stream.lease.release();
      this.#streams.delete(lane);
    }
  }
}
