/** What the scheduler measures of itself, in the server's registry (Prometheus). */
import { Histogram, type Registry } from 'prom-client';

/** Told of every batch that begins. */
export type BatchObserver = (key: string, size: number, reason: string) => void;

export function batchMetrics(registry: Registry): BatchObserver {
  const batches = new Histogram({
    name: 'otf_batch_size',
    help: 'Tasks of a batch when it was released, by why it was: full, waited, idle, alone',
    labelNames: ['key', 'reason'],
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers: [registry],
  });
  return (key, size, reason) => batches.observe({ key, reason }, size);
}
