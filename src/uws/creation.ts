/** From the fields and files of a request to the parameters of a job (docs/interop.md, Creation). Reads no image. */
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { localPath } from '../fetch/local-file.js';
import { type ImageUrl, type JobParameters, kMaxPriority, type UploadedFile } from '../jobs/job.js';
import { chooseNormalisation, serverWish } from '../models/normalisation.js';
import { chooseQuantization, preferQuantization } from '../models/quantization.js';
import type { FilePart, Form } from './exchange.js';
import { resultFormat } from './formats.js';
import { kImageChoiceNames, parseImageChoice } from './image-choice.js';
import { parseInstant } from './instants.js';
import type { ModelDirectory } from './model-directory.js';
import { parseNormalisation } from './normalisation.js';
import { badRequest, type Parameters } from './parameters.js';
import { kRegionNames, parseRegion } from './region.js';

export interface CreationRules {
  models: ModelDirectory;
  config: Pick<Config, 'detection' | 'fetch' | 'server'>;
}

export interface ParsedCreation {
  parameters: JobParameters;
  runId: string | undefined;
  run: boolean;
  executionDurationS: number | undefined;
  destructionMs: number | undefined;
  priority: number | undefined;
  modelId: string;
  quantization: string;
}

/** The fields parseStandard reads, as names of parameters. */
export const kCreationNames: readonly string[] = [
  'MODEL',
  'QUANTIZATION',
  'IMAGE',
  'IMAGE_SHA256',
  ...kRegionNames,
  ...kImageChoiceNames,
  'NORM_FCT',
  'MIN_PIX',
  'MAX_PIX',
  'RESPONSEFORMAT',
  'PRIORITY',
  'RUNID',
  'EXECUTIONDURATION',
  'DESTRUCTION',
  'PHASE',
];

/** What a job already has, when its parameters are changed. */
export interface Earlier {
  model: string | undefined;
  quantization: string | undefined;
}

/** Throws OTF_BAD_REQUEST, OTF_MODEL_UNKNOWN, OTF_QUANTIZATION_UNKNOWN, OTF_FETCH_REFUSED, OTF_IMAGE_CHECKSUM. */
export function parseStandard(form: Form, rules: CreationRules, earlier?: Earlier): ParsedCreation {
  const { parameters: given } = form;
  const phase = given.single('PHASE');
  const run = phase?.toUpperCase() === 'RUN';
  if (phase !== undefined && !run) throw badRequest(`PHASE=${phase}: only RUN can be asked for here`);
  const model = given.single('MODEL');
  const quantization = given.single('QUANTIZATION');
  const card = rules.models.find(model ?? earlier?.model);
  const asked = quantization ?? earlier?.quantization;
  const preferred = rules.config.detection.quantization;
  const chosen = asked === undefined ? preferQuantization(card, preferred) : chooseQuantization(card, asked);
  const image = parseFile(form, rules, 'IMAGE');
  const beam = parseFile(form, rules, 'BEAM');
  const imageSha256 = parseSha256(given);
  if (image?.kind === 'upload' && imageSha256 !== undefined && image.sha256 !== imageSha256) {
    throw new OtfError('OTF_IMAGE_CHECKSUM', `IMAGE has sha256 ${image.sha256}, IMAGE_SHA256 says ${imageSha256}`);
  }
  const region = parseRegion(given);
  const normalisation = parseNormalisation({
    normFct: given.repeated('NORM_FCT').flatMap((value) => value.split(/[,\s]+/)),
    minPix: given.single('MIN_PIX'),
    maxPix: given.single('MAX_PIX'),
  });
  if (normalisation) chooseNormalisation(card, serverWish(rules.config.detection), normalisation);
  const format = given.single('RESPONSEFORMAT');
  const responseFormat = format === undefined ? undefined : resultFormat(format);
  if (format !== undefined && responseFormat === undefined) throw badRequest(`unknown RESPONSEFORMAT ${format}`);
  const parameters: JobParameters = {
    ...(model === undefined ? {} : { model }),
    ...(quantization === undefined ? {} : { quantization }),
    ...(image === undefined ? {} : { image }),
    ...(imageSha256 === undefined ? {} : { imageSha256 }),
    ...(region === undefined ? {} : { region }),
    ...parseImageChoice(given),
    ...(beam === undefined ? {} : { beam }),
    ...(normalisation === undefined ? {} : { normalisation }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
  };
  const runId = given.single('RUNID');
  const times = { executionDurationS: parseDuration(given), destructionMs: parseDestruction(given) };
  const priority = parsePriority(given);
  return { parameters, runId, run, ...times, priority, modelId: card.id, quantization: chosen };
}

/** Files no parameter refers to: the job does not keep them. */
export function unusedFiles(form: Form, parameters: JobParameters): UploadedFile[] {
  const used = [parameters.image, parameters.beam, parameters.request];
  return form.files.map((part) => part.upload).filter((upload) => !used.includes(upload));
}

export function onlyPart(form: Form, field: string): FilePart | undefined {
  const parts = form.files.filter((part) => part.field.toUpperCase() === field.toUpperCase());
  if (parts.length > 1) throw badRequest(`file part ${field} is given ${parts.length} times`);
  return parts[0];
}

/** A file part of the name; NAME=param:OTHER with a file part OTHER; NAME=URL. */
function parseFile(form: Form, rules: CreationRules, name: 'IMAGE' | 'BEAM'): UploadedFile | ImageUrl | undefined {
  const value = form.parameters.single(name);
  const part = onlyPart(form, name);
  if (value !== undefined && part !== undefined) throw badRequest(`parameter ${name} is given 2 times`);
  if (part) return part.upload;
  if (value === undefined) return undefined;
  const reference = /^param:(.*)$/i.exec(value);
  if (reference) {
    const named = onlyPart(form, reference[1] ?? '');
    if (!named) throw badRequest(`${name}=${value}: the request has no file part of that name`);
    return named.upload;
  }
  if (!URL.canParse(value)) throw badRequest(`${name} is neither a file, nor param:NAME, nor a URL`);
  const url = new URL(value);
  if (url.protocol === 'file:') localPath(url, rules.config.fetch.file_roots);
  else if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw badRequest(`${name}: ${url.protocol} URLs are not accepted, http: and https: are`);
  }
  if (url.username !== '' || url.password !== '') throw badRequest(`${name}: a URL with a user name is not accepted`);
  return { kind: 'url', url: value };
}

function parseSha256(given: Parameters): string | undefined {
  const value = given.single('IMAGE_SHA256');
  if (value === undefined) return undefined;
  if (!/^[0-9a-f]{64}$/i.test(value)) throw badRequest('IMAGE_SHA256 is not 64 hexadecimal digits');
  return value.toLowerCase();
}

/** Of waiting jobs the highest goes first. Undefined when absent. Throws OTF_BAD_REQUEST. */
function parsePriority(given: Parameters): number | undefined {
  const value = given.single('PRIORITY');
  if (value === undefined) return undefined;
  if (!/^\d$/.test(value)) throw badRequest(`PRIORITY=${value}: not a whole number from 0 to ${kMaxPriority}`);
  return Number(value);
}

/** Whole seconds, 0 = no limit. Undefined when absent. Throws OTF_BAD_REQUEST. */
export function parseDuration(given: Parameters): number | undefined {
  const value = given.single('EXECUTIONDURATION');
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw badRequest(`EXECUTIONDURATION=${value}: not a whole number of seconds from 0`);
  return Number(value);
}

export function parseDestruction(given: Parameters): number | undefined {
  const value = given.single('DESTRUCTION');
  if (value === undefined) return undefined;
  const ms = parseInstant(value);
  if (ms === undefined) throw badRequest(`DESTRUCTION=${value}: not an instant in UTC such as 2030-01-01T00:00:00Z`);
  return ms;
}
