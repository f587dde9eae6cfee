/**
 * Tensors of a request on their way through a network (src/run/local/tensors.ts): no kind of job, but pieces of the same
 * passes. What goes in and what comes out lies in memory that all threads share.
 */
import { native } from '../../engine/addon.js';
import { OtfError } from '../../errors/catalogue.js';
import type { Piece, TaskWork } from '../work.js';

export interface TensorHandle {
  /** float32, items one after the other. */
  input: SharedArrayBuffer;
  output: SharedArrayBuffer;
  /** Floats per item. */
  valuesIn: number;
  valuesOut: number;
}

function never(): never {
  throw new OtfError('OTF_INTERNAL', 'tensors are no job');
}

export const kTensorWork: TaskWork = {
  openModel: never,
  closeModel: () => undefined,
  open: never,
  prepare: (handle) => {
    const { input, valuesIn } = handle as TensorHandle;
    return input.byteLength / Float32Array.BYTES_PER_ELEMENT / valuesIn;
  },
  fill: ({ handle, first, count, slots, slot, item }: Piece) => {
    const { input, valuesIn } = handle as TensorHandle;
    // Native code takes memory of one thread.
    const from = first * valuesIn * Float32Array.BYTES_PER_ELEMENT;
    native().writeItems({ slots, slot, item, count }, new Float32Array(input, from, count * valuesIn).slice());
  },
  consume: ({ handle, first, count, slots, slot, item }: Piece) => {
    const { output, valuesOut } = handle as TensorHandle;
    const { output: values } = native().readItems({ slots, slot, item, count });
    new Float32Array(output, first * valuesOut * Float32Array.BYTES_PER_ELEMENT, count * valuesOut).set(values);
  },
  finish: never,
  close: () => undefined,
  content: never,
  upgrades: [],
};
