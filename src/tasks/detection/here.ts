/** One detection from a file to a run record, in this process: what `detect` does. */
import { basename } from 'node:path';
import { type DetectOutcome, type EngineRequest, native } from '../../engine/addon.js';
import { type ErrorCode, OtfError, toOtfError } from '../../errors/catalogue.js';
import { targetOf, writeFileAtomically } from '../../io/write.js';
import { networkOf, verifyWeights } from '../../models/card.js';
import { chooseEngine } from '../../models/engine-choice.js';
import { chooseQuantization } from '../../models/quantization.js';
import { InputChecksum } from '../checksum.js';
import type { InputSource } from '../files.js';
import { kNoDefaults, type Progress } from '../kind.js';
import type { EndRequest } from '../work.js';
import type { DetectorCard } from './card.js';
import { kDetection } from './kind.js';
import { type DetectionAsked, kMapNames, type MapName } from './parameters.js';
import { qualityDocument, qualityPlots } from './quality-document.js';
import { cardOfRun, type DetectionRequest } from './request.js';
import { makeRunRecord, type RunRecord } from './run-record.js';

/** `name`: what messages call it; the file at `path` may be an unpacked copy. */
export type LocalImage = Pick<InputSource, 'path' | 'name'>;

export interface DetectTask {
  image: LocalImage;
  /** As it was given. */
  given: string;
  asked: DetectionAsked;
  /** Take the checksum of the whole file however little of it is searched. */
  checksum?: boolean | undefined;
  /** Beside the image, by the names of the kind's inputs. */
  further?: Readonly<Record<string, LocalImage>>;
  /** Files for the images that the measurement leaves, and for the flux densities at the PLACES. */
  maps?: Partial<Record<MapName, string | undefined>>;
  photometry?: string | undefined;
  /** File for the footprint, which `asked` names the notation of. */
  footprint?: string | undefined;
  /** Begins the names of the files that tell how good it is: .vot, -completeness.svg, -reliability.svg. */
  qualityStem?: string | undefined;
  card: DetectorCard;
  /** Of what comes out of the network's layers, as RunTaskOutcome has them; FP32 on the engine onednn alone. */
  onRanges?: ((ranges: string) => void) | undefined;
  /** `quantization` absent: the card's first. */
  engine: Omit<EngineRequest, 'quantization'> & { quantization?: string | undefined };
}

/**
 * The same steps as in a server's worker threads, on the same native task. Throws OtfError. The image is hashed while the
 * network runs; a failed detection stops the hashing.
 */
export async function runDetectTask(task: DetectTask, onProgress: (progress: Progress) => void): Promise<RunRecord> {
  const { card, image, given } = task;
  const quantization = chooseQuantization(card, task.engine.quantization);
  const engine = { ...task.engine, name: chooseEngine(card, task.engine.name), quantization };
  await verifyWeights(card);

  const checksum = new InputChecksum(given);
  try {
    return await detection(task, engine, onProgress, async (outcome, plan) => {
      const input = await checksum.facts(outcome.image, task.checksum ?? false);
      const beam = task.further?.BEAM;
      return makeRunRecord({
        card: cardOfRun(card, plan),
        outcome,
        createdAt: new Date(),
        input: { name: basename(image.name), ...input },
        primaryBeam: beam && basename(beam.name),
        measure: plan.measure,
        mask: plan.mask,
        draws: plan.draws,
        mocks: plan.mocks,
      });
    });
  } catch (thrown) {
    checksum.stop();
    throw withSubject(toOtfError(thrown), task);
  }
}

type Plan = DetectionRequest['plan'];

async function detection(
  task: DetectTask,
  engine: EngineRequest,
  onProgress: (progress: Progress) => void,
  recordOf: (outcome: DetectOutcome, plan: Plan) => Promise<RunRecord>,
): Promise<RunRecord> {
  const { card, image, asked, further = {} } = task;
  const addon = native();
  const { detectOutcome, kDetectionWork: work } = await import('./work.js');
  const others = Object.entries(further).map(([name, file]) => [name, [source(file)]] as const);
  const inputs = { IMAGE: [source(image)], ...Object.fromEntries(others) };
  const parameters = { inputs: {}, asked: { ...asked } };
  const job = { style: 'standard', quantization: engine.quantization, parameters };
  const { model } = work.openModel(card);
  try {
    const opened = work.open({ job, card, model, inputs, defaults: kNoDefaults });
    const { handle, items } = opened;
    const plan = opened.plan as Plan;
    try {
      const weights = { ...networkOf(card), ...(task.onRanges ? { ranges: true } : {}) };
      const drawing = plan.draws ? { ...engine, draws: plan.draws } : engine;
      const run = await addon.runTask({ task: handle as number, model: weights, engine: drawing }, (done, total) =>
        onProgress({ done, total, unit: kDetection.unit }),
      );
      task.onRanges?.(run.ranges ?? '');
      const finishing = performance.now();
      const { threads } = engine;
      const outcome = detectOutcome({ ...run, handle, card, plan, inputs, items, threads }, plan.notes);
      outcome.times.wall += (performance.now() - finishing) / 1000;
      const record = await recordOf(outcome, plan);
      await writeBeside(task, record, { handle, threads });
      return record;
    } finally {
      work.close(handle);
    }
  } finally {
    work.closeModel(model);
  }
}

export function qualityFilesOf(stem: string) {
  return { table: `${stem}.vot`, completeness: `${stem}-completeness.svg`, reliability: `${stem}-reliability.svg` };
}

/** What the measurement leaves beside the catalogue. */
async function writeBeside(
  { maps = {}, photometry: target, footprint, asked, further, qualityStem }: DetectTask,
  record: RunRecord,
  ended: Pick<EndRequest, 'handle' | 'threads'>,
): Promise<void> {
  const addon = native();
  const { photometry } = await import('./beside.js');
  const { tableContent, writeContent } = await import('../../results/serialise.js');
  for (const kind of kMapNames) {
    const path = maps[kind];
    if (path !== undefined) await addon.writeMap(ended.handle as number, { path: await targetOf(path), kind });
  }
  if (footprint !== undefined && asked.footprint !== undefined) {
    const file = { path: await targetOf(footprint), format: asked.footprint };
    const text = await addon.writeFootprint(ended.handle as number, file);
    if (asked.footprint !== 'fits') await writeFileAtomically(footprint, [text]);
  }
  const places = further?.PLACES;
  if (target !== undefined && places)
    await writeContent(tableContent(await photometry(record, ended, source(places)), 'votable'), target);
  const { quality } = record.outcome;
  if (qualityStem === undefined || !quality) return;
  const files = qualityFilesOf(qualityStem);
  const plots = qualityPlots(record, quality);
  await writeContent(tableContent(qualityDocument(record, quality), 'votable'), files.table);
  await writeFileAtomically(files.completeness, [plots.completeness]);
  await writeFileAtomically(files.reliability, [plots.reliability]);
}

function source({ path, name }: LocalImage): InputSource {
  return { path, name, size: 0 };
}

const kAboutImage: ErrorCode[] = ['OTF_WCS_INVALID', 'OTF_UNIT_MISMATCH', 'OTF_IMAGE_BLANK', 'OTF_ROI_OUTSIDE'];
const kAboutModel: ErrorCode[] = [
  'OTF_DETECTOR_CONFIG',
  'OTF_MODEL_MALFORMED',
  'OTF_MODEL_UNSUPPORTED',
  'OTF_SHAPE_MISMATCH',
];

/** The native rooms see pixels, cards or networks, not always the file they came from: say which one it was. */
function withSubject(error: OtfError, task: DetectTask): OtfError {
  const named = (name: string) => error.message.includes(name);
  const { name: label } = task.image;
  const { card } = task;
  if (
    kAboutImage.includes(error.code) &&
    !named(label) &&
    !Object.values(task.further ?? {}).some(({ name }) => named(name))
  ) {
    return new OtfError(error.code, `${label}: ${error.message}`, { cause: error });
  }
  if (kAboutModel.includes(error.code) && !named(card.id) && !named(card.weightsPath)) {
    return new OtfError(error.code, `model ${card.id}: ${error.message}`, { cause: error });
  }
  return error;
}
