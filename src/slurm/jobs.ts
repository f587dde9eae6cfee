/**
 * Jobs in folders as jobs of Slurm, for sites whose nodes reach nothing outside:
 *
 *     submit ─► sbatch: `run DIR` on a node ─► DIR/state.json, DIR/results ─► looked at from here, with squeue beside
 *
 * Nothing is kept but the folder's state: a job of Slurm is known by its name, which has the id of the state.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import type { Described } from '../jobdir/description.js';
import { earlierRun, folderOf, isFolderOf } from '../jobdir/earlier.js';
import { type FolderState, isDone, isOver, readState, writeState } from '../jobdir/state.js';
import type { Slurm } from './program.js';
import { isActive, type SlurmJob } from './queue.js';
import { batchScript, type Launch } from './script.js';
import { type Standing, standingOf } from './standing.js';

export interface FollowedFolder {
  dir: string;
  standing: Standing;
  state: FolderState;
  slurmJob?: string;
}

/** Before the time limit, for the run to write down that it was cut short. */
const kWarningS = 60;

function nameOf({ id }: Pick<FolderState, 'id'>): string {
  return `otf-${id}`;
}

/** The latest of the name: a job that was submitted again is another one. */
function jobOf(state: FolderState, queue: readonly SlurmJob[]): SlurmJob | undefined {
  const named = queue.filter(({ name }) => name === nameOf(state));
  return named.find(isActive) ?? named.sort((a, b) => Number(b.id) - Number(a.id))[0];
}

/**
 * Gives the id of Slurm's job. Throws OTF_USAGE for what is done, or in the queue already, as earlierRun, and with what sbatch
 * says.
 */
export async function submitFolder(
  slurm: Slurm,
  dir: string,
  described: Described,
  launch: Launch,
  args: { sbatch: readonly string[]; run: readonly string[] },
): Promise<string> {
  const before = await earlierRun(dir, described);
  if (before && isDone(before)) throw new OtfError('OTF_USAGE', `${dir} has been run: its results are there`);
  if (before?.phase === 'COMPLETED')
    throw new OtfError('OTF_USAGE', `${dir} has been run: \`run ${dir}\` without --slurm sends what is to be sent`);
  const last = await readState(dir);
  const there = last && (await isFolderOf(last, dir)) && jobOf(last, await slurm.queue());
  if (there && isActive(there)) throw new OtfError('OTF_USAGE', `${dir} is in the queue already, as job ${there.id}`);
  // A name of its own: what Slurm says of an earlier try is not said of this one.
  const state: FolderState = { ...(await freshState(dir, described)), losses: before?.losses ?? 0 };
  await writeState(dir, state);
  const own = [`--job-name=${nameOf(state)}`, `--chdir=${dir}`, '--output=slurm-%j.out', '--open-mode=append'];
  const script = batchScript(launch, ['run', ...args.run, dir]);
  return slurm.submit([...own, '--requeue', `--signal=B:USR1@${kWarningS}`, ...args.sbatch], script);
}

async function freshState(dir: string, { digests: [description] }: Described): Promise<FolderState> {
  const now = new Date().toISOString();
  return {
    ...{ version: 1, id: randomUUID(), phase: 'QUEUED', description, folder: await folderOf(dir), losses: 0 },
    ...{ host: hostname(), pid: process.pid, updatedAt: now },
  } as FolderState;
}

/** As the folder and Slurm say it now. Throws OTF_INPUT_UNREADABLE where nobody has begun, OTF_SERVER_ANSWER. */
export async function lookAt(slurm: Slurm, dirs: readonly string[]): Promise<FollowedFolder[]> {
  // In this order: what ends between the two is known by its folder next time, and no end is taken from Slurm too early.
  const queue = (await allKnown(dirs)) ? [] : await queueOf(slurm);
  const found: FollowedFolder[] = [];
  for (const dir of dirs) {
    const state = await readState(dir);
    if (!state) throw new OtfError('OTF_INPUT_UNREADABLE', `${dir} has no state.json: nobody has run or submitted it`);
    const job = jobOf(state, queue);
    const known = job?.id ?? state.slurmJob;
    found.push({ dir, state, standing: standingOf(state, job), ...(known === undefined ? {} : { slurmJob: known }) });
  }
  return found;
}

/** By their folders alone: nobody has to ask Slurm, which may not be here. */
async function allKnown(dirs: readonly string[]): Promise<boolean> {
  for (const dir of dirs) {
    const state = await readState(dir);
    if (state && !(isOver(state) && state.delivery?.state !== 'waiting')) return false;
  }
  return true;
}

async function queueOf(slurm: Slurm): Promise<SlurmJob[]> {
  try {
    return await slurm.queue();
  } catch (thrown) {
    // While the controller is away folders still say how they are.
    if (toOtfError(thrown).code !== 'OTF_SERVER_UNREACHABLE') throw thrown;
    return [];
  }
}

/** Until all have ended, or the deadline. An end that Slurm alone tells of counts when the folder still says nothing after graceMs. */
export async function follow(
  slurm: Slurm,
  dirs: readonly string[],
  { graceMs, untilMs, stepMs }: { graceMs: number; untilMs: number; stepMs: number },
): Promise<FollowedFolder[]> {
  const doubted = new Map<string, number>();
  for (;;) {
    const found = await lookAt(slurm, dirs);
    const now = performance.now();
    const open = found.filter(({ dir, state, standing }) => {
      if (isOver(state) && state.delivery?.state !== 'waiting') return false;
      if (!isOver(standing)) {
        doubted.delete(dir);
        return true;
      }
      const since = doubted.get(dir) ?? now;
      doubted.set(dir, since);
      return now - since < graceMs;
    });
    if (open.length === 0 || now >= untilMs) return found;
    await pause(Math.min(stepMs, untilMs - now));
  }
}
