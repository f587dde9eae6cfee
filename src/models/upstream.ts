/**
 * The registry file of the upstream server, `CIANNA_models.xml`: one UWS-shaped job element per model, its facts as
 * `uws:parameter` elements; or, as it was before, `Model` elements with the facts as elements of their own. Both are read,
 * for `models list --server`. src/tasks/detection/upstream-registry.ts writes the first.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { OtfError } from '../errors/catalogue.js';
import { kForeignXml } from '../io/xml.js';

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
