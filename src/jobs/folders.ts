/**
 * Files of jobs.
 *
 *     data_dir/jobs/.<run>-<id>/   what this run of the program is receiving, under an id nobody has been told
 *     data_dir/jobs/<id>/      of a job: renamed whole and synced before its row is committed
 *     data_dir/trash/<id>.<n>/ of a job that is being deleted: moved away whole, whoever still reads or writes there
 *     data_dir/orphans/<ms>-<id>/  found at a start without a row: a crash between two steps, or a database that was lost
 *
 * So a row without its files cannot be, and a name in jobs/ is there or is not.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsync, mkdirSync, openSync, statfsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isShortage, OtfError, shortage, systemCode, systemReason } from '../errors/catalogue.js';
import { isReadOnly } from '../io/read-only.js';

const kDiskFull = 'the server cannot take this now: its disk is full; try again later';
const kReadOnly = 'the server cannot take this now: its disk is read-only; try again later';
const kFolders = ['jobs', 'trash', 'orphans'] as const;
/** Somebody writing into a folder that is being removed makes rm(1) fail: it is tried again (ms between). */
const kRemoval = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 } as const;

/** Where files of requests are received, for whoever reads requests. */
export interface Uploads {
  /** A fresh folder for the files of one request. Throws OTF_DISK_FULL, OTF_INTERNAL. */
  newSpool(): Spool;
  /**
   * An upload of this size begins; the result is told of each piece that has come, and at the end of the rest. Throws
   * OTF_DISK_FULL when there is no room for it.
   */
  announce(bytes: number): (arrived?: number) => void;
  /** For `bytes` more, beside what uploads under way have announced. Throws OTF_DISK_FULL, OTF_DISK_READ_ONLY. */
  assertRoom(bytes?: number): void;
  /** Nothing can be written at the moment. */
  readonly readOnly: boolean;
}

export class JobFolders implements Uploads {
  readonly #dirs: Record<(typeof kFolders)[number], string>;
  readonly #reserveBytes: number;
  /** Moved to jobs/, row not committed yet. */
  readonly #fresh = new Set<string>();
  /** Of uploads under way: announced and not yet written. */
  #announcedBytes = 0;
  /** To be removed once the disk can be written to again. */
  readonly #left = new Set<string>();
  readonly #run = `.${randomBytes(4).toString('hex')}-`;
  #count = 0;

  /** Less than `reserveBytes` free is full. */
  constructor(dataDir: string, reserveBytes: number) {
    this.#reserveBytes = reserveBytes;
    const [jobs, trash, orphans] = kFolders.map((name) => join(dataDir, name)) as [string, string, string];
    this.#dirs = { jobs, trash, orphans };
    for (const dir of Object.values(this.#dirs)) mkdirSync(dir, { recursive: true });
  }

  get jobsDir(): string {
    return this.#dirs.jobs;
  }

  get orphansDir(): string {
    return this.#dirs.orphans;
  }

  jobDir(jobId: string): string {
    return join(this.#dirs.jobs, jobId);
  }

  /** What a name in jobs/ is: `ours` belongs to this run, `upload` is what an earlier one was receiving. */
  kindOf(name: string): 'ours' | 'upload' | 'job' {
    if (this.#fresh.has(name) || name.startsWith(this.#run)) return 'ours';
    return name.startsWith('.') ? 'upload' : 'job';
  }

  newSpool(): Spool {
    const jobId = newJobId();
    const dir = join(this.#dirs.jobs, `${this.#run}${jobId}`);
    try {
      mkdirSync(dir);
    } catch (thrown) {
      refuseForDisk(thrown);
    }
    return new Spool(jobId, dir, this);
  }

  assertRoom(bytes = 0): void {
    this.#assertFree(this.#reserveBytes + this.#announcedBytes + bytes);
  }

  /** Throws OTF_DISK_FULL, OTF_DISK_READ_ONLY. */
  assertReserve(): void {
    this.#assertFree(this.#reserveBytes);
  }

  get readOnly(): boolean {
    return isReadOnly(this.#dirs.jobs);
  }

  #assertFree(bytes: number): void {
    if (this.readOnly) throw new OtfError('OTF_DISK_READ_ONLY', kReadOnly);
    const { bavail, bsize } = statfsSync(this.#dirs.jobs);
    if (bavail * bsize < bytes) throw new OtfError('OTF_DISK_FULL', kDiskFull);
  }

  announce(bytes: number): (arrived?: number) => void {
    if (bytes > 0) this.assertRoom(bytes);
    let left = bytes;
    this.#announcedBytes += left;
    return (arrived = left) => {
      const less = Math.min(left, arrived);
      left -= less;
      this.#announcedBytes -= less;
    };
  }

  /**
   * The id of a new job whose folder, with the spooled files if there are any, is on disk. Its maker calls settle(id)
   * once the row is committed, or remove(id).
   */
  async adopt(spool: Spool | undefined): Promise<string> {
    const { jobId, dir } = spool ?? this.newSpool();
    this.#fresh.add(jobId);
    try {
      await rename(dir, this.jobDir(jobId));
    } catch (thrown) {
      // Whatever is there under its name is not its own.
      this.#fresh.delete(jobId);
      await this.removeFolder(dir);
      refuseForDisk(thrown);
    }
    try {
      await Promise.all([syncFolder(this.jobDir(jobId)), syncFolder(this.#dirs.jobs)]);
    } catch (thrown) {
      await this.remove(jobId);
      refuseForDisk(thrown);
    }
    return jobId;
  }

  settle(jobId: string): void {
    this.#fresh.delete(jobId);
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

  /** Out of the way in one step, before the row goes. Nothing is removed yet. */
  async setAside(jobId: string): Promise<SetAside> {
    const from = this.jobDir(jobId);
    const to = join(this.#dirs.trash, `${jobId}.${Date.now().toString(36)}${this.#count++}`);
    const moved = await rename(from, to).then(
      () => true,
      (thrown) => {
        if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false;
        return refuseForDisk(thrown);
      },
    );
    return {
      putBack: async () => {
        if (moved) await rename(to, from);
      },
      remove: () => this.removeFolder(to),
    };
  }

  /** A folder nobody was told of. */
  async remove(jobId: string): Promise<void> {
    await this.removeFolder(this.jobDir(jobId));
    this.#fresh.delete(jobId);
  }

  /** One that nobody has a use for: at once, or when the disk can be written to again. */
  async removeFolder(dir: string): Promise<void> {
    try {
      await rm(dir, kRemoval);
    } catch (thrown) {
      if (systemCode(thrown) !== 'EROFS') throw thrown;
      this.#left.add(dir);
    }
  }

  /** What could not be removed while the disk was read-only. */
  async removeLeft(): Promise<void> {
    const dirs = [...this.#left];
    this.#left.clear();
    for (const dir of dirs) await this.removeFolder(dir);
  }

  async removeFile(jobId: string, file: string): Promise<void> {
    await rm(join(this.jobDir(jobId), file), { force: true });
  }

  /** Ids of jobs whose removal had begun when the program ended. */
  async leftTrash(): Promise<string[]> {
    return (await readdir(this.#dirs.trash)).map((name) => name.replace(/\.[^.]*$/, ''));
  }

  /** Everything set aside so far. */
  async emptyTrash(): Promise<void> {
    for (const name of await readdir(this.#dirs.trash)) await rm(join(this.#dirs.trash, name), kRemoval);
  }
}

export interface SetAside {
  putBack: () => Promise<void>;
  remove: () => Promise<void>;
}

/** Files of one request. Whoever made it calls discard() unless a job adopted it. */
export class Spool {
  /** Of the job it becomes when one adopts it. */
  readonly jobId: string;
  readonly dir: string;
  readonly #folders: JobFolders;
  #count = 0;

  constructor(jobId: string, dir: string, folders: JobFolders) {
    this.jobId = jobId;
    this.dir = dir;
    this.#folders = folders;
  }

  /** A name nobody outside has a say in. */
  newFile(): { file: string; path: string } {
    const file = `upload-${randomBytes(4).toString('hex')}-${this.#count++}`;
    return { file, path: join(this.dir, file) };
  }

  /** Of a file in it. */
  path(file: string): string {
    return join(this.dir, file);
  }

  /** To be asked while a file grows. Throws OTF_DISK_FULL. */
  assertReserve(): void {
    this.#folders.assertReserve();
  }

  async discard(): Promise<void> {
    await this.#folders.removeFolder(this.dir);
  }
}

/** Not to be guessed: knowing it is what lets a client see the job. */
function newJobId(): string {
  return `j${randomBytes(16).toString('hex')}`;
}

/** New names of a folder are on disk only after this (fsync(2)). */
export async function syncFolder(dir: string): Promise<void> {
  const descriptor = openSync(dir, 'r');
  try {
    await new Promise<void>((resolve, reject) => fsync(descriptor, (error) => (error ? reject(error) : resolve())));
  } finally {
    closeSync(descriptor);
  }
}

/** What a failed write means to the client: a disk that takes nothing now is its business (try later), anything else is ours. */
export function refuseForDisk(thrown: unknown): never {
  const code = systemCode(thrown);
  if (code === 'ENOSPC' || code === 'EDQUOT') throw new OtfError('OTF_DISK_FULL', kDiskFull);
  if (code === 'EROFS') throw new OtfError('OTF_DISK_READ_ONLY', kReadOnly, { cause: thrown });
  if (isShortage(thrown)) throw shortage(thrown);
  throw new OtfError('OTF_INTERNAL', `the server cannot write its files: ${systemReason(thrown)}`, { cause: thrown });
}
