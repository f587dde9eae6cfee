/**
 * Chains: jobs made with one request, of which some follow others (followers.ts). The jobs are made first, PENDING, then the row
 * that names them, then they are started: what a crash leaves without a row nobody was told of, and it goes; what has a row
 * is started. A chain is there as long as one of its jobs.
 */
import { randomBytes } from 'node:crypto';
import { type Asker, accessible, kServer } from './access.js';
import type { NewJob } from './asked.js';
import type { Chain, Step } from './chain-rows.js';
import type { Job } from './job.js';
import type { JobStore } from './store.js';

/** Of the service, what chains are made with. */
export interface ChainJobs {
  create: (request: NewJob) => Promise<Job>;
  run: (id: string, who: Asker) => Promise<Job>;
  abort: (id: string, who: Asker) => Promise<Job>;
  delete: (id: string, who: Asker) => Promise<void>;
}

/** A step to be made: `jobs` is called when the jobs of the steps before it are there. */
export interface NewStep {
  name: string;
  after: readonly string[];
  jobs: (made: ReadonlyMap<string, readonly string[]>) => Promise<readonly NewJob[]>;
}

export class Chains {
  readonly #store: JobStore;
  readonly #jobs: ChainJobs;

  constructor(store: JobStore, jobs: ChainJobs) {
    this.#store = store;
    this.#jobs = jobs;
  }

  /** All of it or nothing. Steps in an order in which none comes before one it follows. Throws as JobService.create and run. */
  async create(steps: readonly NewStep[], runId: string | null, who: Asker): Promise<Chain> {
    const id = `c${randomBytes(16).toString('hex')}`;
    const made = new Map<string, string[]>();
    const done: Step[] = [];
    /** In the order in which they were made. */
    const begun = new Set<string>();
    try {
      for (const { name, after, jobs } of steps) {
        const ids: string[] = [];
        made.set(name, ids);
        const requests = await jobs(made);
        try {
          // Together: they share the waits for the disk.
          const there = await settled(
            requests.map(async (request) => {
              const parameters = { ...request.parameters, chain: { id, step: name } };
              const job = await this.#jobs.create({ ...request, runId, parameters, run: false });
              begun.add(job.id);
              return job;
            }),
          );
          ids.push(...there.map((job) => job.id));
        } catch (thrown) {
          for (const { spool } of requests) await spool?.discard();
          throw thrown;
        }
        done.push({ name, after, jobs: ids });
      }
      const chain: Chain = { id, owner: who.owner, runId, createdMs: Date.now(), steps: done };
      this.#store.chains.add(chain);
      // Each is on the disk when it resolves, and so is the row before it.
      await settled([...made.values()].flat().map((job) => this.#jobs.run(job, kServer)));
      return chain;
    } catch (thrown) {
      for (const job of [...begun].reverse()) await this.#jobs.delete(job, kServer);
      throw thrown;
    }
  }

  /** Throws OTF_NOT_FOUND. */
  get(id: string, who: Asker): Chain {
    return accessible(this.#store.chains.get(id), who, 'chain');
  }

  /** Its jobs that are there, by their ids. */
  jobsOf({ steps }: Chain): ReadonlyMap<string, Job> {
    const jobs = steps.flatMap((step) => step.jobs).flatMap((id) => this.#store.get(id) ?? []);
    return new Map(jobs.map((job) => [job.id, job]));
  }

  /** Those that follow first: else each would be aborted with a cause. */
  async abort(chain: Chain, who: Asker): Promise<void> {
    for (const id of [...this.jobsOf(chain).keys()].reverse()) await this.#jobs.abort(id, who);
  }

  async delete(chain: Chain, who: Asker): Promise<void> {
    for (const id of [...this.jobsOf(chain).keys()].reverse()) await this.#jobs.delete(id, who);
  }

  /** The last job takes its chain along. */
  changed(after: Job | null, before: Job | undefined): void {
    const id = after === null ? before?.parameters.chain?.id : undefined;
    const chain = id === undefined ? undefined : this.#store.chains.get(id);
    if (chain && this.jobsOf(chain).size === 0) this.#store.chains.remove(chain.id);
  }

  /** What an earlier run of the program left in the middle of making one. */
  async begin(): Promise<void> {
    const left = [...this.#store.active()].filter(({ phase, parameters }) => phase === 'PENDING' && parameters.chain);
    for (const { id, parameters } of left) {
      if (this.#store.chains.get(parameters.chain?.id ?? '')) await this.#jobs.run(id, kServer);
      else await this.#jobs.delete(id, kServer);
    }
  }
}

/** All of them, once each has come to its end. Throws what the first that failed has thrown. */
async function settled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(work);
  const failed = ends.find((end): end is PromiseRejectedResult => end.status === 'rejected');
  if (failed) throw failed.reason;
  return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
}
