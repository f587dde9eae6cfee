/** What lies in the job's folder at the server, brought into the one here: uploads, and addresses that only a fetch may read. */

import { OtfError } from '../../errors/catalogue.js';
import { uploads } from '../../jobs/job.js';
import { seals } from '../../jobs/sealed.js';
import { kFileName } from '../remote/messages.js';
import type { Front, Wanted } from './front.js';
import type { Held } from './held.js';
import type { Shared } from './shared.js';

const kAtOnce = 4;

/** Throws as Front.download, OTF_SHORTAGE. */
export async function bringInputs({ order, folder, stop }: Held, front: Front, shared?: Shared): Promise<void> {
  const { job, attempt } = order;
  const files: [string, Wanted][] = [
    ...uploads(job.parameters).map(({ file, sha256, size }): [string, Wanted] => [file, { sha256, size }]),
    ...seals(job.parameters.inputs).map((file): [string, Wanted] => [file, {}]),
  ];
  const errand = { attempt, signal: stop.signal };
  const bring = async () => {
    for (let next = files.shift(); next; next = files.shift()) {
      const [file, wanted] = next;
      if (!kFileName.test(file)) throw new OtfError('OTF_SERVER_ANSWER', `the server has an input of a strange name`);
      if (shared) {
        await shared.take(job.id, file, wanted.size, folder.path(file));
        continue;
      }
      await front.download(`/work/jobs/${job.id}/files/${encodeURIComponent(file)}`, folder.path(file), wanted, errand);
    }
  };
  await Promise.all(Array.from({ length: kAtOnce }, bring));
}
