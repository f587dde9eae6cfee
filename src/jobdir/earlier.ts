/**
 * What an earlier run has left in a folder, and whether it is of what is asked for now. Folders are copied with what is in
 * them, job.json is changed, and images are replaced under their names: results are those of a job when its description and
 * its files are the same, and a run is gone on with in its own folder alone.
 */
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { OtfError } from '../errors/catalogue.js';
import { sha256File } from '../io/checksum.js';
import type { Described, LocalInput } from './description.js';
import { type FolderState, kResultsDir, readResultsState, readState } from './state.js';

/**
 * A job that is COMPLETED, or what another run of it goes on from: undefined = it begins. Throws OTF_USAGE where the folder has
 * results of something else, before anything is run.
 */
export async function earlierRun(dir: string, described: Described): Promise<FolderState | undefined> {
  await refuseForeignResults(dir);
  const before = await readState(dir);
  if (before?.phase !== 'COMPLETED')
    return before && isOf(before, described) && (await isFolderOf(before, dir)) ? before : undefined;
  // Somebody has removed them: a word that they are there is no result. What has been sent is where it was wanted.
  if (before.delivery?.state !== 'done' && !(await readResultsState(dir))) return undefined;
  if (!isOf(before, described)) throw otherJob(dir, 'job.json is not what the results there are of');
  const changed = await changedInput(before, described.files);
  if (changed) throw otherJob(dir, `the results there are of another ${changed.name} than ${changed.path} is now`);
  return before;
}

/** Of this description. */
export function isOf({ description }: FolderState, { digests }: Pick<Described, 'digests'>): boolean {
  return digests.includes(description);
}

/** Whose state may be that of a folder that was copied: inodes stay when a folder is renamed, paths where inodes do not last. */
export async function isFolderOf({ folder }: Pick<FolderState, 'folder'>, dir: string): Promise<boolean> {
  // Earlier versions did not write it down.
  if (!folder) return true;
  const { path, inode } = await folderOf(dir);
  return folder.path === path || folder.inode === inode;
}

export async function folderOf(dir: string): Promise<NonNullable<FolderState['folder']>> {
  const { ino } = await stat(dir, { bigint: true });
  return { path: await realpath(dir), inode: String(ino) };
}

/** Whole paths, in their order. Throws OTF_USAGE for a folder that is given twice, by whatever names. */
export async function differentFolders(given: readonly string[]): Promise<string[]> {
  const dirs = given.map((dir) => resolve(dir));
  const seen = new Map<string, string>();
  for (const dir of dirs) {
    // What is not there says so when its job is read.
    const real = await realpath(dir).catch(() => dir);
    const twice = seen.get(real);
    if (twice === dir) throw new OtfError('OTF_USAGE', `${dir} is given twice`);
    if (twice !== undefined) throw new OtfError('OTF_USAGE', `${twice} and ${dir} are the same folder: name it once`);
    seen.set(real, dir);
  }
  return dirs;
}

/** Results appear by one rename, which nothing may be in the way of: that is said before minutes of work, not after. */
async function refuseForeignResults(dir: string): Promise<void> {
  const path = join(dir, kResultsDir);
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  if (found.isDirectory() && (await readdir(path)).length === 0) return;
  if ((await readResultsState(dir))?.phase === 'COMPLETED') return;
  throw new OtfError('OTF_USAGE', `${path} is there and is no result of a run: rename it, or use another folder`);
}

/** A copy may have another time and the same bytes. */
async function changedInput({ inputs }: FolderState, now: readonly LocalInput[]): Promise<LocalInput | undefined> {
  // Earlier versions did not write them down.
  if (!inputs) return undefined;
  for (const [index, file] of now.entries()) {
    const before = inputs[index];
    if (before?.size !== file.size) return file;
    if (before.modifiedAt === file.modifiedAt) continue;
    if (before.sha256 === undefined || before.sha256 !== (await sha256File(file.path))) return file;
  }
  return undefined;
}

function otherJob(dir: string, what: string): OtfError {
  return new OtfError(
    'OTF_USAGE',
    `${dir}: ${what}: remove ${basename(dir)}/results and state.json to run it, or use another folder`,
  );
}
