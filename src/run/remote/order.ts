/** One job on its way to a worker, as it is said there. */
import type { Job } from '../../jobs/job.js';
import type { Batch } from '../runner.js';
import type { Lease } from './leases.js';
import { deviceOf } from './roster.js';

export interface Order {
  job: Job;
  attempt: string;
  /** Workers that were given it and lost, and this one: since the server started. */
  number: number;
  /** A place of the worker. */
  device: string;
  batch: Pick<Batch, 'id' | 'key' | 'reason' | 'startedMs'> & { size: number };
}

/** undefined: the worker ends, or does not know its own device any more. */
export interface OrderAnswer {
  taken: boolean;
}

export function orderOf({ job, attempt, place }: Lease, batch: Batch, number: number): Order {
  const { id, key, reason, startedMs, jobs, size = jobs.length } = batch;
  return { job, attempt, number, device: deviceOf(place), batch: { id, key, reason, startedMs, size } };
}
