/** One job in a folder, while this process runs it: what it is, how it stands, and the files of the run. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { type Folder, folderAt, folderRef } from '../io/folder.js';
import { writeFileAtomically } from '../io/write.js';
import { syncFolder } from '../jobs/folders.js';
import type { Job } from '../jobs/job.js';
import { sealed } from '../jobs/sealed.js';
import { kLogFile } from '../tasks/log.js';
import { kindNamed } from '../tasks/registry.js';
import type { Described } from './description.js';
import { folderOf, isOf } from './earlier.js';
import {
  type FolderState,
  kDescriptionFile,
  kResultsDir,
  kStateFile,
  readResultsState,
  stateText,
  writeState,
} from './state.js';

const kRunDir = '.run-';

interface Begun {
  before: FolderState | undefined;
  folder: FolderState['folder'];
}

export class FolderJob {
  readonly dir: string;
  readonly log: string[] = [];
  job: Job;
  /** Resolves when it has ended, or is not run any more. */
  readonly over: Promise<void>;
  readonly #described: Described;
  readonly #isWanted: boolean;
  #state: FolderState;
  #end!: () => void;
  readonly #runDir: string;
  /** Of states, one after the other. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(dir: string, described: Described, { before, folder }: Begun) {
    const { job, digests, wanted } = described;
    this.dir = dir;
    this.#described = described;
    this.#isWanted = wanted !== undefined;
    this.#runDir = join(dir, `${kRunDir}${randomBytes(4).toString('hex')}`);
    const losses = lossesAfter(before);
    // What ended runs before ends no others with it: it runs alone.
    this.job = { ...job, id: before?.id ?? job.id, info: losses > 0 ? { attempts: losses } : {} };
    const slurmJob = process.env.SLURM_JOB_ID;
    this.#state = {
      ...{ version: 1, id: this.job.id, phase: 'QUEUED', description: digests[0], folder, losses },
      ...{ host: hostname(), pid: process.pid, updatedAt: new Date().toISOString() },
      ...(slurmJob ? { slurmJob } : {}),
    } as FolderState;
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** With a folder for its run, which goes on from `before`. Throws OTF_OUTPUT_UNWRITABLE. */
  static async open(dir: string, described: Described, before: FolderState | undefined): Promise<FolderJob> {
    const it = new FolderJob(dir, described, { before, folder: await folderOf(dir) });
    await mkdir(it.#runDir).catch((thrown) => {
      throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write in ${dir}: ${systemReason(thrown)}`);
    });
    const { parameters } = it.job;
    const inputs = await sealed(parameters.inputs, () => ({ dir: it.#runDir }));
    it.job = { ...it.job, parameters: { ...parameters, inputs } };
    await it.tell({});
    return it;
  }

  get state(): FolderState {
    return this.#state;
  }

  /** Of its run. */
  get folder(): Folder {
    return folderAt(folderRef(this.#runDir));
  }

  /** Changes the state; on disk when it resolves. */
  tell(change: Partial<FolderState>): Promise<void> {
    this.#state = { ...this.#state, ...change, updatedAt: new Date().toISOString() };
    const written = this.#writing.then(() => writeState(this.dir, this.#state));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  /**
   * What the run has left becomes DIR/results, all of it at once. False: somebody else's run did that first, and this one is of
   * no account.
   */
  async deliver(found: Partial<FolderState>, keep: ReadonlySet<string>): Promise<boolean> {
    const inputs = inputsRead(this.#described.files, this.job);
    const delivery = this.#isWanted ? { delivery: { state: 'waiting', files: 0 } as const } : {};
    const change = { ...found, inputs, ...delivery };
    const done: FolderState = { ...this.#state, ...change, updatedAt: new Date().toISOString() };
    for (const name of await readdir(this.#runDir)) {
      if (!keep.has(name)) await rm(join(this.#runDir, name), { recursive: true, force: true });
    }
    await writeFileAtomically(join(this.#runDir, kStateFile), [stateText(done)]);
    await syncFolder(this.#runDir);
    try {
      await rename(this.#runDir, join(this.dir, kResultsDir));
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw thrown;
      const there = await this.#resultsThere();
      if (!there) throw await this.#aside();
      this.#state = there;
      return false;
    }
    await syncFolder(this.dir);
    await this.tell(change);
    return true;
  }

  /** Of this job, whoever ran it. */
  async #resultsThere(): Promise<FolderState | undefined> {
    const there = await readResultsState(this.dir);
    return there?.phase === 'COMPLETED' && isOf(there, this.#described) ? there : undefined;
  }

  /** Somebody has put other things where the results go, after the run was begun: what it has found is not theirs to take. */
  async #aside(): Promise<OtfError> {
    const name = `${kResultsDir}-${this.job.id.slice(0, 8)}`;
    await rename(this.#runDir, join(this.dir, name));
    await syncFolder(this.dir);
    const what = `${kResultsDir} has come while this was run, and is nothing of it`;
    return new OtfError('OTF_OUTPUT_UNWRITABLE', `${what}: what was found is in ${name}`);
  }

  /** Nothing of it runs any more, and its run leaves nothing behind. */
  async end(): Promise<void> {
    try {
      await this.#writing;
      // Somebody else's run may have come to its end first: whatever became of this one is of no account then.
      const done = await this.#resultsThere();
      if (done) {
        this.#state = done;
        await writeState(this.dir, done);
        // Of a run that failed: its own is among the results.
        await rm(join(this.dir, kLogFile.file), { force: true });
      }
      await rm(this.#runDir, { recursive: true, force: true, maxRetries: 3 });
    } finally {
      this.#end();
    }
  }
}

/** Of the first of its kind's inputs the run tells what it has read. */
function inputsRead(files: Described['files'], { kind, info }: Job): NonNullable<FolderState['inputs']> {
  const main = files.find(({ name }) => name === kindNamed(kind).inputs[0]?.name);
  const read = info.fetched?.size === main?.size ? info.fetched?.sha256 : undefined;
  return files.map((file) => {
    const { name, size, modifiedAt } = file;
    return { name, size, modifiedAt, ...(file === main && read !== undefined ? { sha256: read } : {}) };
  });
}

/** Runs without a word since somebody last knew how the job had ended. */
function lossesAfter(before: FolderState | undefined): number {
  if (before?.phase === 'EXECUTING') return before.losses + 1;
  return before?.phase === 'QUEUED' ? before.losses : 0;
}

/** Names in a job's folder that are not free. */
export function isOfRuns(name: string): boolean {
  return [kDescriptionFile, kStateFile, kResultsDir, kLogFile.file].includes(name) || name.startsWith(kRunDir);
}

/** Of runs that were killed. Whoever has results removes what others have left. */
export async function removeLeftRuns(dir: string): Promise<void> {
  const left = (await readdir(dir)).filter((name) => name.startsWith(kRunDir));
  for (const name of left) await rm(join(dir, name), { recursive: true, force: true, maxRetries: 3 });
}
