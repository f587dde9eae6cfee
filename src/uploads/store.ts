/**
 * Files that clients have sent and no job is made of yet, under ids that are not to be guessed.
 *
 *     data_dir/uploads/<id>/file          the bytes as they came
 *     data_dir/uploads/<id>/upload.json   what is known of them: written first, and the folder is renamed whole into its place
 *
 * They survive a restart. A job links the file into its own folder: what becomes of the upload is nothing to it.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { writeFileAtomically } from '../io/write.js';
import { type Asker, accessible } from '../jobs/access.js';
import { refuseForDisk, type Spool, syncFolder } from '../jobs/folders.js';
import { ownerKey } from '../jobs/job.js';
import { RetryLater } from '../jobs/retry.js';
import type { UploadedFile } from '../tasks/files.js';

export interface KeptUpload {
  id: string;
  owner: string | null;
  remote: string;
  /** Milliseconds since 1970. */
  createdMs: number;
  expiresMs: number;
  /** `file`: its name in the upload's folder. */
  upload: UploadedFile;
}

export interface UploadsOptions {
  config: Pick<Config, 'storage' | 'uploads'>;
  log: Logger;
  /** Throws OTF_DISK_FULL when so many bytes more cannot be kept. */
  assertBytes: (bytes: number) => void;
  /** One is gone. */
  gone: (id: string) => void;
}

const kRecord = 'upload.json';
const kVersion = 1;
const kSweepMs = 10_000;
const kRetryS = 60;
const kMb = 2 ** 20;

export class KeptUploads {
  readonly #options: UploadsOptions;
  readonly #dir: string;
  readonly #known = new Map<string, KeptUpload>();
  /** Being received, by owner: count and bytes as announced. */
  readonly #underWay = new Map<string, { count: number; bytes: number }>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#dir = join(options.config.storage.data_dir, 'uploads');
    mkdirSync(this.#dir, { recursive: true });
  }

  /** What an earlier run has kept, and the rest removed. */
  async open(): Promise<void> {
    for (const id of await readdir(this.#dir)) {
      const kept = await this.#read(id);
      if (kept === 'unknown') continue;
      if (kept && kept.expiresMs > Date.now()) this.#known.set(id, kept);
      else await this.#remove(id);
    }
    this.#sweeper = setInterval(() => {
      this.#sweep().catch((thrown) => this.#options.log.error({ err: thrown }, 'uploads that have expired'));
    }, kSweepMs);
    this.#sweeper.unref();
  }

  close(): void {
    clearInterval(this.#sweeper);
  }

  get count(): number {
    return this.#known.size;
  }

  /** With what is being received. */
  get bytes(): number {
    let bytes = 0;
    for (const announced of this.#underWay.values()) bytes += announced.bytes;
    for (const { upload } of this.#known.values()) bytes += upload.size;
    return bytes;
  }

  /** `bytes` as announced, if it was. Counted until the result is called (again: nothing). Throws OTF_QUEUE_FULL, OTF_DISK_FULL. */
  admit(who: Asker, bytes = 0): () => void {
    const owner = ownerKey(who);
    this.#assertShare(owner, bytes);
    this.#options.assertBytes(bytes);
    const by = (sign: 1 | -1) => {
      const sum = this.#underWay.get(owner) ?? { count: 0, bytes: 0 };
      if (sum.count + sign === 0) this.#underWay.delete(owner);
      else this.#underWay.set(owner, { count: sum.count + sign, bytes: sum.bytes + sign * bytes });
    };
    by(1);
    let settled = false;
    return () => {
      if (!settled) by(-1);
      settled = true;
    };
  }

  /**
   * The spool's only file becomes an upload, on disk when this resolves. `admitted`: what admit() gave for it. The spool is
   * its maker's to discard when this throws: OTF_QUEUE_FULL, OTF_DISK_FULL, OTF_INTERNAL.
   */
  async keep(spool: Spool, upload: UploadedFile, who: Asker, admitted: () => void): Promise<KeptUpload> {
    // Now its size is known.
    admitted();
    const settled = this.admit(who, upload.size);
    try {
      return await this.#keep(spool, upload, who);
    } finally {
      settled();
    }
  }

  async #keep(spool: Spool, upload: UploadedFile, { owner, remote }: Asker): Promise<KeptUpload> {
    const createdMs = Date.now();
    const expiresMs = createdMs + this.#options.config.uploads.expire_s * 1000;
    const kept = { id: `u${randomBytes(16).toString('hex')}`, owner, remote, createdMs, expiresMs, upload };
    try {
      await writeFileAtomically(join(spool.dir, kRecord), [JSON.stringify({ version: kVersion, ...kept })]);
      await syncFolder(spool.dir);
      await rename(spool.dir, join(this.#dir, kept.id));
      await syncFolder(this.#dir);
    } catch (thrown) {
      await this.#remove(kept.id);
      refuseForDisk(thrown);
    }
    this.#known.set(kept.id, kept);
    return kept;
  }

  /** Throws OTF_NOT_FOUND. */
  get(id: string, who: Asker): KeptUpload {
    const kept = this.#known.get(id);
    return accessible(kept && kept.expiresMs > Date.now() ? kept : undefined, who, 'upload');
  }

  path({ id, upload }: KeptUpload): string {
    return join(this.#dir, id, upload.file);
  }

  async delete(id: string, who: Asker): Promise<void> {
    await this.#drop(this.get(id, who).id);
  }

  #assertShare(owner: string, bytes: number): void {
    const { most, per_owner, owner_mb } = this.#options.config.uploads;
    if (this.#known.size >= most) {
      throw new RetryLater('OTF_QUEUE_FULL', `${most} uploads are kept, the most there may be`, kRetryS);
    }
    let { count, bytes: sum } = this.#underWay.get(owner) ?? { count: 0, bytes: 0 };
    for (const kept of this.#known.values()) {
      if (ownerKey(kept) !== owner) continue;
      count++;
      sum += kept.upload.size;
    }
    const full = (what: string) =>
      new RetryLater(
        'OTF_QUEUE_FULL',
        `${what}, the most one may have: delete one, or wait until one expires`,
        kRetryS,
      );
    if (count >= per_owner) throw full(`you have ${count} uploads`);
    if (sum + bytes > owner_mb * kMb) throw full(`your uploads would have more than ${owner_mb} MB`);
  }

  async #sweep(): Promise<void> {
    const now = Date.now();
    for (const { id, expiresMs } of [...this.#known.values()]) if (expiresMs <= now) await this.#drop(id);
  }

  async #drop(id: string): Promise<void> {
    if (!this.#known.delete(id)) return;
    this.#options.gone(id);
    await this.#remove(id);
  }

  /** Of an earlier run; undefined: it is no upload, or of a later program. `unknown`: the disk does not say; it is left there. */
  async #read(id: string): Promise<KeptUpload | 'unknown' | undefined> {
    let record: string;
    try {
      record = await readFile(join(this.#dir, id, kRecord), 'utf8');
    } catch (thrown) {
      const nothing = ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String((thrown as NodeJS.ErrnoException).code));
      if (!nothing) this.#options.log.error({ err: thrown, upload: id }, 'an upload cannot be read: left where it is');
      return nothing ? undefined : 'unknown';
    }
    try {
      const { version, ...kept } = JSON.parse(record);
      if (version !== kVersion || kept.id !== id)
        throw new OtfError('OTF_INTERNAL', `its record has version ${version}`);
      return kept as KeptUpload;
    } catch (thrown) {
      this.#options.log.warn({ err: thrown, upload: id }, 'not an upload of this program: removed');
      return undefined;
    }
  }

  async #remove(id: string): Promise<void> {
    await rm(join(this.#dir, id), { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
