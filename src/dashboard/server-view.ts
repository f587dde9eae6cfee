/** The document of GET /server as the dashboard shows it, read with care: what has another shape is left out. */
import { printable } from '../io/terminal.js';

export interface QueueView {
  key: string;
  waiting: number;
  batch: number;
  why: string;
  leavesMs: number | undefined;
  oldestMs: number;
}

export interface NetworkView {
  device: string;
  busy: boolean;
  key: string;
  engine: string;
  runsOn: string;
  memoryBytes: number;
  loaded: boolean;
  restarts: number;
}

export interface GpuView {
  gpu: string;
  name: string;
  memoryUsedBytes: number;
  memoryTotalBytes: number;
  load: number;
}

export interface WorkerView {
  name: string;
  node: string;
  leaving: boolean;
  keys: readonly string[];
  held: number;
  completed: number;
  lost: number;
  swept: number;
  back: number;
  refused: number;
}

export interface ServerView {
  version: string;
  startedMs: number;
  ready: boolean;
  /** By phase. */
  jobs: ReadonlyMap<string, number>;
  storedBytes: number;
  freeBytes: number;
  itemsPerSecond: number;
  maxBatch: number;
  queues: readonly QueueView[];
  networks: readonly NetworkView[];
  /** Without a network. */
  idleDevices: readonly string[];
  gpus: readonly GpuView[];
  /** undefined = the server runs its jobs itself. */
  workers: readonly WorkerView[] | undefined;
}

type Members = Record<string, unknown>;

export function viewOfServer(document: unknown): ServerView {
  const given = members(document);
  const devices = list(given.devices);
  return {
    version: text(members(given.software).version),
    startedMs: Date.parse(text(given.startedAt)),
    ready: given.ready === true,
    jobs: new Map(Object.entries(members(given.jobs)).map(([phase, count]) => [phase, number(count)])),
    storedBytes: number(given.storedBytes),
    freeBytes: number(given.freeBytes),
    itemsPerSecond: number(given.itemsPerSecond),
    maxBatch: number(given.maxBatch),
    queues: list(given.queues).map((line) => ({
      ...{ key: text(line.key), waiting: number(line.waiting), batch: number(line.batch), why: text(line.why) },
      ...{ oldestMs: number(line.oldestMs), leavesMs: line.leavesMs === undefined ? undefined : number(line.leavesMs) },
    })),
    networks: devices.flatMap((device) =>
      list(device.networks).map((network) => ({
        ...{ device: text(device.name), busy: device.busy === true, key: text(network.key) },
        ...{ engine: text(network.engine), runsOn: text(network.device), memoryBytes: number(network.memoryBytes) },
        ...{ loaded: network.loaded === true, restarts: number(network.restarts) },
      })),
    ),
    idleDevices: devices.filter(({ networks }) => list(networks).length === 0).map(({ name }) => text(name)),
    gpus: list(given.gpus).map((gpu) => ({
      ...{ gpu: text(gpu.gpu), name: text(gpu.name), load: number(gpu.load) },
      ...{ memoryUsedBytes: number(gpu.memoryUsedBytes), memoryTotalBytes: number(gpu.memoryTotalBytes) },
    })),
    workers: given.workers === undefined ? undefined : list(given.workers).map(workerOf),
  };
}

function workerOf(worker: Members): WorkerView {
  return {
    ...{ name: text(worker.name), node: text(worker.node), leaving: worker.leaving === true },
    keys: Array.isArray(worker.keys) ? worker.keys.map(text) : [],
    ...{ held: number(worker.held), completed: number(worker.completed), lost: number(worker.lost) },
    ...{ swept: number(worker.swept), back: number(worker.back), refused: number(worker.refused) },
  };
}

function members(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

function list(value: unknown): Members[] {
  return Array.isArray(value) ? value.map(members) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? printable(value) : '';
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
