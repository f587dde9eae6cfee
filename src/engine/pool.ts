/** The engines of the server: started on first use, kept warm, ended when idle for long or when memory is needed. */
import { EngineSupervisor, type SupervisedSpec, type SupervisorEvents, type SupervisorLimits } from './supervisor.js';

export interface PoolOptions {
  limits: SupervisorLimits;
  /** 0 = no limit. */
  memoryBytes: number;
  idleMs: number;
  events: SupervisorEvents;
}

const kHousekeepingMs = 1000;
const kHealthMs = 10_000;

/** An engine in use; it is not evicted before release(). */
export interface Lease {
  engine: EngineSupervisor;
  release: () => void;
}

interface Entry {
  engine: EngineSupervisor;
  users: number;
  checkedMs: number;
}

function laneOf({ key, lane = key }: SupervisedSpec): string {
  return lane;
}

export class EnginePool {
  readonly #options: PoolOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #timer: NodeJS.Timeout;
  /** Restarts of engines that have been evicted since. */
  #pastRestarts = new Map<string, number>();

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      // An engine that does not go is seen at its next use; this must not end the server.
      this.#housekeeping().catch(() => undefined);
    }, kHousekeepingMs);
    this.#timer.unref();
  }

  /** Loaded engines, most recently used last. */
  list(): EngineSupervisor[] {
    return [...this.#entries.values()].map((entry) => entry.engine).sort((a, b) => a.lastUsedMs - b.lastUsedMs);
  }

  restarts(): Map<string, number> {
    const counts = new Map(this.#pastRestarts);
    for (const { engine } of this.#entries.values()) {
      counts.set(engine.spec.key, (counts.get(engine.spec.key) ?? 0) + engine.restarts);
    }
    return counts;
  }

  lease(spec: SupervisedSpec): Lease {
    const { limits, events } = this.#options;
    const entry = this.#entries.get(laneOf(spec)) ?? {
      engine: new EngineSupervisor(spec, limits, events),
      users: 0,
      checkedMs: Date.now(),
    };
    this.#entries.set(laneOf(spec), entry);
    entry.users++;
    entry.engine.lastUsedMs = Date.now();
    let held = true;
    const release = () => {
      if (held) entry.users--;
      held = false;
      entry.engine.lastUsedMs = Date.now();
    };
    return { engine: entry.engine, release };
  }

  /** Ends idle engines, least recently used first, until the loaded ones fit the limit. */
  async makeRoom(): Promise<void> {
    const limit = this.#options.memoryBytes;
    if (limit === 0) return;
    for (const engine of this.list()) {
      const used = this.list().reduce((sum, each) => sum + each.memoryBytes, 0);
      if (used <= limit) return;
      if (this.#entries.get(laneOf(engine.spec))?.users === 0) await this.#evict(engine);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const engines = this.list();
    this.#entries.clear();
    await Promise.all(engines.map((engine) => engine.close()));
  }

  async #evict(engine: EngineSupervisor): Promise<void> {
    const { key } = engine.spec;
    this.#entries.delete(laneOf(engine.spec));
    this.#pastRestarts.set(key, (this.#pastRestarts.get(key) ?? 0) + engine.restarts);
    await engine.close();
  }

  async #housekeeping(): Promise<void> {
    const now = Date.now();
    for (const entry of [...this.#entries.values()]) {
      if (entry.users > 0) continue;
      if (now - entry.engine.lastUsedMs >= this.#options.idleMs) {
        await this.#evict(entry.engine);
      } else if (now - entry.checkedMs >= kHealthMs) {
        entry.checkedMs = now;
        // A pass may begin meanwhile: it waits its turn behind the ping in the process.
        await entry.engine.checkHealth();
      }
    }
    await this.makeRoom();
  }
}
