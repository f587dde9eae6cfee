/**
 * The registry file of the upstream server, `CIANNA_models.xml`: one UWS-shaped job element per model, its facts as
 * `uws:parameter` elements. Read here so that a model published that way can be described by a card, and generated for
 * clients that download it (interop.md, section 8).
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { OtfError } from '../errors/catalogue.js';
import { escapeXml, kForeignXml } from '../results/xml.js';
import type { ModelCard } from './card.js';

export interface UpstreamModel {
  /** Parameter `ModelName`, e.g. net0_s1800.dat. */
  name: string;
  /** Every parameter by its id, text trimmed. */
  parameters: Record<string, string>;
}

const kParser = new XMLParser({
  ...kForeignXml,
  isArray: (name) => name === 'job' || name === 'parameter',
});

/** Throws OTF_XML_MALFORMED. Several models: several job elements, wherever they stand. */
export function parseUpstreamRegistry(xml: string, label: string): UpstreamModel[] {
  if (/<!DOCTYPE/i.test(xml)) throw new OtfError('OTF_XML_MALFORMED', `${label}: a document type is not accepted`);
  const valid = XMLValidator.validate(xml);
  if (valid !== true) throw new OtfError('OTF_XML_MALFORMED', `${label}, line ${valid.err.line}: ${valid.err.msg}`);
  const models: UpstreamModel[] = [];
  collectJobs(kParser.parse(xml), (job) => {
    const parameters: Record<string, string> = {};
    for (const entry of asArray(asRecord(asRecord(job).parameters).parameter)) {
      const id = asRecord(entry)['@id'];
      const text = typeof entry === 'string' ? entry : asRecord(entry)['#text'];
      if (typeof id === 'string') parameters[id] = unescapeXml(typeof text === 'string' ? text : '');
    }
    if (parameters.ModelName) models.push({ name: parameters.ModelName, parameters });
  });
  if (models.length === 0)
    throw new OtfError('OTF_XML_MALFORMED', `${label}: no job element with a parameter ModelName`);
  return models;
}

function collectJobs(node: unknown, found: (job: unknown) => void): void {
  for (const [name, child] of Object.entries(asRecord(node))) {
    if (name === 'job') asArray(child).forEach(found);
    else for (const each of asArray(child)) collectJobs(each, found);
  }
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
export function generateUpstreamRegistry(cards: readonly ModelCard[]): string {
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  const spaces =
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
  const only = cards.length === 1 ? cards[0] : undefined;
  if (only) return head + jobElement(only, ` ${spaces} version="1.1"`);
  return `${head}<uws:jobs ${spaces} version="1.1">\n${cards.map((card) => jobElement(card, '')).join('')}</uws:jobs>\n`;
}

function jobElement(card: ModelCard, attributes: string): string {
  const parameters = Object.entries(upstreamParameters(card))
    .map(([id, value]) => `    <uws:parameter id="${id}">${escapeXml(value)}</uws:parameter>\n`)
    .join('');
  return (
    `<uws:job${attributes}>\n  <uws:jobId>${escapeXml(card.id)}</uws:jobId>\n  <uws:ownerId xsi:nil="true"/>\n` +
    `  <uws:phase>PENDING</uws:phase>\n  <uws:parameters>\n${parameters}  </uws:parameters>\n  <uws:results/>\n</uws:job>\n`
  );
}

function upstreamParameters(card: ModelCard): Record<string, string> {
  const it = card.detector;
  const plane = (px: number) => `${px}x${px}x1x1`;
  return {
    CIANNAVersion: card.cianna_version,
    ModelName: card.aliases.find((alias) => alias.endsWith('.dat')) ?? `${card.id}.dat`,
    ModelId: card.id,
    ReleaseDate: card.released ?? '',
    OriginalInputDim: plane(card.tile),
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
    SecondNMSThreshold: String(it.second_iou),
    ValMedLims: it.median_limit.join(','),
    ValMedObj: it.median_objectness.join(','),
  };
}
