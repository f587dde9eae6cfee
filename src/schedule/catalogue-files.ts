/** The serialisations of a catalogue as files of a job: one is written when the job ends, the others when asked for. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { OtfError } from '../errors/catalogue.js';
import { sha256File } from '../io/checksum.js';
import type { FileKind, ResultFile } from '../jobs/job.js';
import { type FormatName, kFormats } from '../results/formats.js';
import type { RunRecord } from '../results/run-record.js';
import { resultText, writeResult } from '../results/serialise.js';
import type { JobFiles } from './job-files.js';

/** Everything the serialisations are made of. No result of its own: its format is this program's business. */
const kRecord: FileKind = { id: 'record', file: 'catalogue.record', mime: 'application/octet-stream' };

/** What lies in the file. Program 0.1.0 wrote the bare record: version 1. */
interface Stored {
  version: number;
  record: unknown;
}

/**
 * Step n brings a record of version n + 1 to n + 2. One is needed when a serialiser reads what older records do not have;
 * test/fixtures/data-0.1.0 has one of version 1, and a test writes it in every format.
 */
const kUpgrades: readonly ((record: unknown) => unknown)[] = [];
const kVersion = kUpgrades.length + 1;

function pack(record: RunRecord): Buffer {
  return serialize({ version: kVersion, record } satisfies Stored);
}

/** Throws OTF_INTERNAL for a record of a later program. */
function unpack(bytes: Buffer): RunRecord {
  const stored = deserialize(bytes) as Stored | RunRecord;
  const { version, record } = 'version' in stored ? stored : { version: 1, record: stored };
  if (version > kVersion) {
    throw new OtfError('OTF_INTERNAL', `a catalogue record has version ${version}, this program knows ${kVersion}`);
  }
  return kUpgrades.slice(version - 1).reduce((now, step) => step(now), record) as RunRecord;
}

function catalogueKind(id: string, format: FormatName): FileKind {
  const { extension, mediaType } = kFormats[format];
  // Those that share an extension differ in what follows `votable`.
  const stem = `catalogue${/^votable(-.*)$/.exec(format)?.[1] ?? ''}`;
  return { id, file: `${stem}.${extension}`, mime: mediaType, format };
}

/** The catalogue in `format` with the id `result`, and the record the other formats are made of. */
export async function writeCatalogue(files: JobFiles, record: RunRecord, format: FormatName): Promise<ResultFile> {
  // Node's documentation of `v8`: the format is backward compatible, safe to store to disk.
  files.write(kRecord, [pack(record)]);
  const kind = catalogueKind('result', format);
  const text = resultText(record, format);
  if (text) return files.write(kind, text);
  const made = `${kind.file}.new`;
  await writeResult(record, format, files.path(made));
  return files.adopt(made, kind);
}

/** Another serialisation of a finished job's catalogue. Throws OTF_NOT_FOUND when the job has no record. */
export async function writeRepresentation(dir: string, format: FormatName): Promise<ResultFile> {
  const bytes = await readFile(join(dir, kRecord.file)).catch((thrown) => {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
    throw new OtfError('OTF_NOT_FOUND', `the job has no catalogue that could be given as ${format}`);
  });
  const kind = catalogueKind(format, format);
  const path = join(dir, kind.file);
  // Under its name at once and whole: somebody may be reading what an earlier run of the server wrote.
  await writeResult(unpack(bytes), format, path);
  return { ...kind, size: (await stat(path)).size, sha256: await sha256File(path) };
}
