/** A job as the store keeps it. */
import type { Job } from '#otf/jobs/job.js';

export function storedJob(index: number, phase: Job['phase'] = 'COMPLETED', runId = `run ${index}`): Job {
  return {
    id: `j${index}`,
    kind: 'detector',
    style: 'standard',
    phase,
    owner: null,
    remote: '127.0.0.1',
    runId,
    createdMs: 1_700_000_000_000 + index,
    queuedMs: 1,
    startedMs: phase === 'QUEUED' ? null : 2,
    endedMs: phase === 'COMPLETED' ? 3 : null,
    executionDurationS: 0,
    destructionMs: null,
    modelId: 'demo-continuum',
    quantization: 'FP32C_FP32A',
    priority: 5,
    parameters: { inputs: { IMAGE: [{ kind: 'url', url: 'https://example.org/a.fits' }] }, asked: {} },
    results: Array.from({ length: 10 }, (_, n) => ({
      id: `r${n}`,
      file: `f${n}`,
      mime: 'a/b',
      size: n,
      sha256: 'a'.repeat(64),
    })),
    failure: null,
    info: {},
  };
}
