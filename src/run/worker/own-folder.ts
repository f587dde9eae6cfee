/**
 * Where a worker has its jobs under way. It goes with its worker; what one leaves that was killed goes when the next one of this
 * machine begins, whatever that is called. Beside each folder stands who has it: other machines may share the place.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../io/alive.js';
import { bootId } from '../../jobs/run-record.js';

const kOwner = '.owner';
/** Of this process. */
const ours = new Set<string>();

/** Below `all`, which is made. Resolves with the folder's path. */
export async function ownFolder(all: string, worker: string, instance: string): Promise<string> {
  await mkdir(all, { recursive: true });
  for (const name of await readdir(all)) {
    if (!name.endsWith(kOwner)) continue;
    // The later of one name is the worker of that name.
    const isNext = name.startsWith(`${worker}.`);
    if (isNext || isGone(join(all, name))) await removeOwnFolder(join(all, name.slice(0, -kOwner.length)));
  }
  const own = join(all, `${worker}.${instance}`);
  ours.add(own);
  await writeFile(`${own}${kOwner}`, `${hostname()} ${bootId()} ${process.pid}`);
  mkdirSync(own);
  return own;
}

export async function removeOwnFolder(own: string): Promise<void> {
  await rm(own, { recursive: true, force: true, maxRetries: 3 });
  await rm(`${own}${kOwner}`, { force: true });
  ours.delete(own);
}

/** One of this machine, whose process there is no more. */
function isGone(path: string): boolean {
  const [name, boot, pid] = (textAt(path) ?? '').split(' ');
  if (name !== hostname() || !pid) return false;
  if (boot !== bootId()) return true;
  if (Number(pid) === process.pid) return !ours.has(path.slice(0, -kOwner.length));
  return !isAlive(Number(pid));
}

/** Undefined: another one who begins was quicker. */
function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
