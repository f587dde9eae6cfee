/** What comes in with files: new jobs, and changes of those that have not begun. */
import type { Config } from '../config/schema.js';
import type { JobParameters } from '../tasks/parameters.js';
import { type Asker, accessible } from './access.js';
import type { AdmissionOfJobs } from './admission.js';
import { type NewJob, type ParameterChange, pendingJob, withParameters } from './asked.js';
import type { JobFolders, Spool } from './folders.js';
import { assertNoCircle } from './followers.js';
import { type Job, uploadedBytes, uploads } from './job.js';
import { sealed, sealedAddress, seals } from './sealed.js';
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
    admission.assertPriority(request, request.priority);
    const asked = pendingJob(request, policy, Date.now());
    const admitted = admission.admit(asked, request.run);
    try {
      const { spool, parameters } = await this.#sealed(request);
      const job = { ...asked, parameters };
      const id = await folders.adopt(spool);
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

  async change(id: string, asked: ParameterChange, who: Asker): Promise<Job> {
    const { policy, folders, admission, transitions, get } = this.#parts;
    let change = asked;
    try {
      const now = get(id, who);
      assertPending(now);
      admission.assertPriority(now, asked.priority);
      change = { ...asked, ...(await this.#sealed(asked)) };
      if (change.spool) admission.assertBytes(now.owner, uploadedBytes(change.parameters));
      if (change.spool) await folders.add(id, change.spool);
      let replaced: readonly string[] = [];
      const job = await transitions.commit(id, (before) => {
        const old = accessible(before, who);
        assertPending(old);
        const changed = withParameters(old, change, policy);
        assertNoCircle(changed, (other) => this.#parts.store.get(other));
        const kept = filesOf(changed);
        replaced = filesOf(old).filter((file) => !kept.includes(file));
        return change.run ? transitions.queued(changed) : changed;
      });
      for (const file of replaced) await folders.removeFile(id, file);
      return job;
    } catch (thrown) {
      await change.spool?.discard();
      for (const file of filesOf(change)) await folders.removeFile(id, file);
      // Deleted meanwhile: its folder was not there to take the files.
      get(id, who);
      throw thrown;
    }
  }

  /** Addresses that must not be shown lie among the files. A spool made for them goes again when that fails. */
  async #sealed({ parameters, spool }: Pick<NewJob, 'parameters' | 'spool'>): Promise<Sealed> {
    let made: Spool | undefined;
    try {
      const room = () => {
        made ??= spool ?? this.#parts.folders.newSpool();
        return made;
      };
      const inputs = await sealed(parameters.inputs, room);
      const { resultsTo: to } = parameters;
      const resultsTo = to && { resultsTo: await sealedAddress(to, room) };
      return { parameters: { ...parameters, inputs, ...resultsTo }, spool: spool ?? made };
    } catch (thrown) {
      if (made !== spool) await made?.discard();
      throw thrown;
    }
  }
}

interface Sealed {
  parameters: JobParameters;
  spool: Spool | undefined;
}

/** In its folder, of its inputs. */
function filesOf({ parameters }: Pick<Job, 'parameters'>): string[] {
  const to = parameters.resultsTo?.sealed ?? [];
  return [...uploads(parameters).map(({ file }) => file), ...seals(parameters.inputs), ...[to].flat()];
}

function assertPending(job: Job): void {
  if (job.phase !== 'PENDING') throw forbidden(job, 'parameters can be changed while PENDING only');
}
