/** What a job asks of a run, as the native side takes it, and who decided what: card < server < request. */
import { basename } from 'node:path';
import type { Draws, ImageSelect, MeasureRequest, MocFormat, OpenDetectionRequest } from '../../engine/addon.js';
import { type ChosenNormalisation, chooseNormalisation, serverWish } from '../../models/normalisation.js';
import type { InputSource, InputSources } from '../files.js';
import type { ServerDefaults } from '../kind.js';
import type { JobParameters } from '../parameters.js';
import type { OpenRequest } from '../work.js';
import { type DetectorCard, detectorCard, objectnessThresholds, toNormaliseStep } from './card.js';
import { type DetectionAsked, type MapName, requireMeasured, requireQuality } from './parameters.js';
import { nativeRegion } from './region.js';
import type { Measured, Origins } from './run-record.js';

export interface DetectionRequest {
  /** Members of the native request. */
  native: Pick<
    OpenDetectionRequest,
    | 'box'
    | 'roi'
    | 'roiFrame'
    | 'normalise'
    | 'objectnessThreshold'
    | 'measure'
    | 'quality'
    | 'mask'
    | 'footprint'
    | 'drawn'
  >;
  /** Comes back when the task ends. */
  plan: {
    /** Of this run, when it is not the card's. */
    normalisation?: DetectorCard['normalisation'];
    /** Of this run, per box of the network. */
    thresholds: number[];
    origins: Origins;
    /** As the native side was asked; absent = not measured. */
    measure?: Measured;
    /** Name of the file; absent = none. */
    mask?: string;
    /** Of the network's dropout; absent = none. */
    draws?: Draws;
    /** Name of the file; absent = point sources. */
    mocks?: string;
    /** Files to leave beside the result, and where: the job's folder. */
    beside: { maps: MapName[]; places?: InputSource; footprint?: MocFormat; folder: string };
    /** Of the request, for provenance. */
    asked: Record<string, string>;
    /** For the reader of the results. */
    notes: string[];
  };
}

const kFirstSeed = 1;

type Asking = OpenRequest['job'];
type Choosing = Pick<OpenRequest, 'job' | 'card' | 'inputs' | 'defaults' | 'folder'>;

function askedOf({ asked }: JobParameters): DetectionAsked {
  return asked;
}

/** Throws OTF_BAD_REQUEST when card, server and request contradict each other by now. */
export function chosenRequest({ job, card: given, inputs, defaults, folder = '' }: Choosing): DetectionRequest {
  const card = detectorCard(given);
  const asked = askedOf(job.parameters);
  const { region, normalisation, measure = 'none', minSnr = card.detector.min_snr ?? 0, maps = [] } = asked;
  const { quality, qualitySeed = kFirstSeed, monteCarlo, monteCarloSeed = kFirstSeed, footprint } = asked;
  const draws = monteCarlo === undefined ? undefined : { repeats: monteCarlo, seed: monteCarloSeed };
  const [mask] = inputs.MASK ?? [];
  const [mocks] = inputs.MOCKS ?? [];
  requireMeasured(measure, namesOfGiven(inputs));
  requireQuality(quality, namesOfGiven(inputs));
  const chosen = chooseNormalisation(card, serverWish(defaults), normalisation ?? {});
  const changed = JSON.stringify(chosen.steps) !== JSON.stringify(card.normalisation);
  const by = normalisationOrigin(chosen);
  const thresholds = objectnessThresholds(card, measure === 'none' ? undefined : minSnr);
  return {
    native: {
      ...nativeRegion(region),
      ...(changed ? { normalise: chosen.steps.map(toNormaliseStep) } : {}),
      ...(thresholds === card.detector.objectness_threshold ? {} : { objectnessThreshold: thresholds }),
      ...(measure === 'none' ? {} : { measure: { effort: measure, minSnr, ...givenMaps(inputs) } }),
      ...(quality === undefined
        ? {}
        : { quality: { tiles: quality, seed: qualitySeed, ...(mocks ? { mocks: selectOf(mocks) } : {}) } }),
      ...(mask === undefined ? {} : { mask: selectOf(mask) }),
      ...(footprint === undefined ? {} : { footprint: true }),
      ...(draws === undefined ? {} : { drawn: true }),
    },
    plan: {
      ...(changed ? { normalisation: chosen.steps } : {}),
      thresholds,
      origins: {
        model: job.parameters.model === undefined ? 'server' : 'request',
        quantization: quantizationOrigin(job, defaults),
        region: region === undefined ? 'server' : 'request',
        normalisation: by,
      },
      ...(measure === 'none' ? {} : { measure: { effort: measure, minSnr, ...namesOfMaps(inputs) } }),
      ...(mask === undefined ? {} : { mask: basename(mask.name) }),
      ...(draws === undefined ? {} : { draws }),
      ...(mocks === undefined ? {} : { mocks: basename(mocks.name) }),
      beside: {
        maps,
        folder,
        ...(inputs.PLACES?.[0] ? { places: inputs.PLACES[0] } : {}),
        ...(footprint === undefined ? {} : { footprint }),
      },
      asked: {
        ...(region?.roi ? { roi: region.roi.join(',') } : {}),
        ...(region?.box ? { box: region.box.join(',') } : {}),
        ...(maps.length > 0 ? { maps: maps.join(',') } : {}),
        ...(quality === undefined ? {} : { quality: String(quality), quality_seed: String(qualitySeed) }),
        ...(draws ? { monte_carlo: String(draws.repeats), monte_carlo_seed: String(draws.seed) } : {}),
        ...(footprint === undefined ? {} : { footprint }),
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
  const { path = '', name: label = '', size, growing = false } = IMAGE[0] ?? {};
  const [beam] = BEAM;
  return {
    image: {
      ...{ path, label },
      ...(hdu === undefined ? {} : { hdu }),
      ...(plane === undefined ? {} : { plane }),
      ...(growing && size !== undefined ? { fileBytes: size } : {}),
    },
    ...(beam === undefined ? {} : { primaryBeam: { path: beam.path, label: beam.name } }),
    ...(pixelUnit === undefined ? {} : { pixelUnit }),
  };
}

/** A server names every input of the kind, those without a file, too. */
function namesOfGiven(inputs: InputSources): string[] {
  return Object.entries(inputs).flatMap(([name, files]) => (files.length > 0 ? [name] : []));
}

function selectOf({ path, name }: InputSource): ImageSelect {
  return { path, label: name };
}

function givenMaps({ BACKGROUND_MAP, NOISE_MAP }: InputSources): Pick<MeasureRequest, 'background' | 'rms'> {
  const select = ([source]: readonly InputSource[]) => source && selectOf(source);
  const [background, rms] = [select(BACKGROUND_MAP ?? []), select(NOISE_MAP ?? [])];
  return { ...(background ? { background } : {}), ...(rms ? { rms } : {}) };
}

/** For the record: what they are called. */
function namesOfMaps({ BACKGROUND_MAP, NOISE_MAP }: InputSources): Pick<Measured, 'backgroundMap' | 'noiseMap'> {
  const [backgroundMap, noiseMap] = [BACKGROUND_MAP?.[0]?.name, NOISE_MAP?.[0]?.name];
  return {
    ...(backgroundMap === undefined ? {} : { backgroundMap: basename(backgroundMap) }),
    ...(noiseMap === undefined ? {} : { noiseMap: basename(noiseMap) }),
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

/** The card with normalisation and thresholds of the run: what the results say it was made with. */
export function cardOfRun(card: DetectorCard, plan: DetectionRequest['plan']): DetectorCard {
  const { normalisation = card.normalisation, thresholds } = plan;
  return { ...card, normalisation, detector: { ...card.detector, objectness_threshold: thresholds } };
}
