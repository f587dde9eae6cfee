/** What the addon measures. */
import type { DetectOutcome, EngineInfo, EngineRequest, StageTimes } from './addon.js';

export interface BenchLayer {
  layer: string;
  kernel: string;
  seconds: number;
  flops: number;
  /** Of these, how many multiply-adds were done: less than 1 where an algorithm needs fewer. */
  arithmetic: number;
  /** Done in strips together with the layer before: what flows between the two stays in the cache. */
  follows: boolean;
  /** The same layer's oneDNN primitive alone, on the layout it likes best. */
  bareSeconds: number;
  /** Input, weights and output, each value once. These three are missing where the engine gives one time for all layers. */
  bytes?: number;
  /** The least time the measured rates allow, and which of them it is. */
  limitSeconds?: number;
  bound?: 'arithmetic' | 'L2' | 'memory';
}

export interface BenchEngineRequest {
  /** A network file, or the name of a built-in architecture ("sdc1") with random weights. */
  model: string;
  width: number;
  height: number;
  repeats: number;
  inputBias: number;
  engine: EngineRequest;
}

export interface BenchEngineOutcome {
  engine: EngineInfo;
  /** Seconds per forward of the whole batch: every repeat, and of the bare primitives alone. */
  forwardSeconds: number[];
  bareSeconds: number[];
  /** Of INT8: the same network in BF16, or FP32 where the CPU has no BF16, in turns. */
  besideSeconds?: number[];
  flopsPerItem: number;
  /** The vector or matrix unit of the effective type, and what all threads reach on it with registers alone, FLOP/s. */
  unit: string;
  peakFlops: number;
  /** What fits in a core's second-level cache, and what does not: read, written or copied, the best of these. */
  cacheBytesPerSecond: number;
  memoryBytesPerSecond: number;
  layers: BenchLayer[];
}

/** Medians in seconds per batch, all of one run. */
export interface BenchCiannaOutcome {
  engine: EngineInfo;
  /** CIANNA's own loop over its layers, data in place. */
  ownSeconds: number;
  /** The same through the bridge: input from the slot, layers, output to the slot. */
  bridgeSeconds: number;
  /** Of the latter, what was not CIANNA's loop. */
  overheadSeconds: number;
  /** A forward from this process: copies to and from the slot, and the messages. */
  remoteSeconds: number;
  /** One plain copy of a batch's input and output. */
  copySeconds: number;
}

export interface BenchDetectOutcome {
  engine: EngineInfo;
  tiles: number;
  pixels: number;
  sources: number;
  /** One entry per round: the whole detection, and the same forward passes with nothing beside them. */
  rounds: { times: StageTimes; aloneSeconds: number }[];
  memory: DetectOutcome['memory'];
}
