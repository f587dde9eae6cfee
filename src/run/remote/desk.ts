/** The desk of the workers: src/jobs/work-desk.ts. What they bring lies beside a job's files under names of the attempt until it counts. */
import { readdirSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { OtfError, systemReason } from '../../errors/catalogue.js';
import { sha256File } from '../../io/checksum.js';
import type { Folder } from '../../io/folder.js';
import { writeSynced } from '../../io/write.js';
import { refuseForDisk, syncFolder } from '../../jobs/folders.js';
import { isActive, type Job, uploads } from '../../jobs/job.js';
import { seals } from '../../jobs/sealed.js';
import { type CameFile, type ServedFile, tooLargeResult, type WorkDesk } from '../../jobs/work-desk.js';
import type { ModelCard } from '../../models/card.js';
import { type Attempts, isPart, partName } from './attempts.js';
import { type CameFiles, filesIn, kMostBodyBytes, unpacked } from './bundle.js';
import { type EndAnswer, type EndReport, kEndSchema, kFileName, type SentFile } from './messages.js';

export interface DeskParts {
  attempts: Attempts;
  cards: readonly ModelCard[];
  terms: () => unknown;
  /** undefined = there is none. */
  job: (jobId: string) => Job | undefined;
  folder: (jobId: string) => Folder;
  /** No other attempt at the job is under way. */
  counts: (jobId: string, attempt: string) => boolean;
  /** What comes of the end of a run. */
  ended: (report: EndReport, files: CameFiles) => Promise<EndAnswer>;
  /** Of a file. */
  mostFileMb: number;
  /** Throws OTF_DISK_FULL. */
  assertRoom: () => void;
}

export class Desk implements WorkDesk {
  readonly mostEndBytes = kMostBodyBytes;
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  terms(): unknown {
    return this.#parts.terms();
  }

  weights(modelId: string): ServedFile {
    const card = this.#parts.cards.find(({ id }) => id === modelId);
    if (!card) throw new OtfError('OTF_NOT_FOUND', 'no such model');
    return { path: card.weightsPath, sha256: card.sha256 };
  }

  input(jobId: string, attempt: string, file: string): ServedFile {
    const job = this.#jobOf(jobId, attempt);
    const { inputs } = job.parameters;
    const upload = uploads(job.parameters).find((each) => each.file === file);
    if (!upload && !seals(inputs).includes(file)) throw new OtfError('OTF_NOT_FOUND', 'the job has no such input');
    return { path: this.#parts.folder(jobId).path(file), sha256: upload?.sha256 };
  }

  assertExpected(jobId: string, attempt: string, file: string): void {
    assertNew(this.#jobOf(jobId, attempt).parameters, file);
  }

  async bring(jobId: string, attempt: string, file: string, sha256: string, came: CameFile): Promise<void> {
    this.assertExpected(jobId, attempt, file);
    if (came.sha256 !== sha256) {
      throw new OtfError(
        'OTF_IMAGE_CHECKSUM',
        `${file} has come with another sha256 than it was sent with: send it again`,
      );
    }
    try {
      await rename(came.path, this.#parts.folder(jobId).path(partName(attempt, file)));
    } catch (thrown) {
      throw new OtfError('OTF_INTERNAL', `cannot keep ${file}: ${systemReason(thrown)}`, { cause: thrown });
    }
  }

  async end(jobId: string, body: Buffer): Promise<EndAnswer> {
    const { report, files } = endIn(body, jobId);
    const { ended, mostFileMb } = this.#parts;
    // An attempt that does not count is told so, whatever it has brought.
    const job = this.#find(jobId, report.attempt);
    if (job) {
      for (const { file, size } of files.keys()) {
        assertNew(job.parameters, file);
        if (size > mostFileMb * 2 ** 20) throw tooLargeResult(file, mostFileMb);
      }
    }
    return ended(report, files);
  }

  /** Of files that were sent, those that are not here as they were. Throws OTF_BAD_REQUEST for what no run leaves. */
  async missing({ id: jobId, parameters }: Job, attempt: string, files: readonly SentFile[]): Promise<string[]> {
    for (const { file } of files) assertNew(parameters, file);
    const folder = this.#parts.folder(jobId);
    const missing: string[] = [];
    for (const { file, size, sha256 } of files) {
      const path = folder.path(partName(attempt, file));
      const found = await stat(path).catch(() => undefined);
      if (found?.size !== size || (await sha256File(path)) !== sha256) missing.push(file);
    }
    return missing;
  }

  /** They become files of the job, and are on disk; what other attempts have brought goes. Throws OTF_INTERNAL, OTF_DISK_FULL. */
  async take(jobId: string, attempt: string, files: readonly SentFile[]): Promise<void> {
    const folder = this.#parts.folder(jobId);
    try {
      for (const { file } of files) await rename(folder.path(partName(attempt, file)), folder.path(file));
      await syncFolder(folder.path(''));
    } catch (thrown) {
      refuseForDisk(thrown);
    }
    await this.#clear(folder);
  }

  /** Of what other attempts have brought. Its names have just been written: no disk is waited for. */
  async #clear(folder: Folder): Promise<void> {
    const parts = readdirSync(folder.path('')).filter(isPart);
    if (parts.length > 0) await folder.remove(parts);
  }

  /** They are files of the job, and on disk. Nobody reads them before the row names them. Throws as take. */
  async keep(jobId: string, files: CameFiles): Promise<void> {
    const { folder: find, assertRoom } = this.#parts;
    const folder = find(jobId);
    assertRoom();
    try {
      // All have their names when the first of them is waited for.
      const written = [...files].map(([{ file }, bytes]) => writeSynced(folder.path(file), bytes));
      await Promise.all([...written, syncFolder(folder.path(''))]);
    } catch (thrown) {
      refuseForDisk(thrown);
    }
    await this.#clear(folder);
  }

  /** What such an attempt has brought is of no use. */
  async discard(jobId: string, attempt: string, files: readonly SentFile[]): Promise<void> {
    await this.#parts.folder(jobId).remove(files.map(({ file }) => partName(attempt, file)));
  }

  #jobOf(jobId: string, attempt: string): Job {
    const job = this.#find(jobId, attempt);
    if (!job) throw new OtfError('OTF_NOT_FOUND', 'no such job, or it is not yours any more');
    return job;
  }

  /** Undefined: there is none, or the attempt at it counts no more. */
  #find(jobId: string, attempt: string): Job | undefined {
    const { attempts, counts, job: find } = this.#parts;
    const job = attempts.isOf(jobId, attempt) ? find(jobId) : undefined;
    return job && isActive(job.phase) && counts(jobId, attempt) ? job : undefined;
  }
}

/** Is it a name that a run of the job may leave? Throws OTF_BAD_REQUEST. */
function assertNew(parameters: Job['parameters'], file: string): void {
  const known = [...uploads(parameters).map((each) => each.file), ...seals(parameters.inputs)];
  if (!kFileName.test(file) || known.includes(file)) {
    throw new OtfError('OTF_BAD_REQUEST', `no run leaves a file of the name ${JSON.stringify(file.slice(0, 100))}`);
  }
}

/** Throws OTF_BAD_REQUEST. */
function endIn(body: Buffer, jobId: string): { report: EndReport; files: CameFiles } {
  try {
    const { report: said, rest } = unpacked(body);
    const report = kEndSchema.parse(said);
    if (report.job !== jobId || report.end.how !== 'completed') throw new Error(`it is no end of ${jobId} with files`);
    return { report, files: filesIn(rest, report.end.files) };
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new OtfError('OTF_BAD_REQUEST', `how the run has ended is not understood: ${why.slice(0, 200)}`);
  }
}
