/**
 * Files of jobs: `data_dir/jobs/<id>/`. Uploads go straight into the folder of the job they may become, under an id nobody
 * has been told; everything in it is synced before the row is committed: a row without its files cannot be. A folder
 * without a row is what a killed server left of an upload, and is removed at the next start.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsync, mkdirSync, openSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isShortage, OtfError, shortage, systemReason } from '../errors/catalogue.js';

const kDiskFull = 'the server cannot take this now: its disk is full; try again later';

export class JobFolders {
  readonly #jobs: string;

  constructor(dataDir: string) {
    this.#jobs = join(dataDir, 'jobs');
  }

  /** At start: makes the folder, removes those of jobs nobody was told of. */
  prepare(isKnown: (jobId: string) => boolean): void {
    mkdirSync(this.#jobs, { recursive: true });
    for (const name of readdirSync(this.#jobs)) {
      if (!isKnown(name)) rmSync(join(this.#jobs, name), { recursive: true, force: true });
    }
  }

  jobDir(jobId: string): string {
    return join(this.#jobs, jobId);
  }

  /** A fresh folder for the files of one request. Throws OTF_DISK_FULL, OTF_INTERNAL. */
  newSpool(): Spool {
    const jobId = newJobId();
    const dir = this.jobDir(jobId);
    try {
      mkdirSync(dir);
    } catch (thrown) {
      refuseForDisk(thrown);
    }
    return new Spool(jobId, dir);
  }

  /** Throws OTF_DISK_FULL when less than `bytes` are free. */
  assertRoom(bytes: number): void {
    const { bavail, bsize } = statfsSync(this.#jobs);
    if (bavail * bsize < bytes) throw new OtfError('OTF_DISK_FULL', kDiskFull);
  }

  /** The id of a new job whose folder, with the spooled files if there are any, is on disk. */
  async adopt(spool: Spool | undefined): Promise<string> {
    const { jobId, dir } = spool ?? this.newSpool();
    try {
      await Promise.all([syncFolder(dir), syncFolder(this.#jobs)]);
    } catch (thrown) {
      await rm(dir, { recursive: true, force: true });
      refuseForDisk(thrown);
    }
    return jobId;
  }

  /** Spooled files into the folder of a job that is there already; names are random, nothing is overwritten. */
  async add(jobId: string, spool: Spool): Promise<void> {
    try {
      for (const name of await readdir(spool.dir)) await rename(join(spool.dir, name), join(this.jobDir(jobId), name));
      await syncFolder(this.jobDir(jobId));
    } catch (thrown) {
      refuseForDisk(thrown);
    }
    await spool.discard();
  }

  async remove(jobId: string): Promise<void> {
    await rm(this.jobDir(jobId), { recursive: true, force: true });
  }

  async removeFile(jobId: string, file: string): Promise<void> {
    await rm(join(this.jobDir(jobId), file), { force: true });
  }
}

/** Files of one request. Whoever made it calls discard() unless a job adopted it. */
export class Spool {
  /** Of the job it becomes when one adopts it. */
  readonly jobId: string;
  readonly dir: string;
  #count = 0;

  constructor(jobId: string, dir: string) {
    this.jobId = jobId;
    this.dir = dir;
  }

  /** A name nobody outside has a say in. */
  newFile(): { file: string; path: string } {
    const file = `upload-${randomBytes(4).toString('hex')}-${this.#count++}`;
    return { file, path: join(this.dir, file) };
  }

  async discard(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Not to be guessed: knowing it is what lets a client see the job. */
function newJobId(): string {
  return `j${randomBytes(16).toString('hex')}`;
}

/** New names of a folder are on disk only after this (fsync(2)). */
async function syncFolder(dir: string): Promise<void> {
  const descriptor = openSync(dir, 'r');
  try {
    await new Promise<void>((resolve, reject) => fsync(descriptor, (error) => (error ? reject(error) : resolve())));
  } finally {
    closeSync(descriptor);
  }
}

/** What a failed write means to the client: a full disk is its business (try later), anything else is ours. */
export function refuseForDisk(thrown: unknown): never {
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    throw new OtfError('OTF_DISK_FULL', kDiskFull);
  }
  if (isShortage(thrown)) throw shortage(thrown);
  throw new OtfError('OTF_INTERNAL', `the server cannot write its files: ${systemReason(thrown)}`, { cause: thrown });
}
