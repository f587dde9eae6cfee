/** What a finished task hands to the host. */
import type { EngineReady } from '../engine/process.js';
import type { Outcome } from '../jobs/executor.js';
import type { TaskRun } from './task.js';
import type { Finished } from './work.js';

export function outcomeOf({ batch, tiles, image }: TaskRun, finished: Finished, engine: EngineReady): Outcome {
  return {
    results: finished.results,
    endedMs: finished.endedMs,
    info: {
      batchId: batch.id,
      batchSize: batch.size,
      batchReason: batch.reason,
      engine: engine.engine,
      engineVersion: engine.version,
      device: engine.device,
      computeType: engine.effective,
      tilesDone: tiles,
      tilesTotal: tiles,
      warnings: finished.warnings,
      ...(image?.url === undefined ? {} : { fetched: { name: image.name, size: image.size, sha256: image.sha256 } }),
    },
  };
}
