/** One detection from a file to a run record, in this process: what `detect` does. */
import { basename } from 'node:path';
import type { EngineRequest } from '../../engine/addon.js';
import { loadAddon } from '../../engine/load.js';
import { type ErrorCode, OtfError, toOtfError } from '../../errors/catalogue.js';
import { verifyWeights } from '../../models/card.js';
import { chooseEngine } from '../../models/engine-choice.js';
import { chooseQuantization } from '../../models/quantization.js';
import { InputChecksum } from '../checksum.js';
import type { InputSource } from '../files.js';
import { kNoDefaults, type Progress } from '../kind.js';
import { type DetectorCard, toDetectorConfig } from './card.js';
import type { DetectionAsked } from './parameters.js';
import { chosenRequest, nativeImages } from './request.js';
import { makeRunRecord, type RunRecord } from './run-record.js';

/** `name`: what messages call it; the file at `path` may be an unpacked copy. */
export type LocalImage = Pick<InputSource, 'path' | 'name'>;

export interface DetectTask {
  image: LocalImage;
  /** As it was given. */
  given: string;
  beam?: LocalImage | undefined;
  asked: DetectionAsked;
  /** Take the checksum of the whole file however little of it is searched. */
  checksum?: boolean | undefined;
  card: DetectorCard;
  /** `quantization` absent: the card's first. */
  engine: Omit<EngineRequest, 'quantization'> & { quantization?: string | undefined };
}

/** Throws OtfError. The image is hashed while the network runs; a failed detection stops the hashing. */
export async function runDetectTask(task: DetectTask, onProgress: (progress: Progress) => void): Promise<RunRecord> {
  const { card, image, beam, asked } = task;
  const quantization = chooseQuantization(card, task.engine.quantization);
  const addon = await loadAddon();
  await verifyWeights(card);

  const checksum = new InputChecksum(task.given);
  try {
    const parameters = { inputs: {}, asked: { ...asked } };
    const { native, plan } = chosenRequest({ style: 'standard', quantization, parameters }, card, kNoDefaults);
    const { normalise: _normalise, roiFrame: _frame, ...region } = native;
    const inputs = { IMAGE: [source(image)], ...(beam ? { BEAM: [source(beam)] } : {}) };
    const outcome = await addon.detect(
      {
        ...nativeImages(parameters, inputs),
        ...region,
        model: { weights: card.weightsPath, inputBias: card.input_bias },
        detector: toDetectorConfig(plan.card),
        engine: { ...task.engine, name: chooseEngine(card, task.engine.name), quantization },
      },
      (done, total) => onProgress({ done, total, unit: 'tiles' }),
    );
    outcome.image.warnings.unshift(...plan.notes);
    const input = await checksum.facts(outcome.image, task.checksum ?? false);
    return makeRunRecord({
      card: plan.card,
      outcome,
      createdAt: new Date(),
      input: { name: basename(image.name), ...input },
      primaryBeam: beam && basename(beam.name),
    });
  } catch (thrown) {
    checksum.stop();
    throw withSubject(toOtfError(thrown), task);
  }
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
  if (kAboutImage.includes(error.code) && !named(label) && !(task.beam && named(task.beam.name))) {
    return new OtfError(error.code, `${label}: ${error.message}`, { cause: error });
  }
  if (kAboutModel.includes(error.code) && !named(card.id) && !named(card.weightsPath)) {
    return new OtfError(error.code, `model ${card.id}: ${error.message}`, { cause: error });
  }
  return error;
}
