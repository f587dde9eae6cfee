/** The port between the inference protocol (src/inference) and whatever runs networks: tensors in, tensors out, no jobs. */
import type { Used } from './executor.js';

export interface InferenceRequest {
  modelId: string;
  quantization: string;
  /** Whose account it is on; null = anonymous. */
  owner: string | null;
  /** float32, whole items one after the other. Not to be changed while it is under way. */
  input: SharedArrayBuffer;
  /** Nobody waits for it any more. */
  signal: AbortSignal;
}

export interface Inferred {
  /** Items one after the other. */
  output: Float32Array;
  engine: { engine: string; version: string; computeType: string } | undefined;
  used: Used;
}

export interface Inference {
  /** Floats per item of a model. Throws OTF_MODEL_UNKNOWN, and what is wrong with its network. */
  shape(modelId: string): Promise<{ valuesIn: number; valuesOut: number }>;
  /** Throws as shape; OTF_SHAPE_MISMATCH, OTF_ENGINE_UNAVAILABLE, OTF_ENGINE_FAILED, OTF_CANCELLED. */
  infer(request: InferenceRequest): Promise<Inferred>;
}
