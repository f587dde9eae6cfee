/** From a job to a task: its inputs are looked at, its model is there, its items are counted. */
import { type ErrorCode, OtfError, toOtfError } from '../../errors/catalogue.js';
import type { Job } from '../../jobs/job.js';
import type { ModelCard } from '../../models/card.js';
import type { RunHost } from '../runner.js';
import type { FetchThread } from './fetch-thread.js';
import { jobInputs } from './inputs.js';
import type { MemoryBudget } from './memory.js';
import type { Models } from './models.js';
import { rawOutputOf } from './raw-output.js';
import { forget, type TaskRun } from './task.js';
import type { Workers } from './workers.js';

export interface OpeningParts {
  host: RunHost;
  workers: Workers;
  receiving: FetchThread;
  models: Models;
  memory: MemoryBudget;
}

/** An image that takes no more memory than this is read when it is opened, where there is so much. */
const kReadNowBytes = 16 << 20;

/** Of an image that is on its way: what it says may be in what comes. */
const kNotYet: ReadonlySet<ErrorCode> = new Set(['OTF_FITS_TRUNCATED', 'OTF_FITS_UNREADABLE', 'OTF_FITS_NO_IMAGE']);

/** Throws what is wrong with the job's inputs, request or model. A task that has ended meanwhile holds nothing afterwards. */
export async function openTask(task: TaskRun, parts: OpeningParts): Promise<void> {
  const { arrival } = task;
  try {
    await open(task, parts);
  } catch (thrown) {
    if (!arrival || !kNotYet.has(toOtfError(thrown).code)) throw thrown;
    if (arrival.callOff('its image cannot be opened yet')) return;
    task.inputs = await arrival.whole;
    await open(task, parts);
  }
}

async function open(task: TaskRun, { host, workers, receiving, models, memory }: OpeningParts): Promise<void> {
  const { job } = task;
  const inputs = task.inputs ?? (await jobInputs(job, { host, fetch: host.config.fetch, workers, receiving }));
  task.inputs = inputs;
  const model = await models.get(job.modelId);
  assertSame(job, model.card);
  // Whoever ended it meanwhile had nothing to clear away.
  if (task.ended) return forget(inputs);
  const { kind, style, quantization, parameters } = job;
  const raw = rawOutputOf(job);
  const held = task.arrival ? undefined : memory.takeNow(kReadNowBytes);
  try {
    const { items, item, bytes, ready, handle, plan } = await workers.run('openTask', {
      kind,
      job: { style, quantization, parameters },
      card: model.card,
      model: model.model,
      inputs,
      defaults: host.config.detection,
      folder: host.folder(job.id).path(''),
      rawOutput: raw && host.folder(job.id).path(raw.temporary),
      readNow: held ? kReadNowBytes : 0,
    });
    task.opened = { handle, plan };
    task.tiles = items;
    task.item = item;
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

/** A model that was replaced meanwhile is another one: the job would not be what was asked for. */
function assertSame({ modelId, parameters }: Job, { sha256 }: ModelCard): void {
  const { modelSha256: pinned } = parameters;
  if (pinned === undefined || pinned === sha256) return;
  const both = `its network has sha256 ${sha256.slice(0, 12)}... now, ${pinned.slice(0, 12)}... when the job was made`;
  throw new OtfError('OTF_MODEL_CHECKSUM', `the model ${modelId} was replaced: ${both}; submit the job again`);
}
