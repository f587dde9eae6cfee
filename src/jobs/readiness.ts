/** Why no job can be run at the moment. */
import type { JobService } from './service.js';

/** Undefined: they can. */
export function hindrance({ stopping, executor, uploads }: JobService): string | undefined {
  if (stopping) return 'the server is shutting down';
  if (uploads.readOnly) return 'the disk of the server is read-only';
  return executor.stats().ready ? undefined : 'jobs cannot be run at the moment';
}
