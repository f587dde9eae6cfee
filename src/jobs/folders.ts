/**
 * Files of jobs: `data_dir/spool/<upload>/` while a request is still arriving, `data_dir/jobs/<id>/` once it is accepted.
 * A folder moves from one to the other by a rename, synced before the row is committed: a row without its files cannot be.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError, systemReason } from '../errors/catalogue.js';

const kDiskFull = 'the server cannot take this now: its disk is full; try again later';

export class JobFolders {
  readonly #jobs: string;
  readonly #spool: string;

  constructor(dataDir: string) {
    this.#jobs = join(dataDir, 'jobs');
    this.#spool = join(dataDir, 'spool');
  }

  /** At start: makes the folders, removes leftovers of uploads and folders of jobs nobody was told of. */
  prepare(isKnown: (jobId: string) => boolean): void {
    rmSync(this.#spool, { recursive: true, force: true });
    mkdirSync(this.#spool, { recursive: true });
    mkdirSync(this.#jobs, { recursive: true });
    for (const name of readdirSync(this.#jobs)) {
      if (!isKnown(name)) rmSync(join(this.#jobs, name), { recursive: true, force: true });
    }
  }

  jobDir(jobId: string): string {
    return join(this.#jobs, jobId);
  }

  /** A fresh folder for the files of one request. */
  async newSpool(): Promise<Spool> {
    const dir = join(this.#spool, randomBytes(12).toString('hex'));
    await mkdir(dir).catch(refuseForDisk);
    return new Spool(dir);
  }

  /** Throws OTF_DISK_FULL when less than `bytes` are free. */
  async assertRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#jobs);
    if (bavail * bsize < bytes) throw new OtfError('OTF_DISK_FULL', kDiskFull);
  }

  /** The folder of a new job, with the spooled files if there are any. */
  async adopt(jobId: string, spool: Spool | undefined): Promise<void> {
    try {
      if (spool) {
        await syncFolder(spool.dir);
        await rename(spool.dir, this.jobDir(jobId));
        spool.dir = this.jobDir(jobId);
      } else {
        await mkdir(this.jobDir(jobId));
      }
      await syncFolder(this.#jobs);
    } catch (thrown) {
      refuseForDisk(thrown);
    }
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
  dir: string;
  #count = 0;

  constructor(dir: string) {
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

/** New names of a folder are on disk only after this (fsync(2)). */
async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What a failed write means to the client: a full disk is its business (try later), anything else is ours. */
export function refuseForDisk(thrown: unknown): never {
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    throw new OtfError('OTF_DISK_FULL', kDiskFull);
  }
  throw new OtfError('OTF_INTERNAL', `the server cannot write its files: ${systemReason(thrown)}`, { cause: thrown });
}
