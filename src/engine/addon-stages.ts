/** The pieces of a task whose network runs in an engine process, or here. */
import type { EngineInfo, EngineRequest } from './addon.js';
import type { DetectRequest, ImageSelect, MeasureRequest, NormaliseStep, QualityRequest } from './addon-detect.js';

/** Numbers that name native objects; valid in the main thread and every worker of this process. */
export type SlotsHandle = number;
export type ModelHandle = number;
export type TaskHandle = number;
/** Until its end has been told. */
export type EngineHandle = number;

export interface OpenedSlots {
  slots: SlotsHandle;
  /** To be inherited by the engine process. */
  fd: number;
  slotBytes: number;
}

/** otf-engine, by the protocol of native/engine/process/protocol.h. */
export interface StartEngineRequest {
  arguments: string[];
  /** NAME=VALUE, besides what this process has. */
  environment: string[];
  /** The slots' memory. */
  slotsFd: number;
}

export interface EngineEnd {
  /** `exited with code 1`, `was ended by SIGSEGV (Segmentation fault)`. */
  how: string;
  /** By SIGKILL: of ours, an operator's, or the kernel's for lack of memory. */
  killed: boolean;
  /** '' or `: ` and the line of its log that tells most. */
  words: string;
  /** The last of its log. */
  lines: string[];
}

export interface OpenedModel {
  model: ModelHandle;
  /** Floats per tile, in and out of the network. */
  valuesIn: number;
  valuesOut: number;
}

export interface OpenDetectionRequest
  extends Pick<DetectRequest, 'image' | 'box' | 'roi' | 'primaryBeam' | 'pixelUnit'> {
  model: ModelHandle;
  /** Of roi's centre, when it is not the image's own. */
  roiFrame?: 'ICRS';
  /** Instead of the model's. */
  normalise?: NormaliseStep[];
  /** Instead of the model's, per box of the network. */
  objectnessThreshold?: number[];
  /** Measure what is found; absent = boxes of the network alone. */
  measure?: MeasureRequest;
  /** Of a detection that measures. */
  quality?: QualityRequest;
  /** A MOC or DS9 regions: sources outside go. */
  mask?: ImageSelect;
  /** Its network gives draws (EngineRequest.draws). */
  drawn?: boolean;
  /** writeFootprint will be asked for. */
  footprint?: boolean;
  /** File for the network's output of every tile, float32, in the order of the tiles. */
  rawOutput?: string;
}

export interface OpenedTask {
  task: TaskHandle;
  tiles: number;
  /** Of memory that filling them takes at most. */
  bytes: number;
  /** Reading goes through a decoder, which may hang. */
  decodes: boolean;
  /** Floats per tile, in and out of the network. */
  valuesIn: number;
  valuesOut: number;
}

export interface RunTaskRequest {
  task: TaskHandle;
  /**
   * `calibration`: file, of INT8. Both files must have their SHA-256 (OTF_MODEL_CHECKSUM). `ranges`: of what comes out of the
   * layers, in FP32, are wanted.
   */
  model: {
    weights: string;
    sha256: string;
    inputBias: number;
    calibration?: string;
    calibrationSha256?: string;
    ranges?: boolean;
  };
  engine: EngineRequest;
}

export interface RunTaskOutcome {
  engine: EngineInfo;
  /** Of the engine's own memory. */
  engineBytes: number;
  /** In the engine, and of the whole. */
  inferSeconds: number;
  wallSeconds: number;
  /** Where they were wanted: a calibration (docs/models.md) with one convolution in BF16. */
  ranges?: string;
}

/** Tiles [first, first+count) of a task are items [item, item+count) of a slot. */
export interface TilePiece {
  task: TaskHandle;
  first: number;
  count: number;
  slots: SlotsHandle;
  slot: number;
  item: number;
}

export interface SlotItems {
  slots: SlotsHandle;
  slot: number;
  item: number;
  count: number;
}

export interface CopyItemsRequest {
  slots: SlotsHandle;
  fromSlot: number;
  fromItem: number;
  toSlot: number;
  toItem: number;
  count: number;
}

/** The processes that decode compressed images (native/fits/reader_pool.h). */
export interface ReaderLimits {
  /** For one window of an image. */
  deadlineMs: number;
  /** That those at work may need together. */
  memoryBytes: number;
}

export interface ReaderStats {
  started: number;
  crashed: number;
  killed: number;
  late: number;
  idle: number;
  busy: number;
}
