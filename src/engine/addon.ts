/**
 * The native addon's surface, and the only module that loads it.
 * Every function that does real work is asynchronous and runs off the event loop. A rejection is an Error with
 * `code` (OTF_*) and a one-line message; `src/errors/catalogue.ts` turns it into exit codes and HTTP statuses.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { OtfError } from '../errors/catalogue.js';
import type { BenchCiannaOutcome, BenchDetectOutcome, BenchEngineOutcome, BenchEngineRequest } from './addon-bench.js';
import type { SimulateCubeOutcome, SimulateCubeRequest } from './addon-cube.js';
import type { DetectorConfig, DetectRequest, MocFormat } from './addon-detect.js';
import type { PictureAddon } from './addon-pictures.js';
import type { OpenedReconstruction, OpenReconstructionRequest, ReconstructorConfig } from './addon-reconstruct.js';
import type {
  MatchSkyRequest,
  MeasuredPlaces,
  MeasurePlacesRequest,
  PlacesColumns,
  PlainOutcome,
  PlainRequest,
  ReadTable,
  Sdc1Outcome,
  Sdc1Request,
  SkyPairs,
  TaskPlacesRequest,
} from './addon-scores.js';
import type {
  CopyItemsRequest,
  EngineEnd,
  EngineHandle,
  ModelHandle,
  OpenDetectionRequest,
  OpenedModel,
  OpenedSlots,
  OpenedTask,
  ReaderLimits,
  ReaderStats,
  RunTaskOutcome,
  RunTaskRequest,
  SlotItems,
  SlotsHandle,
  StartEngineRequest,
  TaskHandle,
  TilePiece,
} from './addon-stages.js';
import type { FitsColumn, FitsKey, TableRowsRequest } from './addon-tables.js';

export type * from './addon-bench.js';
export type * from './addon-cube.js';
export type * from './addon-detect.js';
export type * from './addon-pictures.js';
export type * from './addon-reconstruct.js';
export type * from './addon-scores.js';
export type * from './addon-stages.js';
export type * from './addon-tables.js';

export interface EngineDescription {
  name: string;
  version: string;
  device: string;
  available: boolean;
  reason: string;
  computeTypes: string[];
}

export interface EngineInfo {
  engine: string;
  version: string;
  device: string;
  asked: string;
  effective: string;
  threads: number;
}

export interface LayerSummary {
  index: number;
  kind: 'conv' | 'pool' | 'dense' | 'group norm' | 'lrn';
  text: string;
  /** Output W, H, D, C for the extent asked for. */
  output: [number, number, number, number];
  parameters: number;
  flops: number;
}

export interface ModelSummary {
  path: string;
  bytes: number;
  format: 'binary' | 'text';
  /** W, H, D, C the network was trained with. */
  trained: [number, number, number, number];
  fullyConvolutional: boolean;
  parameters: number;
  /** Read, but worth a person's attention. */
  warnings: string[];
  layers: LayerSummary[];
  yolo?: {
    boxes: number;
    classes: number;
    parameters: number;
    classSoftmax: boolean;
    priors: [number, number, number][];
  };
}

/** Monte Carlo draws of a network's dropout beside its usual pass (native/engine/draws). */
export interface Draws {
  /** At least 2. */
  repeats: number;
  seed: number;
}

export interface EngineRequest {
  name: string;
  quantization: string;
  /** 0 = the CPUs this process may use. */
  threads: number;
  batch: number;
  /** Absent = none. */
  draws?: Draws;
}

export interface InferRequest {
  model: string;
  input: string;
  output: string;
  inputBias: number;
  rawOutput: boolean;
  engine: EngineRequest;
  /** MC_MODEL repeats; 0 = AVG_MODEL. With repeats the output is (N, 2, values): mean, standard deviation. */
  monteCarlo: number;
  seed: number;
}

export interface InferOutcome {
  items: number;
  valuesPerItem: number;
  engine: EngineInfo;
  seconds: number;
}

export interface SimulateRequest {
  /** Output FITS file. */
  output: string;
  sizePx: number;
  /** Sources per pixel. */
  density: number;
  /** Noise standard deviation, Jy/beam. */
  noise: number;
  seed: number;
}

/** What was simulated; x, y 0-based pixels. */
export interface SimulateOutcome {
  count: number;
  raDeg: Float64Array;
  decDeg: Float64Array;
  x: Float64Array;
  y: Float64Array;
  fluxJy: Float64Array;
  bmajArcsec: Float64Array;
  bminArcsec: Float64Array;
  paPixelDeg: Float64Array;
  peakSnr: Float64Array;
}

export interface NativeAddon extends PictureAddon {
  errorCodes(): string[];
  versions(): { onednn: string; cfitsio: string; wcslib: string };
  describeEngines(): EngineDescription[];
  /** `auto` becomes the engine it stands for on this machine; other names stay. */
  resolveEngine(name: string): Promise<string>;
  /** extent 0 = as trained. */
  inspectModel(path: string, width: number, height: number): Promise<ModelSummary>;
  infer(request: InferRequest, onProgress: (done: number, total: number) => void): Promise<InferOutcome>;
  /** Reads the header and places the region: what a detection would refuse at once. Pixels that would be searched. */
  checkImage(
    request: Pick<DetectRequest, 'image' | 'box' | 'roi'>,
  ): Promise<{ width: number; height: number; planes: number }>;
  simulate(request: SimulateRequest): Promise<SimulateOutcome>;
  /** Writes dirty.fits, psf.fits and truth.fits into a folder. */
  simulateCube(request: SimulateCubeRequest): Promise<SimulateCubeOutcome>;
  writeFitsTable(path: string, extname: string, columns: FitsColumn[], keys: FitsKey[]): Promise<void>;
  /** Numbers as the shortest decimals that read back as the same value of the column's type. Synchronous. */
  tableRows(request: TableRowsRequest): Buffer;
  /** '' for what is not finite. Synchronous. */
  numberText(value: number, type: 'float' | 'double'): string;
  /** The first table of a file: text, CSV, VOTable or FITS. `label`: what messages call it. */
  readTable(request: { path: string; label: string; maxRows: number }): Promise<ReadTable>;
  /** Flux densities of the beam's shape at places in the image's own frame. */
  measurePlaces(request: MeasurePlacesRequest): Promise<MeasuredPlaces>;
  scoreSdc1(request: Sdc1Request): Promise<Sdc1Outcome>;
  scorePlain(request: PlainRequest): Promise<PlainOutcome>;
  /** Every pair within the radius, by a, then b. */
  matchSky(request: MatchSkyRequest): Promise<SkyPairs>;
  benchEngine(
    request: BenchEngineRequest,
    onProgress: (done: number, total: number) => void,
  ): Promise<BenchEngineOutcome>;
  benchCianna(request: BenchEngineRequest): Promise<BenchCiannaOutcome>;
  /** Replies come in the order of the commands, then the end, once. Synchronous. */
  startEngine(
    request: StartEngineRequest,
    onReply: (line: string) => void,
    onEnd: (end: EngineEnd) => void,
  ): { process: EngineHandle; pid: number };
  /** One line of the protocol. */
  sendToEngine(process: EngineHandle, line: string): void;
  killEngine(process: EngineHandle): void;
  // Synchronous: small ones for any thread, those that work (open*, fill, consume, finish, copy) for workers only.
  /** Shared memory for an engine process. It lives until closeSlots. */
  createSlots(request: { batch: number; valuesIn: number; valuesOut: number; slots: number }): OpenedSlots;
  closeSlots(slots: SlotsHandle): void;
  /** Input items only. */
  copyItems(request: CopyItemsRequest): void;
  /** For kinds of task without native tiles: copies into the input of items, and of their input and output. */
  writeItems(items: SlotItems, values: Float32Array): void;
  readItems(items: SlotItems): { input: Float32Array; output: Float32Array };
  /** Reads the network and keeps its head. Throws when it does not fit the detector section. */
  openDetectionModel(request: { weights: string; sha256: string; detector: DetectorConfig }): OpenedModel;
  closeDetectionModel(model: ModelHandle): void;
  openDetection(request: OpenDetectionRequest): OpenedTask;
  /** Reads the network and keeps how far it sees. Throws when it does not fit the reconstructor section. */
  openReconstructionModel(request: {
    weights: string;
    sha256: string;
    reconstructor: ReconstructorConfig;
  }): OpenedModel;
  closeReconstructionModel(model: ModelHandle): void;
  openReconstruction(request: OpenReconstructionRequest): OpenedReconstruction;
  /** Of a reconstruction opened with a classical method, in place of runTask. */
  runClassical(task: TaskHandle): Promise<void>;
  /** Reads what the next tiles need, as long as that takes; gives how many of them fillTiles can write from memory then. */
  prepareTiles(task: TaskHandle): number;
  /** Of an input that is still being written: so many bytes must be there before tiles from this one on are prepared; Infinity = all. */
  bytesForTiles(task: TaskHandle, tile: number): number;
  /** An item as its network would see it; forward only. For who trains one. */
  taskItem(task: TaskHandle, item: number): Float32Array;
  /** One call per task at a time, forward only. */
  fillTiles(piece: TilePiece): void;
  /** Each tile once, in any order. */
  consumeTiles(piece: TilePiece): void;
  /** When every tile is consumed: what the kind of the task finds. `threads` 0 = the CPUs this process may use. */
  finishTask(task: TaskHandle, threads: number): unknown;
  /** Every tile through an engine in this process; finishTask comes after it. */
  runTask(request: RunTaskRequest, onProgress: (done: number, total: number) => void): Promise<RunTaskOutcome>;
  // Of a detection that measured and is finished; one call at a time.
  /** An image of the region: noise, background, what was fitted, or the pixels without that. */
  writeMap(
    task: TaskHandle,
    request: { path: string; kind: 'rms' | 'background' | 'model' | 'residual' },
  ): Promise<void>;
  /** The footprint as a MOC, of a detection that was opened for it: its text, or (FITS) '' and the file is written. */
  writeFootprint(task: TaskHandle, request: { path: string; format: MocFormat }): Promise<string>;
  /** Flux densities of the beam's shape at places in the image's own frame. */
  measureTaskPlaces(task: TaskHandle, request: TaskPlacesRequest): Promise<PlacesColumns>;
  /** A fill under way throws OTF_CANCELLED soon. */
  cancelTask(task: TaskHandle): void;
  closeTask(task: TaskHandle): void;
  configureReaders(limits: ReaderLimits): void;
  /** Starts so many, so that the first image does not wait for one. */
  warmReaders(count: number): Promise<void>;
  /** Whatever is being decoded is given up, and nothing is any more. */
  stopReaders(): void;
  readerStats(): ReaderStats;
  /** A signal by which this process ends through its own fault (SIGSEGV, SIGABRT, ...) adds a line "signal N" to the file. */
  markCrashes(path: string): void;
  /** Without waiting for threads or anything else. */
  exitNow(code: number): never;
  benchDetect(request: DetectRequest, rounds: number): Promise<BenchDetectOutcome>;
  /** Write a built-in architecture with random weights as a network file, e.g. for bench detect. */
  writeArchitecture(name: string, seed: number, path: string): Promise<void>;
}

const require = createRequire(import.meta.url);
const kPath = fileURLToPath(new URL('../../build/Release/cianna_otf.node', import.meta.url));

/** Words of the dynamic linker and of node-addon-api. */
const kMemory = /not enough memory|cannot allocate memory|failed to map segment/i;

function load(): NativeAddon {
  try {
    return require(kPath) as NativeAddon;
  } catch (thrown) {
    const { code, message: said } = thrown as NodeJS.ErrnoException;
    const reason = said.split('\n')[0] ?? '';
    if (kMemory.test(reason))
      throw new OtfError('OTF_OUT_OF_MEMORY', 'not enough memory to load the native part', { cause: thrown });
    const why = code === 'MODULE_NOT_FOUND' ? 'it is not built' : reason;
    const message = `cannot load the native part: ${why}: run \`npm run setup\` in its folder`;
    throw new OtfError('OTF_ADDON_MISSING', message, { cause: thrown });
  }
}

let loaded: NativeAddon | undefined;

/** The addon, loaded when it is first asked for: commands that need no pixels go without it. Throws what a user can act on. */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded;
}
