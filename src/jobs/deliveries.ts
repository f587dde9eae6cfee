/** Results that are wanted elsewhere (RESULTS_TO), for whoever brings them there (src/deliver). */
import { OtfError } from '../errors/catalogue.js';
import type { Folder } from '../io/folder.js';
import type { Delivery } from './job.js';
import type { JobStore } from './store.js';

export class Deliveries {
  readonly #store: JobStore;
  readonly #folder: (id: string) => Folder;

  constructor(store: JobStore, folder: (id: string) => Folder) {
    this.#store = store;
    this.#folder = folder;
  }

  /** Ids of jobs whose results are to be brought somewhere. */
  waiting(): string[] {
    return this.#store.lists.undelivered();
  }

  /** Where to: not to be shown. Throws OTF_NOT_FOUND when it is not kept any more. */
  async address(id: string): Promise<string> {
    const to = this.#store.get(id)?.parameters.resultsTo;
    if (to && to.sealed === undefined) return to.url;
    const kept = to?.sealed === undefined ? undefined : await this.#folder(id).read(to.sealed);
    if (kept) return kept.toString('utf8');
    throw new OtfError('OTF_NOT_FOUND', 'the address that results are wanted at is not kept any more');
  }

  async set(id: string, delivery: Delivery): Promise<void> {
    await this.#store.change(id, (job) => job && { ...job, info: { ...job.info, delivery } });
  }
}
