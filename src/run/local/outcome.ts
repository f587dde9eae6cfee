/** What a finished task hands to the host. */
import type { EngineReady } from '../../engine/process.js';
import type { Outcome } from '../../jobs/executor.js';
import { kindNamed } from '../../tasks/registry.js';
import type { Finished } from '../../tasks/work.js';
import type { TaskRun } from './task.js';

export function outcomeOf({ job, batch, tiles, inputs }: TaskRun, finished: Finished, engine?: EngineReady): Outcome {
  const { inputs: described, unit } = kindNamed(job.kind);
  const first = inputs?.[described[0]?.name ?? '']?.[0];
  return {
    results: finished.results,
    written: finished.written,
    endedMs: finished.endedMs,
    info: {
      batchId: batch.id,
      batchSize: batch.size,
      batchReason: batch.reason,
      ...(engine && {
        engine: engine.engine,
        engineVersion: engine.version,
        device: engine.device,
        computeType: engine.effective,
      }),
      found: finished.count,
      progress: { done: tiles, total: tiles, unit },
      warnings: finished.warnings,
      ...(first?.url === undefined ? {} : { fetched: { name: first.name, size: first.size, sha256: first.sha256 } }),
    },
  };
}
