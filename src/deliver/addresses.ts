/** Where each result of a job goes: RESULTS_TO is the address of its first one, or, with a slash at the end, of a folder for all. */
import type { Job } from '../jobs/job.js';
import type { ResultFile } from '../tasks/files.js';

export interface Delivered {
  address: string;
  result: ResultFile;
}

/** `{id}` and `{runid}` in the path are the job's. */
export function addressesOf({ id, runId, results }: Pick<Job, 'id' | 'runId' | 'results'>, to: string): Delivered[] {
  const [path = '', query] = to.split(/\?(.*)/s);
  const named = path.replaceAll('{id}', id).replaceAll('{runid}', encodeURIComponent(runId ?? id));
  if (named.endsWith('/')) {
    return results.map((result) => ({ address: `${named}${encodeURIComponent(result.file)}`, result }));
  }
  const address = query === undefined ? named : `${named}?${query}`;
  return results.filter((result) => result.id === 'result').map((result) => ({ address, result }));
}
