/**
 * From the fields and files of a request to the parameters of a job (docs/interop.md, Creation). Reads no image. What is the
 * kind's own is read by the kind; which kind that is, the model says.
 */
import type { Config } from '../config/schema.js';
import { isFetchable } from '../fetch/places.js';
import { kMaxPriority } from '../jobs/job.js';
import { chooseQuantization, preferQuantization } from '../models/quantization.js';
import type { UploadedFile } from '../tasks/files.js';
import type { TaskKind } from '../tasks/kind.js';
import { type JobParameters, type ParameterDescription, spellings } from '../tasks/parameters.js';
import { kindNamed, kKinds } from '../tasks/registry.js';
import { type Earlier, givenTogether, inputsTogether, newlyAsked } from './earlier.js';
import type { Form } from './exchange.js';
import { fieldsOf, kMostFollowed } from './fields.js';
import { formatNamed } from './formats.js';
import { readChecksums, readInputs } from './inputs.js';
import { parseInstant } from './instants.js';
import type { ModelDirectory } from './model-directory.js';
import { badRequest, type Parameters } from './parameters.js';

export interface CreationRules {
  models: ModelDirectory;
  config: Pick<Config, 'detection' | 'fetch' | 'server'>;
}

export interface ParsedCreation {
  kind: string;
  parameters: JobParameters;
  runId: string | undefined;
  run: boolean;
  executionDurationS: number | undefined;
  destructionMs: number | undefined;
  priority: number | undefined;
  modelId: string;
  quantization: string;
}

/** Of every kind; a name that several have is described once. */
export function creationFields(): ParameterDescription[] {
  const byName = new Map(kKinds.flatMap(fieldsOf).map((field) => [field.name, field]));
  return [...byName.values()];
}

/** Every name that a request may use, of whatever kind the job is. */
export const kCreationNames: ReadonlySet<string> = new Set(creationFields().flatMap(spellings));

const kNamesByKind = new Map(kKinds.map((kind) => [kind.name, new Set(fieldsOf(kind).flatMap(spellings))]));

/** Throws OTF_BAD_REQUEST, OTF_MODEL_UNKNOWN, OTF_QUANTIZATION_UNKNOWN, OTF_FETCH_REFUSED, OTF_IMAGE_CHECKSUM. */
export function parseStandard(form: Form, rules: CreationRules, earlier?: Earlier): ParsedCreation {
  const { parameters: given } = form;
  const phase = given.single('PHASE');
  const run = phase?.toUpperCase() === 'RUN';
  if (phase !== undefined && !run) throw badRequest(`PHASE=${phase}: only RUN can be asked for here`);
  const model = given.single('MODEL');
  const quantization = given.single('QUANTIZATION');
  const card = rules.models.find(model ?? earlier?.model);
  const kind = kindNamed(card.kind);
  const asked = quantization ?? earlier?.quantization;
  const preferred = rules.config.detection.quantization;
  const chosen = asked === undefined ? preferQuantization(card, preferred) : chooseQuantization(card, asked);
  refuseOfOthers(form, kind, card.id);
  const inputs = readInputs(form, kind, rules.config.fetch);
  const all = inputsTogether(inputs, kind, earlier);
  const checksums = readChecksums(given, kind, all);
  const together = givenTogether(given, kind, earlier);
  const own = kind.readParameters(together, card, rules.config.detection, Object.keys(all));
  const format = given.single('RESPONSEFORMAT');
  const responseFormat = format === undefined ? undefined : formatNamed(format, kind.formats);
  if (format !== undefined && responseFormat === undefined) throw badRequest(`unknown RESPONSEFORMAT ${format}`);
  const after = parseAfter(given);
  const resultsTo = parseResultsTo(given);
  const parameters: JobParameters = {
    ...(model === undefined ? {} : { model }),
    ...(quantization === undefined ? {} : { quantization }),
    modelSha256: card.sha256,
    inputs,
    ...(Object.keys(checksums).length === 0 ? {} : { checksums }),
    asked: newlyAsked(own, kind, earlier),
    ...(after.length === 0 ? {} : { after }),
    ...(resultsTo === undefined ? {} : { resultsTo: { url: resultsTo } }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
  };
  const runId = given.single('RUNID');
  const times = { executionDurationS: parseDuration(given), destructionMs: parseDestruction(given) };
  const priority = parsePriority(given);
  return { kind: kind.name, parameters, runId, run, ...times, priority, modelId: card.id, quantization: chosen };
}

/** What means something to another kind, and nothing to this one, must not be passed over in silence. */
function refuseOfOthers(form: Form, kind: TaskKind, model: string): void {
  const known = kNamesByKind.get(kind.name);
  const files = form.files.map(({ field }) => field.toUpperCase());
  const other = [...form.parameters.names(), ...files].find((name) => kCreationNames.has(name) && !known?.has(name));
  if (other === undefined) return;
  throw badRequest(`${other} means nothing to the model ${model}: ${kind.title.toLowerCase()} has no such parameter`);
}

/** Files no parameter refers to: the job does not keep them. */
export function unusedFiles(form: Form, { inputs, request }: JobParameters): UploadedFile[] {
  const used: readonly unknown[] = [...Object.values(inputs).flat(), request];
  return form.files.map((part) => part.upload).filter((upload) => !used.includes(upload));
}

/** Ids or URLs of jobs; whether they are there, the handler looks. Throws OTF_BAD_REQUEST. */
function parseAfter(given: Parameters): string[] {
  const names = given.repeated('AFTER').flatMap((value) => value.split(/[,\s]+/));
  const ids = names.map((name) => name.replace(/\/+$/, '').replace(/^.*\//, '')).filter((name) => name !== '');
  if (ids.length > kMostFollowed) throw badRequest(`AFTER: more than ${kMostFollowed} jobs`);
  return [...new Set(ids)];
}

/** Where results go; whether they may, shows when they do. Throws OTF_BAD_REQUEST. */
function parseResultsTo(given: Parameters): string | undefined {
  const value = given.single('RESULTS_TO');
  if (value === undefined) return undefined;
  if (!URL.canParse(value)) throw badRequest('RESULTS_TO is no URL');
  const url = new URL(value);
  if (!isFetchable(url))
    throw badRequest(`RESULTS_TO: ${url.protocol} URLs are not accepted, http, https, dav, davs and s3 are`);
  if (url.username !== '' || url.password !== '')
    throw badRequest('RESULTS_TO: a URL with a user name is not accepted');
  const folder = url.pathname === '' || url.pathname.endsWith('/');
  if (folder && /^https?:$/.test(url.protocol))
    throw badRequest('RESULTS_TO: an http address takes one result: end it with a name');
  if (folder && url.search !== '') throw badRequest('RESULTS_TO: a folder has no query');
  return value;
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
