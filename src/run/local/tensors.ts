/**
 * Tensors straight through a network of this server, beside its jobs: one stream per network, so that a pass is shared by
 * whoever wants the network now. Nothing of them is written anywhere.
 */
import { OtfError } from '../../errors/catalogue.js';
import type { Used } from '../../jobs/executor.js';
import type { Inference, InferenceRequest, Inferred } from '../../jobs/inference.js';
import { type Job, kDefaultPriority } from '../../jobs/job.js';
import { kTensors } from '../../tasks/registry.js';
import type { TensorHandle } from '../../tasks/tensors/work.js';
import { keyOf } from '../key.js';
import type { RunHost } from '../runner.js';
import type { LocalDevice } from './device.js';
import type { Models } from './models.js';
import type { StreamEvents } from './stream.js';
import { TaskRun } from './task.js';

const kFloatBytes = Float32Array.BYTES_PER_ELEMENT;

export interface TensorParts {
  models: Models;
  devices: () => readonly LocalDevice[];
  /** Of jobs. */
  events: StreamEvents;
  over: RunHost['over'];
}

interface Waiting {
  handle: TensorHandle;
  resolve: (done: Inferred) => void;
  reject: (error: OtfError) => void;
}

export class TensorRuns implements Inference {
  readonly #parts: TensorParts;
  readonly #waiting = new Map<TaskRun, Waiting>();
  #count = 0;
  #closed = false;

  constructor(parts: TensorParts) {
    this.#parts = parts;
  }

  /** For streams: what is of tensors stays here, everything else is of jobs. */
  get events(): StreamEvents {
    const { events } = this.#parts;
    return {
      ...events,
      consumed: (task) => (this.#waiting.has(task) ? this.#consumed(task) : events.consumed(task)),
      failed: (task, error) => (this.#waiting.has(task) ? this.#end(task)?.reject(error) : events.failed(task, error)),
      log: (task, level, message) => {
        if (!this.#waiting.has(task)) events.log(task, level, message);
      },
    };
  }

  async shape(modelId: string): Promise<{ valuesIn: number; valuesOut: number }> {
    const { valuesIn, valuesOut } = await this.#parts.models.get(modelId);
    return { valuesIn, valuesOut };
  }

  async infer({ modelId, quantization, owner, input, signal }: InferenceRequest): Promise<Inferred> {
    const model = await this.#parts.models.get(modelId);
    const { valuesIn, valuesOut } = model;
    const items = input.byteLength / kFloatBytes / valuesIn;
    if (!Number.isInteger(items) || items < 1) {
      throw new OtfError('OTF_SHAPE_MISMATCH', `${modelId} takes items of ${valuesIn} values each`);
    }
    const key = keyOf({ modelId, quantization });
    const device = this.#deviceFor(key);
    const output = new SharedArrayBuffer(items * valuesOut * kFloatBytes);
    const handle: TensorHandle = { input, output, valuesIn, valuesOut };
    const batch = { id: '', startedMs: Date.now(), size: 1, reason: 'alone' } as const;
    const task = new TaskRun({ job: this.#nameless(modelId, quantization, owner), key, batch, device, inputs: {} });
    task.opened = { handle, plan: undefined };
    task.tiles = items;
    task.preparedTiles = items;
    if (signal.aborted || this.#closed) throw stopped();
    return new Promise<Inferred>((resolve, reject) => {
      this.#waiting.set(task, { handle, resolve, reject });
      signal.addEventListener('abort', () => this.#end(task)?.reject(stopped()), { once: true });
      try {
        device.open(key, model, quantization).add([task]);
      } catch (thrown) {
        this.#end(task);
        reject(thrown);
      }
    });
  }

  /** Where the network is loaded, and of those one that has nothing to do. */
  #deviceFor(key: string): LocalDevice {
    const able = this.#parts.devices().filter((device) => device.takes(key));
    const score = (device: LocalDevice) => (device.holds(key) ? 2 : 0) + (device.hungry ? 1 : 0);
    const [best] = able.sort((a, b) => score(b) - score(a));
    if (best) return best;
    throw new OtfError('OTF_ENGINE_UNAVAILABLE', 'no device of this server runs this model');
  }

  #consumed(task: TaskRun): void {
    if (task.consumedTiles < task.tiles) return;
    const info = task.device.engineOf(task.key)?.info;
    const used = usedBy(task);
    const waiting = this.#end(task);
    waiting?.resolve({
      output: new Float32Array(waiting.handle.output),
      engine: info && { engine: info.engine, version: info.version, computeType: info.effective },
      used,
    });
  }

  /** Once of each. Its tiles that are not filled yet are left out of passes. */
  #end(task: TaskRun): Waiting | undefined {
    const waiting = this.#waiting.get(task);
    this.#waiting.delete(task);
    if (waiting && task.end()) this.#parts.over(task.job, usedBy(task));
    return waiting;
  }

  /** What is under way is given up. */
  close(): void {
    this.#closed = true;
    for (const task of [...this.#waiting.keys()]) this.#end(task)?.reject(stopped());
  }

  /** Streams are of jobs; this one is in nobody's list. */
  #nameless(modelId: string, quantization: string, owner: string | null): Job {
    const none = {
      queuedMs: null,
      startedMs: null,
      endedMs: null,
      destructionMs: null,
      failure: null,
      runId: null,
    } as const;
    return {
      ...none,
      ...{ id: `tensors-${++this.#count}`, kind: kTensors, style: 'standard', phase: 'EXECUTING', owner, remote: '' },
      ...{ createdMs: Date.now(), executionDurationS: 0, modelId, quantization, priority: kDefaultPriority },
      ...{ parameters: { inputs: {}, asked: {} }, results: [], info: {} },
    } as Job;
  }
}

function usedBy({ consumedTiles: items, inferSeconds: seconds, device, key }: TaskRun): Used {
  return { items, seconds, device: device.kindFor(key) };
}

function stopped(): OtfError {
  return new OtfError('OTF_CANCELLED', 'it is not wanted any more, or the server ends');
}
