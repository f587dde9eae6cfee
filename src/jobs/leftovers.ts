/** What an earlier end of the program left on disk. Looked at beside the work, a little at a time, once per start. */
import { opendir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { JobFolders } from './folders.js';
import type { JobStore } from './store.js';

const kAtATime = 200;
const kPauseMs = 20;

export interface LeftoversParts {
  store: JobStore;
  folders: JobFolders;
  log: Logger;
  /** How long folders without a row are kept for somebody to look at. */
  orphanMs: number;
  stopping: () => boolean;
}

/**
 * Removals that had begun come to their end, uploads that had not are forgotten. A folder in jobs/ without a row is put
 * aside, not removed: after the loss of the database that would be everything.
 */
export async function clearLeftovers({ store, folders, log, orphanMs, stopping }: LeftoversParts): Promise<void> {
  for (const id of await folders.leftTrash()) await store.change(id, (job) => (job ? null : undefined));
  await folders.emptyTrash();
  let orphans = 0;
  let looked = 0;
  for await (const { name } of await opendir(folders.jobsDir)) {
    if (stopping()) return;
    if (++looked % kAtATime === 0) await pause(kPauseMs, undefined, { ref: false });
    const kind = folders.kindOf(name);
    const path = join(folders.jobsDir, name);
    if (kind === 'upload') await rm(path, { recursive: true, force: true });
    if (kind !== 'job' || store.has(name)) continue;
    await rename(path, join(folders.orphansDir, `${Date.now()}-${name}`)).catch(() => undefined);
    orphans++;
  }
  if (orphans > 0) log.warn({ folders: orphans, dir: folders.orphansDir }, 'folders without a job, put aside');
  await forgetOrphans(folders, orphanMs);
}

export async function forgetOrphans(folders: JobFolders, orphanMs: number): Promise<void> {
  for (const name of await readdir(folders.orphansDir)) {
    const since = Number(/^(\d+)-/.exec(name)?.[1]);
    if (Date.now() - since >= orphanMs) await rm(join(folders.orphansDir, name), { recursive: true, force: true });
  }
}
