/** From the pair of files the observatory's clients send to the parameters of a job (docs/interop.md). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError } from '../errors/catalogue.js';
import type { Style } from '../jobs/job.js';
import type { ModelCard } from '../models/card.js';
import { chooseNormalisation, serverWish } from '../models/normalisation.js';
import { chooseQuantization, preferQuantization } from '../models/quantization.js';
import { kDetectorKind } from '../tasks/detection/card.js';
import { readNormalisation } from '../tasks/detection/normalisation.js';
import type { DetectionAsked } from '../tasks/detection/parameters.js';
import { type Region, skyRegion } from '../tasks/detection/region.js';
import type { JobParameters } from '../tasks/parameters.js';
import type { CreationRules, ParsedCreation } from './creation.js';
import type { Form } from './exchange.js';
import { onlyPart } from './inputs.js';
import { assertRequestSize, type ObservatoryRequest, parseObservatoryRequest } from './observatory-xml.js';
import { badRequest } from './parameters.js';

/** Their compute type when the request names none. */
const kQuantization = 'FP32C_FP32A';
const kRegionPx = '512';

/** A file part `xml`, or a file part `fits` and no IMAGE field (docs/interop.md, Negotiation). */
export function isObservatoryForm(form: Form): boolean {
  const has = (field: string) => form.files.some((part) => part.field === field);
  return has('xml') || (has('fits') && !form.parameters.has('IMAGE'));
}

export interface ObservatoryCreation extends ParsedCreation {
  style: Style;
}

/** Runs at once. Throws OTF_BAD_REQUEST, OTF_XML_MALFORMED, OTF_MODEL_UNKNOWN, OTF_QUANTIZATION_UNKNOWN. */
export async function parseObservatory(form: Form, rules: CreationRules): Promise<ObservatoryCreation> {
  const xml = onlyPart(form, 'xml');
  const fits = onlyPart(form, 'fits');
  if (!xml || !fits) throw badRequest('Missing XML or FITS file.');
  if (!xml.filename || !fits.filename) throw badRequest('Empty filename for XML or FITS.');
  if (!/\.xml$/i.test(xml.filename)) throw badRequest('XML file must have .xml extension.');
  if (!/\.fits$/i.test(fits.filename)) throw badRequest('FITS file must have .fits extension.');
  if (xml.upload.size === 0 || fits.upload.size === 0) throw badRequest('Empty XML or FITS file.');
  assertRequestSize(xml.upload.size);
  const request = parseObservatoryRequest(await readFile(join(form.spool?.dir ?? '', xml.upload.file)));
  const { observatory_contract: forced } = rules.config.server;
  const contract = forced === 'auto' ? request.contract : forced;
  const chosen = contract === 'current' ? ofToday(request, rules) : ofLastYear(request, rules);
  const parameters: JobParameters = {
    ...(request.model === undefined ? {} : { model: request.model }),
    ...(request.quantization === undefined ? {} : { quantization: request.quantization }),
    modelSha256: chosen.sha256,
    inputs: { IMAGE: [fits.upload] },
    asked: { ...chosen.asked },
    request: xml.upload,
  };
  return {
    kind: kDetectorKind,
    style: contract === 'current' ? 'observatory' : 'legacy',
    parameters,
    runId: form.parameters.single('RUNID'),
    run: true,
    executionDurationS: undefined,
    destructionMs: undefined,
    priority: undefined,
    modelId: chosen.modelId,
    quantization: chosen.quantization,
  };
}

interface Chosen {
  modelId: string;
  sha256: string;
  quantization: string;
  asked: DetectionAsked;
}

/** Their servers detect sources, and nothing else. */
function detector(card: ModelCard): ModelCard {
  if (card.kind === kDetectorKind) return card;
  throw new OtfError('OTF_MODEL_UNKNOWN', `the model ${card.id} is no detector`);
}

/** Region and normalisation of its requests are no wishes: the client makes them up. */
function ofLastYear(request: ObservatoryRequest, { models }: CreationRules): Chosen {
  const card = detector(models.find(request.model));
  // Without a wish that server loads FP32C_FP32A, whatever the model prefers.
  const quantization = chooseQuantization(card, request.quantization ?? kQuantization);
  return { modelId: card.id, sha256: card.sha256, quantization, asked: {} };
}

function ofToday(request: ObservatoryRequest, { models, config }: CreationRules): Chosen {
  const card = detector(models.find(request.model));
  const quantization =
    request.quantization === undefined
      ? preferQuantization(card, config.detection.quantization || kQuantization)
      : chooseQuantization(card, request.quantization);
  const region = regionOf(request);
  const normalisation = readNormalisation(request.text);
  if (normalisation) chooseNormalisation(card, serverWish(config.detection), normalisation);
  const asked = {
    ...(region === undefined ? {} : { region }),
    ...(normalisation === undefined ? {} : { normalisation }),
  };
  return { modelId: card.id, sha256: card.sha256, quantization, asked };
}

/** Every request has one, 0,0 where its user chose none: it is meant when it is on the image. */
function regionOf({ text: { ra, dec, width, height } }: ObservatoryRequest): Region | undefined {
  if (ra === undefined || dec === undefined) return undefined;
  const roi = skyRegion([ra, dec, width ?? kRegionPx, height ?? kRegionPx].join(','));
  return { roi, frame: 'ICRS', ifInside: true };
}
