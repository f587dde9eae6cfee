/** What running jobs here measures of itself, in the server's registry (Prometheus). */
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { ReaderStats } from '../../engine/addon.js';
import { tilesCounter } from '../metrics.js';
import type { LocalDevice } from './device.js';

export interface RunMetrics {
  stage: (stage: string, seconds: number) => void;
  pass: (key: string, tiles: number, seconds: number) => void;
  /** Of the last ten seconds. */
  tilesPerSecond: () => number;
}

const kStageBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30];
const kRateWindowMs = 10_000;

export function runMetrics(registry: Registry, devices: () => readonly LocalDevice[]): RunMetrics {
  const registers = [registry];
  const stages = new Histogram({
    name: 'otf_stage_seconds',
    help: 'Time of one piece of work of a stage, waiting for a free worker included (forward: of one pass)',
    labelNames: ['stage'],
    buckets: kStageBuckets,
    registers,
  });
  const tiles = tilesCounter(registry);
  const recent: { ms: number; tiles: number }[] = [];
  const tilesPerSecond = () => {
    const since = performance.now() - kRateWindowMs;
    while (recent[0] && recent[0].ms < since) recent.shift();
    return (recent.reduce((sum, entry) => sum + entry.tiles, 0) * 1000) / kRateWindowMs;
  };
  new Gauge({
    name: 'otf_tiles_per_second',
    help: 'Tiles run in the last ten seconds, per second',
    registers,
    collect() {
      this.set(tilesPerSecond());
    },
  });
  new Gauge({
    name: 'otf_engine_restarts',
    help: 'Deaths of engine processes since the server started',
    labelNames: ['key', 'device'],
    registers,
    collect() {
      this.reset();
      for (const { name: device, engines } of devices())
        for (const [key, count] of engines.restarts()) this.set({ key, device }, count);
    },
  });
  new Gauge({
    name: 'otf_engine_memory_bytes',
    help: 'Memory of loaded networks and their slots',
    labelNames: ['key', 'device'],
    registers,
    collect() {
      this.reset();
      // Engines of one key differ in the shape of their items.
      for (const { name: device, engines } of devices())
        for (const engine of engines.list()) this.inc({ key: engine.spec.key, device }, engine.memoryBytes);
    },
  });
  return {
    tilesPerSecond,
    stage: (stage, seconds) => stages.observe({ stage }, seconds),
    pass(key, count, seconds) {
      stages.observe({ stage: 'forward' }, seconds);
      tiles.inc({ key }, count);
      const last = recent.at(-1);
      const now = performance.now();
      // One entry per tenth of a second: a bounded list whatever the rate.
      if (last && now - last.ms < 100) last.tiles += count;
      else recent.push({ ms: now, tiles: count });
      if (recent.length > 200) recent.shift();
    },
  };
}

/** The processes that decode compressed images. */
export function readerMetrics(registry: Registry, stats: () => ReaderStats): void {
  const registers = [registry];
  new Gauge({
    name: 'otf_readers',
    help: 'Processes that decode compressed images, by what they do: busy, idle',
    labelNames: ['state'],
    registers,
    collect() {
      const { busy, idle } = stats();
      this.set({ state: 'busy' }, busy);
      this.set({ state: 'idle' }, idle);
    },
  });
  const counts = {
    started: 'Image readers started',
    crashed: 'Image readers that ended by themselves while decoding',
    killed: 'Image readers killed from outside while decoding',
    late: 'Image readers ended because decoding took too long',
  } as const;
  for (const [name, help] of Object.entries(counts) as [keyof typeof counts, string][]) {
    new Gauge({
      name: `otf_readers_${name}`,
      help: `${help}, since the server started`,
      registers,
      collect() {
        this.set(stats()[name]);
      },
    });
  }
}
