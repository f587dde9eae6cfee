/** The end of a task of a job, in a worker thread: its result, log and provenance, on disk when this returns. */
import { basename } from 'node:path';
import { publicText } from '../errors/public-text.js';
import { folderAt } from '../io/folder.js';
import type { ResultFile } from './files.js';
import { JobFiles } from './job-files.js';
import type { TaskKind } from './kind.js';
import { kLogFile, logLine, logText } from './log.js';
import { provenanceTexts } from './provenance-files.js';
import { kindNamed, workOf } from './registry.js';
import { writeResult } from './table-files.js';
import { type Finished, type FinishRequest, type Found, kRawKind } from './work.js';

/** The other workers and the engine have the rest of the machine. */
const kThreads = 1;

/** Throws OTF_OUTPUT_UNWRITABLE, and leaves nothing it has written. */
export async function finish(request: FinishRequest): Promise<Finished> {
  const kind = kindNamed(request.kind);
  const work = await workOf(kind.name);
  const { job, baseUrl } = request.closing;
  const own = { jobId: job.id, jobUrl: `${baseUrl}/jobs/${job.id}`, threads: kThreads };
  const found = await work.finish({ ...request, ...own });
  const files = new JobFiles(folderAt(request.folder));
  try {
    const results = await writeAll(files, found, kind, request);
    files.sync();
    const { endedMs, count, summary, warnings } = found;
    return { results, written: files.written, endedMs, count, summary, warnings };
  } catch (thrown) {
    await files.remove();
    throw thrown;
  }
}

async function writeAll(files: JobFiles, found: Found, kind: TaskKind, request: FinishRequest): Promise<ResultFile[]> {
  const { closing, raw, card, inputs, weightsBytes, engine, batch } = request;
  const [first = ''] = Object.keys(kind.formats);
  const asked = closing.job.parameters.responseFormat;
  const format = asked !== undefined && Object.hasOwn(kind.formats, asked) ? asked : first;
  const made = [await writeResult(files, found.record, format, kind)];
  for (const { id, file, mime, ...how } of found.files ?? []) {
    const written = { id, file, mime };
    made.push('pieces' in how ? files.write(written, how.pieces) : files.adopt(how.temporary, written));
  }
  if (raw) made.push(files.adopt(raw.temporary, { ...kRawKind, file: raw.file }));
  made.push(files.write(kLogFile, [logText(logLines(found, closing.log))]));
  const { endedMs, asked: wishes, parameters, aboutInputs } = found;
  const provenance = provenanceTexts({
    kind,
    job: closing.job,
    baseUrl: closing.baseUrl,
    endedMs,
    results: made,
    facts: {
      inputs,
      aboutInputs,
      weights: { name: basename(card.weightsPath), sha256: card.sha256, size: weightsBytes },
      description: { id: card.id, title: card.title },
      engine: engine && { name: engine.engine, version: engine.version, device: engine.device },
      asked: wishes,
      parameters,
      batch: { ...batch, endedMs },
    },
  });
  return [...made, ...provenance.map(([file, text]) => files.write(file, [text]))];
}

function logLines({ warnings, summary }: Found, before: readonly string[]): string[] {
  return [...before, ...warnings.map((warning) => logLine('warn', publicText(warning))), logLine('info', summary)];
}
