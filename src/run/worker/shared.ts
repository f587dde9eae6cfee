/**
 * The server's data folder, where this machine sees it (a shared file system): inputs are read there, results are linked
 * into their job's folder there, and nothing of a job goes over HTTP. That it is the server's is known by a secret in it.
 */
import { constants } from 'node:fs';
import { access, copyFile, link, open, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError, systemReason } from '../../errors/catalogue.js';
import { partName, readWorkSecret, shareMark } from '../remote/attempts.js';

/** Where workers have what they are at: on the same file system, so that nothing is copied. */
const kOwnFolder = 'workers';

export class Shared {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** `mark`: as the server says it. Throws OTF_CONFIG_INVALID. */
  static async open(dir: string, mark: string): Promise<Shared> {
    const wrong = (why: string) => new OtfError('OTF_CONFIG_INVALID', `workers.shared_dir: ${dir} ${why}`);
    let found: string;
    try {
      found = shareMark(readWorkSecret(dir));
      await access(join(dir, 'jobs'), constants.W_OK);
    } catch (thrown) {
      throw wrong(`is not the data folder of the server, or not to be written: ${systemReason(thrown)}`);
    }
    if (found !== mark) throw wrong('is the data folder of another server');
    return new Shared(dir);
  }

  /** For folders of workers. */
  get workersFolder(): string {
    return join(this.#dir, kOwnFolder);
  }

  /** An input of a job, under another name. Throws OTF_SHORTAGE: it may be there for another worker, or the job is gone. */
  async take(jobId: string, file: string, size: number | undefined, to: string): Promise<void> {
    const path = join(this.#dir, 'jobs', jobId, file);
    const found = await stat(path).catch((thrown) => {
      throw new OtfError(
        'OTF_SHORTAGE',
        `an input is not to be had from the shared file system: ${systemReason(thrown)}`,
      );
    });
    if (size !== undefined && found.size !== size) {
      throw new OtfError('OTF_SHORTAGE', `an input has ${found.size} of ${size} bytes on the shared file system`);
    }
    await symlink(path, to);
  }

  /** A file that a run has left, and that is on disk, for the server to look at. Throws OTF_OUTPUT_UNWRITABLE. */
  async bring(jobId: string, attempt: string, file: string, from: string): Promise<void> {
    const folder = join(this.#dir, 'jobs', jobId);
    const to = join(folder, partName(attempt, file));
    try {
      await link(from, to).catch(async (thrown) => {
        const { code } = thrown as NodeJS.ErrnoException;
        // Brought before, and asked for again.
        if (code === 'EEXIST') return;
        // A file system without second names.
        if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK') throw thrown;
        await copyFile(from, to);
        await synced(to);
      });
      await synced(folder);
    } catch (thrown) {
      throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot bring ${file}: ${systemReason(thrown)}`, { cause: thrown });
    }
  }
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
