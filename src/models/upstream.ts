/**
 * The registry file of the upstream server, `CIANNA_models.xml`: one UWS-shaped job element per model, its facts as
 * `uws:parameter` elements; or, as it was before, `Model` elements with the facts as elements of their own. Both are read,
 * for `models list --server`; the first is generated for clients that download it (docs/interop.md).
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { OtfError } from '../errors/catalogue.js';
import { escapeXml, kForeignXml } from '../io/xml.js';
import type { ModelCard } from './card.js';

export interface UpstreamModel {
  /** Parameter `ModelName`, e.g. net0_s1800.dat. */
  name: string;
  /** Every parameter by its id, text trimmed. */
  parameters: Record<string, string>;
}

const kParser = new XMLParser({
  ...kForeignXml,
  isArray: (name) => name === 'job' || name === 'parameter' || name === 'Model',
});

/** Throws OTF_XML_MALFORMED. Several models: several job elements, wherever they stand. */
export function parseUpstreamRegistry(xml: string, label: string): UpstreamModel[] {
  if (/<!DOCTYPE/i.test(xml)) throw new OtfError('OTF_XML_MALFORMED', `${label}: a document type is not accepted`);
  const valid = XMLValidator.validate(xml);
  if (valid !== true) throw new OtfError('OTF_XML_MALFORMED', `${label}, line ${valid.err.line}: ${valid.err.msg}`);
  const models: UpstreamModel[] = [];
  collect(kParser.parse(xml), (name, element) => {
    const parameters = name === 'job' ? jobParameters(element) : modelParameters(element);
    if (parameters.ModelName) models.push({ name: parameters.ModelName, parameters });
  });
  if (models.length === 0) {
    const wanted = 'no job element with a parameter ModelName, and no Model element with a Name';
    throw new OtfError('OTF_XML_MALFORMED', `${label}: ${wanted}`);
  }
  return models;
}

function collect(node: unknown, found: (name: 'job' | 'Model', element: unknown) => void): void {
  for (const [name, child] of Object.entries(asRecord(node))) {
    if (name === 'job' || name === 'Model') for (const each of asArray(child)) found(name, each);
    else for (const each of asArray(child)) collect(each, found);
  }
}

function jobParameters(job: unknown): Record<string, string> {
  const parameters = asArray(asRecord(asRecord(job).parameters).parameter).flatMap((entry) => {
    const id = asRecord(entry)['@id'];
    return typeof id === 'string' ? [[id, textOf(entry)]] : [];
  });
  return Object.fromEntries(parameters);
}

/** The names both forms have are the same, but for these. */
const kModelNames = new Map([
  ['Name', 'ModelName'],
  ['URL_Link', 'ModelURL'],
]);
const kDatasets = ['TrainingDatasets', 'TrainingDataset'];

function modelParameters(model: unknown): Record<string, string> {
  const parameters: [string, string][] = [];
  for (const [name, value] of Object.entries(asRecord(model))) {
    if (name === '@id' && typeof value === 'string') parameters.push(['ModelId', value]);
    if (name.startsWith('@') || name === '#text') continue;
    if (kDatasets.includes(name)) {
      for (const [part, text] of Object.entries(asRecord(asArray(value)[0])))
        parameters.push([`TrainingDataset${part}`, textOf(text)]);
    } else parameters.push([kModelNames.get(name) ?? name, textOf(asArray(value)[0])]);
  }
  return Object.fromEntries(parameters);
}

/** Values of the older form sometimes stand in quotes. */
function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : asRecord(value)['#text'];
  return unescapeXml(typeof text === 'string' ? text : '').replace(/^(["'])(.*)\1$/s, '$2');
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function asArray(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

const kEntities = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['amp', '&'],
]);

function unescapeXml(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => kEntities.get(name) ?? '');
}

/**
 * The registry document of these cards, one job element each. A single model has the job as its root, as upstream writes
 * it; several have uws:jobs, for upstream's client reads on only when the root's name has `uws` or `job` in it.
 */
export function generateUpstreamRegistry(cards: readonly ModelCard[], server: RegistryServer = {}): string {
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  const spaces =
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
  const only = cards.length === 1 ? cards[0] : undefined;
  if (only) return head + jobElement(only, server, ` ${spaces} version="1.1"`);
  return `${head}<uws:jobs ${spaces} version="1.1">\n${cards.map((card) => jobElement(card, server, '')).join('')}</uws:jobs>\n`;
}

function jobElement(card: ModelCard, server: RegistryServer, attributes: string): string {
  const parameters = Object.entries(upstreamParameters(card, server))
    .map(([id, value]) => `    <uws:parameter id="${id}">${escapeXml(value)}</uws:parameter>\n`)
    .join('');
  return (
    `<uws:job${attributes}>\n  <uws:jobId>${escapeXml(card.id)}</uws:jobId>\n  <uws:ownerId xsi:nil="true"/>\n` +
    `  <uws:phase>PENDING</uws:phase>\n  <uws:parameters>\n${parameters}  </uws:parameters>\n  <uws:results/>\n</uws:job>\n`
  );
}

/** What a server knows beside its cards; without it those parameters are left out. */
export interface RegistryServer {
  /** Absolute, without a slash at the end. */
  url?: string;
  maxBatch?: number;
}

function upstreamParameters(card: ModelCard, { url, maxBatch }: RegistryServer): Record<string, string> {
  const it = card.detector;
  const plane = (px: number) => `${px}x${px}x1x1`;
  const name = card.aliases.find((alias) => alias.endsWith('.dat')) ?? `${card.id}.dat`;
  return {
    CIANNAVersion: card.cianna_version,
    ModelName: name,
    ModelId: card.id,
    ReleaseDate: card.released ?? '',
    OriginalInputDim: plane(card.tile),
    ...known('ReceptiveField', card.receptive_field),
    ...known('MaxBatchSize', maxBatch),
    ...known('ModelURL', url && `${url}/model-files/${encodeURIComponent(name)}`),
    YOLOGridElemDim: plane(it.grid_element),
    YOLOBoxCount: String(it.boxes),
    YOLOParamCount: String(it.parameters.length),
    YOLOGridCount: String(card.tile / it.grid_element),
    DataNormalization: 'Global',
    DataNormalizationType: card.normalisation.map((step) => step.op).join(', '),
    DataQuantization: 'float32',
    TrainingQuantization: 'FP32C_FP32A',
    BiasInit: String(card.input_bias),
    InferenceMode: 'Grid',
    InferenceQuantization: card.quantizations.join(', '),
    InferencePatchShift: String(card.tile - card.overlap),
    TrainingDatasetName: card.training.name,
    TrainingDatasetDescription: card.training.description,
    TrainingDatasetLocation: card.training.location ?? '',
    FirstNMSThresholds: it.first_iou.join(','),
    FirstNMSObjThresholds: it.first_objectness.join(','),
    ObjThresholds: it.objectness_threshold.join(','),
    // Upstream's name for the thresholds by prior box.
    ProbObjCases: it.objectness_threshold.join(','),
    ...known('BoxPriorClass', it.box_prior_class?.join(',')),
    SecondNMSThreshold: String(it.second_iou),
    ValMedLims: it.median_limit.join(','),
    ValMedObj: it.median_objectness.join(','),
  };
}

function known(id: string, value: string | number | undefined): Record<string, string> {
  return value === undefined || value === '' ? {} : { [id]: String(value) };
}
