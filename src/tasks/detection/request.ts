/** What a job asks of a run, as the native side takes it, and who decided what: card < server < request. */
import type { MeasureRequest, OpenDetectionRequest } from '../../engine/addon.js';
import { type ChosenNormalisation, chooseNormalisation, serverWish } from '../../models/normalisation.js';
import type { InputSources } from '../files.js';
import type { ServerDefaults } from '../kind.js';
import type { JobParameters } from '../parameters.js';
import type { OpenRequest } from '../work.js';
import { type DetectorCard, toNormaliseStep } from './card.js';
import type { DetectionAsked } from './parameters.js';
import { nativeRegion } from './region.js';
import type { Origins } from './run-record.js';

export interface DetectionRequest {
  /** Members of the native request. */
  native: Pick<OpenDetectionRequest, 'box' | 'roi' | 'roiFrame' | 'normalise' | 'measure'>;
  /** Comes back when the task ends. */
  plan: {
    /** Of this run, when it is not the card's. */
    normalisation?: DetectorCard['normalisation'];
    origins: Origins;
    /** As the native side was asked; absent = not measured. */
    measure?: MeasureRequest;
    /** Of the request, for provenance. */
    asked: Record<string, string>;
    /** For the reader of the results. */
    notes: string[];
  };
}

type Asking = OpenRequest['job'];

function askedOf({ asked }: JobParameters): DetectionAsked {
  return asked;
}

/** Throws OTF_BAD_REQUEST when card, server and request contradict each other by now. */
export function chosenRequest(job: Asking, card: DetectorCard, defaults: ServerDefaults): DetectionRequest {
  const { region, normalisation, measure = 'none', minSnr = card.detector.min_snr ?? 0 } = askedOf(job.parameters);
  const chosen = chooseNormalisation(card, serverWish(defaults), normalisation ?? {});
  const changed = JSON.stringify(chosen.steps) !== JSON.stringify(card.normalisation);
  const by = normalisationOrigin(chosen);
  return {
    native: {
      ...nativeRegion(region),
      ...(changed ? { normalise: chosen.steps.map(toNormaliseStep) } : {}),
      ...(measure === 'none' ? {} : { measure: { effort: measure, minSnr } }),
    },
    plan: {
      ...(changed ? { normalisation: chosen.steps } : {}),
      origins: {
        model: job.parameters.model === undefined ? 'server' : 'request',
        quantization: quantizationOrigin(job, defaults),
        region: region === undefined ? 'server' : 'request',
        normalisation: by,
      },
      ...(measure === 'none' ? {} : { measure: { effort: measure, minSnr } }),
      asked: {
        ...(region?.roi ? { roi: region.roi.join(',') } : {}),
        ...(region?.box ? { box: region.box.join(',') } : {}),
      },
      notes: changed ? [`the normalisation is not the one ${card.id} was trained with (${by})`] : [],
    },
  };
}

function normalisationOrigin({ limitsFrom, functionsFrom }: ChosenNormalisation): string {
  return limitsFrom === functionsFrom ? limitsFrom : `limits: ${limitsFrom}, functions: ${functionsFrom}`;
}

/** What nobody asked for was taken from the configuration, from the contract of an older server, or from the card. */
function quantizationOrigin({ style, quantization, parameters }: Asking, defaults: ServerDefaults): string {
  if (parameters.quantization !== undefined) return 'request';
  return style !== 'standard' || quantization === defaults.quantization ? 'server' : 'model card';
}

/** The images as the native side opens them; messages call them by the names their users know. */
export function nativeImages(
  parameters: JobParameters,
  { IMAGE = [], BEAM = [] }: InputSources,
): Pick<OpenDetectionRequest, 'image' | 'primaryBeam' | 'pixelUnit'> {
  const { hdu, plane, pixelUnit } = askedOf(parameters);
  const { path = '', name: label = '' } = IMAGE[0] ?? {};
  const [beam] = BEAM;
  return {
    image: { path, label, ...(hdu === undefined ? {} : { hdu }), ...(plane === undefined ? {} : { plane }) },
    ...(beam === undefined ? {} : { primaryBeam: { path: beam.path, label: beam.name } }),
    ...(pixelUnit === undefined ? {} : { pixelUnit }),
  };
}

/** The same run without its region, and why; undefined when the region is meant whatever the image. */
export function withoutRegion(parameters: JobParameters, chosen: DetectionRequest): DetectionRequest | undefined {
  const { region } = askedOf(parameters);
  if (!region?.ifInside || !region.roi) return undefined;
  const { roi: _roi, roiFrame: _frame, ...native } = chosen.native;
  const [ra, dec, width, height] = region.roi;
  const note = `the region ${width} x ${height} pixels around RA ${ra} Dec ${dec} is not on the image: all of it was searched`;
  const { plan } = chosen;
  return {
    native,
    plan: { ...plan, origins: { ...plan.origins, region: 'server' }, notes: [...plan.notes, note] },
  };
}

/** The card with the normalisation of the run: what the results say it was made with. */
export function cardOfRun(card: DetectorCard, { normalisation }: DetectionRequest['plan']): DetectorCard {
  return normalisation === undefined ? card : { ...card, normalisation };
}
