/** Who may have a job. The one place: whatever gives, lists or changes jobs for somebody asks here, with who is asking. */
import { OtfError } from '../errors/catalogue.js';
import type { Job } from './job.js';

/** Who asks. A request is one. */
export interface Asker {
  /** null = anonymous. */
  readonly owner: string | null;
  /** The address he asks from. */
  readonly remote: string;
}

/** The server itself, when the time of a job has come. */
export const kServer: Asker = { owner: null, remote: '' };

/** Undefined = there is none, for him. An id is not to be guessed (folders.ts): whoever knows it may have the job. */
export function visible(job: Job | undefined, _who: Asker): Job | undefined {
  return job;
}

/** Throws OTF_NOT_FOUND. */
export function accessible(job: Job | undefined, who: Asker): Job {
  const seen = visible(job, who);
  if (!seen) throw new OtfError('OTF_NOT_FOUND', 'no such job');
  return seen;
}
