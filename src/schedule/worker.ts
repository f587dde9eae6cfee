/** Runs in the worker threads: prepare and finish. May block; the event loop of the server is elsewhere. */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { addon, type DetectOutcome, type ImageSummary } from '../engine/addon.js';
import { toOtfError } from '../errors/catalogue.js';
import type { ResultFile } from '../jobs/job.js';
import { verifyWeights } from '../models/card.js';
import { sha256File } from '../models/checksum.js';
import { makeRunRecord, type RunRecord, runFacts } from '../results/run-record.js';
import { type FormatName, kFormats, writeResult } from '../results/write.js';
import type { Finished, FinishRequest, Work, WorkAnswer, WorkOrder } from './work.js';

/** Result id of each serialisation; `result` is where IVOA clients look (interop.md, section 3). */
const kFiles: Record<FormatName, { id: string; file: string }> = {
  votable: { id: 'result', file: 'catalogue.vot' },
  'votable-binary2': { id: 'binary2', file: 'catalogue-binary2.vot' },
  fits: { id: 'fits', file: 'catalogue.fits' },
  csv: { id: 'csv', file: 'catalogue.csv' },
  json: { id: 'json', file: 'catalogue.json' },
  reg: { id: 'reg', file: 'catalogue.reg' },
};
const kRawMime = 'application/octet-stream';

/** Facts of the run that the provenance records have elsewhere. */
const kToldElsewhere = new Set(
  'software created job_id model model_sha256 engine device quantization input input_sha256 primary_beam'.split(' '),
);

const openModel: Work['openModel'] = async ({ card, detector }) => {
  await verifyWeights(card);
  const { size } = await stat(card.weightsPath);
  return { ...addon.openModel({ weights: card.weightsPath, detector }), weightsBytes: size };
};

const hash: Work['hash'] = async (path) => ({ sha256: await sha256File(path), size: (await stat(path)).size });

const finish: Work['finish'] = async (request) => {
  const found = addon.finishTask(request.task);
  const times = { ...found.times, infer: request.inferSeconds, wall: request.wallSeconds };
  const memory = { engineBytes: request.engineBytes, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
  const outcome: DetectOutcome = { ...found, times, memory, engine: request.engine };
  const { card, input, jobId } = request;
  const record = makeRunRecord({ card, outcome, createdAt: new Date(), input, jobId });
  const formats = Object.keys(kFormats) as FormatName[];
  const written = formats.map((format) => writeCatalogue(record, format, request.dir));
  if (request.raw) written.push(keepRaw(request.dir, request.raw));
  const results = await Promise.all(written).catch(async (thrown) => {
    // A full disk: half of the results are of no use, and the room they take is needed.
    await Promise.allSettled(written);
    const files = [...formats.map((format) => kFiles[format].file), ...(request.raw ? [request.raw.file] : [])];
    await Promise.all(files.map((file) => rm(join(request.dir, file), { force: true })));
    throw thrown;
  });
  return {
    results,
    sources: outcome.counts.final,
    warnings: outcome.image.warnings,
    wcs: wcsText(outcome.image),
    times,
    parameters: Object.fromEntries(
      runFacts(record)
        .filter((fact) => !kToldElsewhere.has(fact.name))
        .map((fact) => [fact.name, fact.value]),
    ),
  } satisfies Finished;
};

const kWork: Work = {
  openModel,
  openTask: (request) => addon.openTask(request),
  fill: (piece) => addon.fillTiles(piece),
  consume: (piece) => addon.consumeTiles(piece),
  copy: (request) => addon.copyItems(request),
  hash,
  finish,
};

/** What crosses between threads loses its class and its code: failures travel as values. */
export default async function work<S extends keyof Work>({ stage, request }: WorkOrder<S>): Promise<WorkAnswer<S>> {
  try {
    const run = kWork[stage] as (request: Parameters<Work[S]>[0]) => ReturnType<Work[S]>;
    return { value: await run(request) };
  } catch (thrown) {
    const { code, message } = toOtfError(thrown);
    return { failure: { code, message, stack: thrown instanceof Error ? thrown.stack : undefined } };
  }
}

async function writeCatalogue(record: RunRecord, format: FormatName, dir: string): Promise<ResultFile> {
  const { id, file } = kFiles[format];
  const path = join(dir, file);
  await writeResult(record, format, path);
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { id, file, mime: kFormats[format].mediaType, size: bytes.length, sha256, format };
}

async function keepRaw(dir: string, raw: NonNullable<FinishRequest['raw']>): Promise<ResultFile> {
  const path = join(dir, raw.file);
  await rename(raw.temporary, path);
  const folder = await open(dir, 'r');
  await folder.sync().finally(() => folder.close());
  const { size } = await stat(path);
  return { id: 'raw', file: raw.file, mime: kRawMime, size, sha256: await sha256File(path) };
}

function wcsText({ wcs }: ImageSummary): string | undefined {
  if (!wcs) return undefined;
  const frame = wcs.equinox > 0 ? `${wcs.system} ${wcs.equinox}` : wcs.system;
  const centre = `centre ${wcs.centreRaDeg.toFixed(6)} ${wcs.centreDecDeg.toFixed(6)} deg`;
  return `${frame} ${wcs.projection}, ${centre}, ${(wcs.pixelScaleDeg * 3600).toPrecision(4)} arcsec per pixel`;
}
