/** The result of a job in its formats, as files: one is written when the job ends, the others when asked for. */
import { createHash, randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import { OtfError } from '../errors/catalogue.js';
import { sha256File } from '../io/checksum.js';
import type { Folder } from '../io/folder.js';
import type { RowFilter } from '../results/filter.js';
import { isTableFormat, kTableFormats, type TableFormat } from '../results/formats.js';
import { writeContent } from '../results/serialise.js';
import { type FileKind, kFilteredFile, type ResultFile } from './files.js';
import type { JobFiles } from './job-files.js';
import type { TaskKind } from './kind.js';
import { workOf } from './registry.js';
import type { TaskWork } from './work.js';

/** Everything the formats are made of. No result of its own: its form is this program's business. */
const kRecord: FileKind = { id: 'record', file: 'catalogue.record', mime: 'application/octet-stream' };

/** What lies in the file. Program 0.1.0 wrote the bare record: version 1. */
interface Stored {
  version: number;
  record: unknown;
}

/** Behind the record, where programs that know nothing of it do not look; then the SHA-256 of what is before it. */
const kSeal = Buffer.from('\notf-sha256\n');
const kDigestBytes = 32;

function digestOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** In pieces: a record can be large. */
function pack(record: unknown, { upgrades }: TaskWork): Buffer[] {
  const bytes = serialize({ version: upgrades.length + 1, record } satisfies Stored);
  return [bytes, kSeal, digestOf(bytes)];
}

/** Throws OTF_FILE_DAMAGED. */
function unsealed(bytes: Buffer): Buffer {
  const end = bytes.length - kSeal.length - kDigestBytes;
  // Earlier programs wrote none.
  if (end < 0 || !bytes.subarray(end, end + kSeal.length).equals(kSeal)) return bytes;
  const record = bytes.subarray(0, end);
  if (digestOf(record).equals(bytes.subarray(-kDigestBytes))) return record;
  throw damagedRecord();
}

function damagedRecord(cause?: unknown): OtfError {
  const what = `${kRecord.file} is not what was written: the disk has lost some of it; submit the job again`;
  return new OtfError('OTF_FILE_DAMAGED', what, { cause });
}

function restored(bytes: Buffer): Stored | object {
  const record = unsealed(bytes);
  try {
    return deserialize(record) as Stored | object;
  } catch (thrown) {
    throw damagedRecord(thrown);
  }
}

/** Throws OTF_FILE_DAMAGED; OTF_INTERNAL for a record of a later program. */
function unpack(bytes: Buffer, { upgrades }: TaskWork): unknown {
  const stored = restored(bytes);
  const { version, record } = 'version' in stored ? stored : { version: 1, record: stored };
  const known = upgrades.length + 1;
  if (version > known) {
    throw new OtfError('OTF_INTERNAL', `a result's record has version ${version}, this program knows ${known}`);
  }
  return upgrades.slice(version - 1).reduce((now, step) => step(now), record);
}

function fileKind(id: string, format: string, { formats, result }: TaskKind): FileKind {
  const known = formats[format];
  if (!known) throw new OtfError('OTF_NOT_FOUND', `there is no ${result.title} as ${format}`);
  // Those that share an extension differ in what follows `votable`.
  const stem = `catalogue${/^votable(-.*)$/.exec(format)?.[1] ?? ''}`;
  return { id, file: `${stem}.${known.extension}`, mime: known.mediaType, format };
}

/** The result in `format` with the id `result`, and the record the other formats are made of. */
export async function writeResult(
  files: JobFiles,
  record: unknown,
  format: string,
  kind: TaskKind,
): Promise<ResultFile> {
  const work = await workOf(kind.name);
  // Node's documentation of `v8`: the format is backward compatible, safe to store to disk.
  files.write(kRecord, pack(record, work));
  const written = fileKind('result', format, kind);
  const content = work.content(record, format);
  if ('pieces' in content) return files.write(written, content.pieces);
  const made = `${written.file}.new`;
  await content.writeTo(files.path(made));
  return files.adopt(made, written);
}

interface Part {
  name: string;
  format: TableFormat;
}

/** What stands for a part of a result where a format is asked for. */
export function partFormat({ name, format }: Part): string {
  return `part:${format}:${name}`;
}

function partNamed(asked: string): Part | undefined {
  const [, format = '', name = ''] = /^part:([^:]*):(.*)$/s.exec(asked) ?? [];
  return isTableFormat(format) ? { name, format } : undefined;
}

/** Names are anybody's, and no file's. */
function partKind({ name, format }: Part): FileKind {
  const { extension, mediaType } = kTableFormats[format];
  const digest = createHash('sha256').update(`${format} ${name}`).digest('hex').slice(0, 32);
  return { id: 'part', file: `part-${digest}.${extension}`, mime: mediaType };
}

/**
 * Another format of a finished job's result, or a part of a result; with a filter, some of its rows, under a name of their own that
 * whoever asked removes. Throws OTF_NOT_FOUND when the job has no record.
 */
export async function writeRepresentation(
  folder: Folder,
  format: string,
  kind: TaskKind,
  filter?: RowFilter,
): Promise<ResultFile> {
  const bytes = await folder.read(kRecord.file);
  if (!bytes) throw new OtfError('OTF_NOT_FOUND', `the job has no result that could be given as ${format}`);
  const work = await workOf(kind.name);
  const record = unpack(bytes, work);
  const part = partNamed(format);
  const whole = part ? partKind(part) : fileKind(format, format, kind);
  const written = filter
    ? { ...whole, file: `${kFilteredFile}${randomBytes(8).toString('hex')}-${whole.file}` }
    : whole;
  const content = part ? work.part?.(record, part.name, part.format) : work.content(record, format, filter);
  if (!content) throw new OtfError('OTF_NOT_FOUND', 'the result has no such part');
  const path = folder.path(written.file);
  // Under its name at once and whole: somebody may be reading what an earlier run of the server wrote.
  await writeContent(content, path);
  return { ...written, size: (await stat(path)).size, sha256: await sha256File(path) };
}
