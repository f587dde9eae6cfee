/** GET /server, and the events of the topic `server`: the same document. */

export interface Network {
  key: string;
  engine?: string;
  version?: string;
  device?: string;
  computeType?: string;
  memoryBytes?: number;
  loaded?: boolean;
  restarts?: number;
}

export interface Gpu {
  gpu: string;
  name: string;
  memoryUsedBytes: number;
  memoryTotalBytes: number;
  load: number;
}

/** Jobs of one model and compute type that wait. Milliseconds since 1970. */
export interface Queue {
  key: string;
  waiting: number;
  oldestMs: number;
  /** How many go together next, why not now, and when at the latest. */
  batch: number;
  why: string;
  leavesMs?: number;
}

/** On another machine. Jobs there since the server first heard of it. */
export interface WorkerFacts {
  name: string;
  node: string;
  startedMs: number;
  leaving: boolean;
  keys: string[];
  held: number;
  completed: number;
  lost: number;
  swept: number;
  back: number;
  refused: number;
}

export interface ServerState {
  software: { name: string; version: string };
  startedAt: string;
  ready: boolean;
  jobs: Record<string, number>;
  storedBytes: number;
  freeBytes: number;
  queues: Queue[];
  maxBatch: number;
  executing: number;
  devices: { name: string; busy?: boolean; networks: Network[] }[];
  gpus: Gpu[];
  /** Absent where the server runs its jobs itself. */
  workers?: WorkerFacts[];
  itemsPerSecond: number;
  /** Of the last hour, the oldest first; in GET /server only. */
  history?: { timeMs: number; itemsPerSecond: number }[];
}
