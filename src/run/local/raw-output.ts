/** Clients of 2025-12 get the network's output as it left the network: a file of the job's folder that grows while it runs. */
import type { Job } from '../../jobs/job.js';

export interface RawOutput {
  /** While the job runs. */
  temporary: string;
  /** As a result. */
  file: string;
}

export function rawOutputOf({ style, id }: Pick<Job, 'style' | 'id'>): RawOutput | undefined {
  return style === 'legacy' ? { temporary: 'network-output.tmp', file: `net0_rts_${id}.dat` } : undefined;
}
