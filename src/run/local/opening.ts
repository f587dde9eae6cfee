/** From a job to a task: its inputs are looked at, its model is there, its items are counted. */
import type { RunHost } from '../runner.js';
import { jobInputs } from './inputs.js';
import type { MemoryBudget } from './memory.js';
import type { Models } from './models.js';
import { rawOutputOf } from './raw-output.js';
import { forget, type TaskRun } from './task.js';
import type { Workers } from './workers.js';

export interface OpeningParts {
  host: RunHost;
  workers: Workers;
  models: Models;
  memory: MemoryBudget;
}

/** An image that takes no more memory than this is read when it is opened, where there is so much. */
const kReadNowBytes = 16 << 20;

/** Throws what is wrong with the job's inputs, request or model. A task that has ended meanwhile holds nothing afterwards. */
export async function openTask(task: TaskRun, { host, workers, models, memory }: OpeningParts): Promise<void> {
  const { job } = task;
  const inputs = task.inputs ?? (await jobInputs(job, { host, fetch: host.config.fetch, workers }));
  task.inputs = inputs;
  const model = await models.get(job.modelId);
  // Whoever ended it meanwhile had nothing to clear away.
  if (task.ended) return forget(inputs);
  const { kind, style, quantization, parameters } = job;
  const raw = rawOutputOf(job);
  const held = memory.takeNow(kReadNowBytes);
  try {
    const { items, bytes, ready, handle, plan } = await workers.run('openTask', {
      kind,
      job: { style, quantization, parameters },
      card: model.card,
      model: model.model,
      inputs,
      defaults: host.config.detection,
      rawOutput: raw && host.folder(job.id).path(raw.temporary),
      readNow: held ? kReadNowBytes : 0,
    });
    task.opened = { handle, plan };
    task.tiles = items;
    task.bytes = bytes;
    task.preparedTiles = ready;
    if (held && ready > 0 && !task.ended) {
      held.shrink(bytes);
      task.holdMemory(held);
    }
  } finally {
    if (!task.holdsMemory) held?.release();
  }
  // Whoever ended it meanwhile had no handle to close.
  if (task.ended) await task.close();
}
