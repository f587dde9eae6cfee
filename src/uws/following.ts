/** Jobs that a new one is to follow: AFTER, and those whose results it takes. */
import type { Asker } from '../jobs/access.js';
import { followedBy } from '../jobs/followers.js';
import type { JobService } from '../jobs/service.js';
import type { JobParameters } from '../tasks/parameters.js';
import { badRequest } from './parameters.js';

/** Are they his, and can they still end well? Throws OTF_BAD_REQUEST. */
export function assertFollowable(jobs: JobService, parameters: JobParameters, who: Asker): void {
  for (const id of followedBy(parameters)) {
    const phase = jobs.find(id, who)?.phase;
    if (phase === undefined) throw badRequest(`AFTER=${id.slice(0, 80)}: no such job`);
    if (phase === 'ERROR' || phase === 'ABORTED') throw badRequest(`AFTER=${id}: that job is ${phase}`);
  }
}
