/** What comes in with files: new jobs, and changes of those that have not begun. */
import type { Config } from '../config/schema.js';
import type { UploadedFile } from '../tasks/files.js';
import { type Asker, accessible } from './access.js';
import type { AdmissionOfJobs } from './admission.js';
import { type NewJob, type ParameterChange, pendingJob, withParameters } from './asked.js';
import type { JobFolders } from './folders.js';
import { type Job, uploadedBytes, uploads } from './job.js';
import type { JobStore } from './store.js';
import { forbidden, type Transitions } from './transitions.js';

export interface IntakeParts {
  policy: Config['policy'];
  store: JobStore;
  folders: JobFolders;
  admission: AdmissionOfJobs;
  transitions: Transitions;
  /** Throws OTF_NOT_FOUND. */
  get: (id: string, who: Asker) => Job;
}

export class Intake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  async create(request: NewJob): Promise<Job> {
    const { policy, store, folders, admission, transitions } = this.#parts;
    const job = pendingJob(request, policy, Date.now());
    const admitted = admission.admit(job, request.run);
    try {
      const id = await folders.adopt(request.spool);
      try {
        // Stamped in the transaction: the list stays sorted by creation whatever order uploads finish in.
        const created = await transitions.commit(id, () => {
          const stamped = { ...job, id, createdMs: store.nextCreatedMs() };
          return request.run ? transitions.queued(stamped) : stamped;
        });
        folders.settle(id);
        return created;
      } catch (thrown) {
        await folders.remove(id);
        throw thrown;
      }
    } finally {
      admitted.settled();
    }
  }

  async change(id: string, change: ParameterChange, who: Asker): Promise<Job> {
    const { policy, folders, admission, transitions, get } = this.#parts;
    try {
      assertPending(get(id, who));
      if (change.spool) admission.assertBytes(uploadedBytes(change.parameters));
      if (change.spool) await folders.add(id, change.spool);
      let replaced: readonly UploadedFile[] = [];
      const job = await transitions.commit(id, (before) => {
        const old = accessible(before, who);
        assertPending(old);
        const changed = withParameters(old, change, policy);
        const kept = uploads(changed.parameters);
        replaced = uploads(old.parameters).filter((file) => !kept.includes(file));
        return change.run ? transitions.queued(changed) : changed;
      });
      for (const { file } of replaced) await folders.removeFile(id, file);
      return job;
    } catch (thrown) {
      await change.spool?.discard();
      for (const { file } of uploads(change.parameters)) await folders.removeFile(id, file);
      // Deleted meanwhile: its folder was not there to take the files.
      get(id, who);
      throw thrown;
    }
  }
}

function assertPending(job: Job): void {
  if (job.phase !== 'PENDING') throw forbidden(job, 'parameters can be changed while PENDING only');
}
