/** What a finished task hands to the host. */
import { basename } from 'node:path';
import type { EngineReady } from '../engine/process.js';
import type { Outcome } from '../jobs/executor.js';
import type { ReadyModel } from './models.js';
import type { TaskRun } from './task.js';
import type { Finished } from './work.js';

export function outcomeOf(task: TaskRun, finished: Finished, model: ReadyModel, engine: EngineReady): Outcome {
  const { batch, image } = task;
  const { card } = model;
  return {
    results: finished.results,
    info: {
      batchId: batch.id,
      batchSize: batch.size,
      batchReason: batch.reason,
      engine: engine.engine,
      engineVersion: engine.version,
      device: engine.device,
      computeType: engine.effective,
      tilesDone: task.tiles,
      tilesTotal: task.tiles,
      warnings: finished.warnings,
    },
    provenance: {
      image: {
        name: image.name,
        sha256: image.sha256,
        size: image.size,
        ...(image.url === undefined ? {} : { url: image.url }),
        ...(finished.wcs === undefined ? {} : { wcs: finished.wcs }),
      },
      weights: { name: basename(card.weightsPath), sha256: card.sha256, size: model.weightsBytes },
      description: { id: card.id, title: card.title },
      engine: { name: engine.engine, version: engine.version, device: engine.device },
      parameters: { ...finished.parameters, quantization_asked: engine.asked, quantization: engine.effective },
      batch: { id: batch.id, startedMs: batch.startedMs, endedMs: Date.now(), size: batch.size, reason: batch.reason },
    },
  };
}
