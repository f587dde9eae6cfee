/** One detection from a file to a run record: the step between a command (or a job) and the result formats. */
import { basename } from 'node:path';
import type { EngineRequest, ImageSelect } from '../engine/addon.js';
import { loadAddon } from '../engine/load.js';
import { type ErrorCode, OtfError, toOtfError } from '../errors/catalogue.js';
import { type ModelCard, toDetectorConfig, verifyWeights } from '../models/card.js';
import { chooseEngine } from '../models/engine-choice.js';
import { chooseQuantization } from '../models/quantization.js';
import { makeRunRecord, type RunRecord } from '../results/run-record.js';
import { InputChecksum } from './checksum.js';

export interface DetectTask {
  /** `label`: what it is called; it may be an unpacked copy of the file at `given`. */
  image: ImageSelect & { label: string };
  given: string;
  /** Take the checksum of the whole file however little of it is searched. */
  checksum?: boolean | undefined;
  card: ModelCard;
  /** `quantization` absent: the card's first. */
  engine: Omit<EngineRequest, 'quantization'> & { quantization?: string | undefined };
  /** 0-based pixel box x, y, width, height, or centre RA, Dec (degrees), width, height (pixels). Not both. */
  box?: [number, number, number, number] | undefined;
  roi?: [number, number, number, number] | undefined;
  primaryBeam?: (ImageSelect & { label: string }) | undefined;
  /** In place of BUNIT. */
  pixelUnit?: string | undefined;
}

export type Progress = (done: number, total: number) => void;

/** Throws OtfError. The image is hashed while the network runs; a failed detection stops the hashing. */
export async function runDetectTask(task: DetectTask, onProgress: Progress): Promise<RunRecord> {
  const { card, image, box, roi, primaryBeam, pixelUnit } = task;
  const quantization = chooseQuantization(card, task.engine.quantization);
  const addon = await loadAddon();
  await verifyWeights(card);

  const checksum = new InputChecksum(task.given);
  try {
    const outcome = await addon.detect(
      {
        image,
        model: { weights: card.weightsPath, inputBias: card.input_bias },
        detector: toDetectorConfig(card),
        engine: { ...task.engine, name: chooseEngine(card, task.engine.name), quantization },
        ...(box ? { box } : {}),
        ...(roi ? { roi } : {}),
        ...(primaryBeam === undefined ? {} : { primaryBeam }),
        ...(pixelUnit === undefined ? {} : { pixelUnit }),
      },
      onProgress,
    );
    const input = await checksum.facts(outcome.image, task.checksum ?? false);
    return makeRunRecord({
      card,
      outcome,
      createdAt: new Date(),
      input: { name: basename(image.label), ...input },
      primaryBeam: primaryBeam === undefined ? undefined : basename(primaryBeam.label),
    });
  } catch (thrown) {
    checksum.stop();
    throw withSubject(toOtfError(thrown), task);
  }
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
  const { label } = task.image;
  const { card } = task;
  if (kAboutImage.includes(error.code) && !named(label) && !(task.primaryBeam && named(task.primaryBeam.label))) {
    return new OtfError(error.code, `${label}: ${error.message}`, { cause: error });
  }
  if (kAboutModel.includes(error.code) && !named(card.id) && !named(card.weightsPath)) {
    return new OtfError(error.code, `model ${card.id}: ${error.message}`, { cause: error });
  }
  return error;
}
