/** The end of a job and of its files. */
import type { Logger } from 'pino';
import { type Asker, accessible } from './access.js';
import type { Executor } from './executor.js';
import type { JobFolders } from './folders.js';
import { isActive } from './job.js';
import type { JobStore } from './store.js';

export interface RemovalParts {
  store: JobStore;
  folders: JobFolders;
  executor: Executor;
  log: Logger;
}

export class Removal {
  readonly #parts: RemovalParts;
  /** Being deleted: there for nobody any more. */
  readonly #leaving = new Set<string>();

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  isLeaving(id: string): boolean {
    return this.#leaving.has(id);
  }

  /** Its files are out of the way when it resolves; they are removed beside other work. */
  async delete(id: string, who: Asker): Promise<void> {
    const { store, folders, executor, log } = this.#parts;
    this.#leaving.add(id);
    let wasActive = false;
    try {
      const aside = await folders.setAside(id);
      try {
        await store.change(id, (before) => {
          wasActive = isActive(accessible(before, who).phase);
          return null;
        });
      } catch (thrown) {
        if (store.get(id)) await aside.putBack();
        throw thrown;
      }
      aside.remove().catch((thrown) => log.warn({ err: thrown, jobId: id }, 'left in the trash'));
    } finally {
      this.#leaving.delete(id);
    }
    if (wasActive) executor.abort(id, 'deleted');
  }
}
