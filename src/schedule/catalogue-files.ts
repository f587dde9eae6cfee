/** The serialisations of a catalogue as files of a job: one is written when the job ends, the others when asked for. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { OtfError } from '../errors/catalogue.js';
import type { FileKind, ResultFile } from '../jobs/job.js';
import { sha256File } from '../models/checksum.js';
import { type FormatName, kFormats } from '../results/formats.js';
import type { RunRecord } from '../results/run-record.js';
import { resultText, writeResult } from '../results/serialise.js';
import type { JobFiles } from './job-files.js';

/** Everything the serialisations are made of. No result of its own: its format is this program's business. */
const kRecord: FileKind = { id: 'record', file: 'catalogue.record', mime: 'application/octet-stream' };

function catalogueKind(id: string, format: FormatName): FileKind {
  const { extension, mediaType } = kFormats[format];
  // Those that share an extension differ in what follows `votable`.
  const stem = `catalogue${/^votable(-.*)$/.exec(format)?.[1] ?? ''}`;
  return { id, file: `${stem}.${extension}`, mime: mediaType, format };
}

/** The catalogue in `format` with the id `result`, and the record the other formats are made of. */
export async function writeCatalogue(files: JobFiles, record: RunRecord, format: FormatName): Promise<ResultFile> {
  // Node's documentation of `v8`: the format is backward compatible, safe to store to disk.
  files.write(kRecord, [serialize(record)]);
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
  await writeResult(deserialize(bytes) as RunRecord, format, path);
  return { ...kind, size: (await stat(path)).size, sha256: await sha256File(path) };
}
