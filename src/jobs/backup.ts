/**
 * A copy of a data folder that a server can be started on: the database by SQLite's backup interface, asked of the server that
 * holds it where there is one, then the folder of each job that the copy has. Jobs come, change and go meanwhile; what the copy
 * has is whole:
 *
 *     copy the database ─► for each row: copy its folder ─► every file that the row names is there, as large as it says?
 *            ▲                                                  ├ yes: the job is in the copy
 *            └────────── some are not: once more ◄──────────────┤ it changed in between (its upload was replaced)
 *                                                               └ its folder is gone: it was deleted, and its row goes, too
 *
 * Files of jobs never change once a row names them, so a row of an earlier moment and files of a later one fit.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Database } from 'better-sqlite3';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { forNow } from '../io/leftovers.js';
import { writeFileAtomically } from '../io/write.js';
import { kSoftware } from '../version.js';
import { order } from './control.js';
import { syncFolder } from './folders.js';
import { isFinal, type Job, uploads } from './job.js';
import { fromRow, type JobRow } from './schema.js';
import { seals } from './sealed.js';
import { Sqlite } from './sqlite.js';

export interface BackupDone {
  jobs: number;
  files: number;
  bytes: number;
  /** A server was using the folder. */
  online: boolean;
  /** Jobs that were deleted while the copy was made: they are not in it. */
  deleted: number;
}

const kDatabase = 'otf.sqlite';
const kManifest = 'backup.json';
const kTokens = 'tokens.json';
const kSnapshot = 'otf.sqlite.backup-';
const kSnapshotMs = 86_400_000;
/** A PENDING job may be changed again and again; nobody does it so often within one copy. */
const kAttempts = 5;

/** `output` is not there before, and whole afterwards. `tokens`: their file. Throws OTF_USAGE, OTF_OUTPUT_UNWRITABLE, OTF_STORE_UNUSABLE. */
export async function makeBackup(dataDir: string, output: string, tokens: string): Promise<BackupDone> {
  const target = resolve(output);
  if (await isThere(target)) throw new OtfError('OTF_USAGE', `${output} is there already: name a folder that is not`);
  if (!(await isThere(join(dataDir, kDatabase)))) {
    throw new OtfError('OTF_STORE_UNUSABLE', `${dataDir} has no ${kDatabase}: is it the data folder of a server?`);
  }
  let part: string | undefined;
  let isGone: (() => void) | undefined;
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    // A name that nobody has: what else is beside the copy is somebody's.
    part = await mkdtemp(`${target}.part-`);
    isGone = forNow(part);
    await mkdir(join(part, 'jobs'), { mode: 0o700 });
    const done = await copyAll(dataDir, part);
    await copyTokens(tokens, join(part, kTokens));
    const manifest = { software: kSoftware, madeAt: new Date().toISOString(), ...done };
    await writeFileAtomically(join(part, kManifest), [`${JSON.stringify(manifest, null, 2)}\n`]);
    await syncFolder(part);
    await rename(part, target);
    await syncFolder(dirname(target));
    return done;
  } catch (thrown) {
    if (part !== undefined) await rm(part, { recursive: true, force: true });
    if (thrown instanceof OtfError) throw thrown;
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${output}: ${systemReason(thrown)}`, { cause: thrown });
  } finally {
    isGone?.();
  }
}

/** Hashes of who may use it; written whole by whoever changes them (src/auth/token-file.ts). */
async function copyTokens(from: string, to: string): Promise<void> {
  try {
    await cp(from, to, { preserveTimestamps: true });
    await chmod(to, 0o600);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  }
}

async function copyAll(dataDir: string, part: string): Promise<BackupDone> {
  for (let attempt = 1; ; attempt++) {
    const online = await copyDatabase(dataDir, join(part, kDatabase));
    const copied = await copyJobs(dataDir, part);
    if (copied.changed.length === 0) {
      await removeOthers(part, copied.kept);
      return { jobs: copied.kept.size, files: copied.files, bytes: copied.bytes, online, deleted: copied.deleted };
    }
    if (attempt < kAttempts) continue;
    const [first] = copied.changed;
    throw new OtfError(
      'OTF_STORE_UNUSABLE',
      `${copied.changed.length} jobs lack files that the database names, e.g. ${first}: is the data folder damaged?`,
    );
  }
}

/** Gives whether a server did it: in its data folder, as it may be another user, who can write nowhere else (deploy/systemd). */
async function copyDatabase(dataDir: string, to: string): Promise<boolean> {
  await rm(to, { force: true });
  await removeLeftSnapshots(dataDir);
  const snapshot = join(resolve(dataDir), `${kSnapshot}${randomBytes(4).toString('hex')}`);
  try {
    if (await order(dataDir, { order: 'backup', path: snapshot })) {
      await cp(snapshot, to, { mode: constants.COPYFILE_FICLONE });
      return true;
    }
  } finally {
    await rm(snapshot, { force: true });
  }
  const source = openHere(join(dataDir, kDatabase), { readonly: true });
  try {
    await source.backup(to);
  } finally {
    source.close();
  }
  return false;
}

/** Of commands that were killed: one that is being made is younger. */
async function removeLeftSnapshots(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const path = join(dataDir, name);
    const made = name.startsWith(kSnapshot) && (await stat(path).catch(() => undefined))?.mtimeMs;
    if (made && Date.now() - made > kSnapshotMs) await rm(path, { force: true });
  }
}

function openHere(path: string, options: { readonly?: boolean }): Database {
  try {
    return new Sqlite(path, { ...options, fileMustExist: true, timeout: 1000 });
  } catch (thrown) {
    throw new OtfError('OTF_STORE_UNUSABLE', `cannot open ${path}: ${systemReason(thrown)}`, { cause: thrown });
  }
}

interface Copied {
  kept: Set<string>;
  /** Their files are not those that the row names. */
  changed: string[];
  deleted: number;
  files: number;
  bytes: number;
}

async function copyJobs(dataDir: string, part: string): Promise<Copied> {
  const database = openHere(join(part, kDatabase), {});
  // The copy travels: one file, no log beside it.
  database.pragma('journal_mode = DELETE');
  const copied: Copied = { kept: new Set(), changed: [], deleted: 0, files: 0, bytes: 0 };
  try {
    const ids = database.prepare('SELECT id FROM job').pluck().all() as string[];
    const read = database.prepare('SELECT * FROM job WHERE id = ?');
    const remove = database.prepare('DELETE FROM job WHERE id = ?');
    for (const id of ids) {
      const job = fromRow(read.get(id) as JobRow);
      const [from, to] = [join(dataDir, 'jobs', id), join(part, 'jobs', id)];
      if (!(await isWhole(job, to))) await copyFolder(from, to);
      if (await isWhole(job, to)) {
        copied.kept.add(id);
        for (const name of await readdir(to)) {
          copied.files++;
          copied.bytes += (await stat(join(to, name))).size;
        }
      } else if (await isThere(from)) copied.changed.push(id);
      else {
        remove.run(id);
        copied.deleted++;
      }
    }
  } finally {
    database.close();
  }
  return copied;
}

/** Files may go while they are copied: what is whole is looked at afterwards. */
async function copyFolder(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  try {
    await cp(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE, preserveTimestamps: true });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  }
  if (await isThere(to)) await syncFolder(to);
}

/** Every file that the row names is in the folder, as large as it says, and every address that is still to be opened. */
async function isWhole(job: Job, folder: string): Promise<boolean> {
  if (!(await isThere(folder))) return false;
  const { parameters, results } = job;
  for (const file of addressesOf(job)) if (!(await isThere(join(folder, file)))) return false;
  const named = [...uploads(parameters), ...(parameters.request ? [parameters.request] : []), ...results];
  for (const { file, size } of named) {
    const found = await stat(join(folder, file)).catch(() => undefined);
    if (found?.size !== size) return false;
  }
  return true;
}

/** They go from the folder of a job that ends, whose row of a moment before needs them. */
function addressesOf({ phase, parameters, info }: Job): string[] {
  const isSent = isFinal(phase) && info.delivery?.state !== 'waiting';
  const to = isSent ? undefined : parameters.resultsTo?.sealed;
  return [...(isFinal(phase) ? [] : seals(parameters.inputs)), ...(to === undefined ? [] : [to])];
}

/** Of an earlier attempt, and of jobs that were deleted since. */
async function removeOthers(part: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(join(part, 'jobs'))) {
    if (!kept.has(name)) await rm(join(part, 'jobs', name), { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
