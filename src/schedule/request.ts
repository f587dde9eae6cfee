/** What a job asks of a run, as the native side takes it, and who decided what: card < server < request. */
import type { Config } from '../config/schema.js';
import type { OpenTaskRequest } from '../engine/addon.js';
import type { Job } from '../jobs/job.js';
import { type ModelCard, toNormaliseStep } from '../models/card.js';
import { type ChosenNormalisation, chooseNormalisation, serverWish } from '../models/normalisation.js';
import type { Origins } from '../results/run-record.js';
import type { ImageSource } from './task.js';

export interface ChosenRequest {
  /** The model's card with the normalisation of this run: what the results say it was made with. */
  card: ModelCard;
  /** Members of the native request. */
  native: Pick<OpenTaskRequest, 'box' | 'roi' | 'roiFrame' | 'normalise'>;
  origins: Origins;
  /** For the reader of the results. */
  warnings: string[];
}

/** Throws OTF_BAD_REQUEST when card, server and request contradict each other by now. */
export function chosenRequest(job: Job, card: ModelCard, detection: Config['detection']): ChosenRequest {
  const chosen = chooseNormalisation(card, serverWish(detection), job.parameters.normalisation ?? {});
  const changed = JSON.stringify(chosen.steps) !== JSON.stringify(card.normalisation);
  const by = normalisationOrigin(chosen);
  return {
    card: changed ? { ...card, normalisation: chosen.steps } : card,
    native: { ...nativeRegion(job), ...(changed ? { normalise: chosen.steps.map(toNormaliseStep) } : {}) },
    origins: {
      model: job.parameters.model === undefined ? 'server' : 'request',
      quantization: quantizationOrigin(job, detection),
      region: job.parameters.region === undefined ? 'server' : 'request',
      normalisation: by,
    },
    warnings: changed ? [`the normalisation is not the one ${card.id} was trained with (${by})`] : [],
  };
}

function normalisationOrigin({ limitsFrom, functionsFrom }: ChosenNormalisation): string {
  return limitsFrom === functionsFrom ? limitsFrom : `limits: ${limitsFrom}, functions: ${functionsFrom}`;
}

/** What nobody asked for was taken from the configuration, from the contract of an older server, or from the card. */
function quantizationOrigin(job: Job, detection: Config['detection']): string {
  if (job.parameters.quantization !== undefined) return 'request';
  return job.style !== 'standard' || job.quantization === detection.quantization ? 'server' : 'model card';
}

/** The images as the native side opens them; messages call them by the names their users know. */
export function nativeImages(
  job: Job,
  image: ImageSource,
): Pick<OpenTaskRequest, 'image' | 'primaryBeam' | 'pixelUnit'> {
  const { hdu, plane, pixelUnit } = job.parameters;
  const { path, name: label, beam } = image;
  return {
    image: { path, label, ...(hdu === undefined ? {} : { hdu }), ...(plane === undefined ? {} : { plane }) },
    ...(beam === undefined ? {} : { primaryBeam: { path: beam.path, label: beam.name } }),
    ...(pixelUnit === undefined ? {} : { pixelUnit }),
  };
}

/** 1-based pixels as people count, 0-based on the native side. */
function nativeRegion({ parameters: { region } }: Job): ChosenRequest['native'] {
  if (region?.box) {
    const [x, y, width, height] = region.box;
    return { box: [x - 1, y - 1, width, height] };
  }
  if (!region?.roi) return {};
  return { roi: region.roi, ...(region.frame === undefined ? {} : { roiFrame: region.frame }) };
}

/** The same run without its region, and why; undefined when the region is meant whatever the image. */
export function withoutRegion(job: Job, chosen: ChosenRequest): ChosenRequest | undefined {
  const { region } = job.parameters;
  if (!region?.ifInside || !region.roi) return undefined;
  const { roi: _roi, roiFrame: _frame, ...native } = chosen.native;
  const [ra, dec, width, height] = region.roi;
  const note = `the region ${width} x ${height} pixels around RA ${ra} Dec ${dec} is not on the image: all of it was searched`;
  return {
    ...chosen,
    native,
    origins: { ...chosen.origins, region: 'server' },
    warnings: [...chosen.warnings, note],
  };
}
