/** The end of a task, in a worker thread: its catalogue, log and provenance, on disk when this returns. */
import { basename } from 'node:path';
import { addon, type DetectOutcome, type ImageSummary } from '../engine/addon.js';
import { publicText } from '../errors/public-text.js';
import type { ResultFile } from '../jobs/job.js';
import { kLogFile, logLine, logText } from '../jobs/log.js';
import { isFormatName } from '../results/formats.js';
import { makeRunRecord, type RunRecord, runFacts } from '../results/run-record.js';
import { writeCatalogue } from './catalogue-files.js';
import { JobFiles } from './job-files.js';
import { provenanceTexts, type RunFacts } from './provenance-files.js';
import type { Finished, FinishRequest } from './work.js';

const kRawMime = 'application/octet-stream';

/** Facts of the run that the provenance records have elsewhere. */
const kToldElsewhere = new Set(
  'software software_commit created job_id model model_sha256 engine device quantization input input_sha256 input_size primary_beam'.split(
    ' ',
  ),
);

/** Throws OTF_OUTPUT_UNWRITABLE, and leaves nothing it has written. */
export async function finish(request: FinishRequest): Promise<Finished> {
  const found = addon.finishTask(request.task);
  const times = { ...found.times, infer: request.inferSeconds, wall: request.wallSeconds };
  const memory = { engineBytes: request.engineBytes, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
  const { card, image, closing, origins, notes } = request;
  const seen = { ...found.image, warnings: [...notes, ...found.image.warnings] };
  const outcome: DetectOutcome = { ...found, image: seen, times, memory, engine: request.engine };
  const { name, sha256, size, modified } = image;
  const input = { name, sha256, size, modified };
  const primaryBeam = image.beam?.name;
  const record = makeRunRecord({
    card,
    outcome,
    createdAt: new Date(),
    input,
    primaryBeam,
    jobId: closing.job.id,
    origins,
  });
  const files = new JobFiles(request.dir);
  try {
    const results = await writeAll(files, record, request);
    files.sync();
    return {
      results,
      written: files.written,
      sources: outcome.counts.final,
      warnings: outcome.image.warnings,
      endedMs: record.createdAt.getTime(),
    };
  } catch (thrown) {
    files.remove();
    throw thrown;
  }
}

async function writeAll(files: JobFiles, record: RunRecord, request: FinishRequest): Promise<ResultFile[]> {
  const { closing, raw } = request;
  const asked = closing.job.parameters.responseFormat;
  const format = asked !== undefined && isFormatName(asked) ? asked : 'votable';
  const made = [await writeCatalogue(files, record, format)];
  if (raw) made.push(files.adopt(raw.temporary, { id: 'raw', file: raw.file, mime: kRawMime }));
  made.push(files.write(kLogFile, [logText(logLines(record, request))]));
  const provenance = provenanceTexts({
    job: closing.job,
    baseUrl: closing.baseUrl,
    endedMs: record.createdAt.getTime(),
    facts: factsOf(record, request),
    results: made,
  });
  return [...made, ...provenance.map(([kind, text]) => files.write(kind, [text]))];
}

function logLines({ outcome }: RunRecord, { closing, tiles }: FinishRequest): string[] {
  const warnings = outcome.image.warnings.map((warning) => logLine('warn', publicText(warning)));
  return [...closing.log, ...warnings, logLine('info', `${outcome.counts.final} sources in ${tiles} tiles`)];
}

function factsOf(record: RunRecord, { card, image, weightsBytes, engine, batch }: FinishRequest): RunFacts {
  const facts = runFacts(record).filter((fact) => !kToldElsewhere.has(fact.name));
  return {
    image: { ...image, wcs: wcsText(record.outcome.image) },
    beam: image.beam,
    weights: { name: basename(card.weightsPath), sha256: card.sha256, size: weightsBytes },
    description: { id: card.id, title: card.title },
    engine: { name: engine.engine, version: engine.version, device: engine.device },
    parameters: {
      ...Object.fromEntries(facts.map((fact) => [fact.name, fact.value])),
      quantization_asked: engine.asked,
      quantization: engine.effective,
    },
    batch: { ...batch, endedMs: record.createdAt.getTime() },
  };
}

/** One line: frame, projection, centre, scale; undefined = no celestial WCS. */
function wcsText({ wcs }: ImageSummary): string | undefined {
  if (!wcs) return undefined;
  const frame = wcs.equinox > 0 ? `${wcs.system} ${wcs.equinox}` : wcs.system;
  const centre = `centre ${wcs.centreRaDeg.toFixed(6)} ${wcs.centreDecDeg.toFixed(6)} deg`;
  return `${frame} ${wcs.projection}, ${centre}, ${(wcs.pixelScaleDeg * 3600).toPrecision(4)} arcsec per pixel`;
}
