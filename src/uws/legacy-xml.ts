/**
 * The request document of the older client. It looks like a UWS job and is none; all that counts in it is which model and
 * which compute type (interop.md, section 8). Paths in it name files of the client's machine and are never touched.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { OtfError } from '../errors/catalogue.js';
import { kForeignXml } from '../results/xml.js';

export const kMaxRequestBytes = 1 << 20;
const kMaxDepth = 32;
const kMaxValue = 200;

const kParser = new XMLParser({
  ...kForeignXml,
  maxNestedTags: kMaxDepth,
});

export interface LegacyRequest {
  model: string | undefined;
  quantization: string | undefined;
}

const kModelNames = ['modelname', 'modelid', 'model', 'model_id', 'filename'];
const kQuantizationNames = ['quantization'];

/** Throws OTF_XML_MALFORMED: no XML, entities, too large, too deep. */
export function parseLegacyRequest(bytes: Uint8Array): LegacyRequest {
  const root = parse(bytes);
  const parameters = new Map<string, string>();
  let model: string | undefined;
  let quantization: string | undefined;
  // Depth is bounded by the parser, so this loop is too.
  const open: [string, unknown][] = Object.entries(root);
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const [name, value] = entry;
    for (const each of Array.isArray(value) ? value : [value]) {
      const id = record(each)['@id'];
      if (name === 'parameter' && typeof id === 'string') parameters.set(id.toLowerCase(), textOf(each));
      if (name === 'yolo_model') model = textOf(record(each).filename) || textOf(record(each).name) || model;
      if (name === 'preprocessing') quantization = textOf(record(each).quantization) || quantization;
      open.push(...Object.entries(record(each)));
    }
  }
  const named = (names: string[]) => names.map((name) => parameters.get(name)).find((value) => value);
  return { model: named(kModelNames) ?? model, quantization: named(kQuantizationNames) ?? quantization };
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.length > kMaxRequestBytes) throw malformed(`it is larger than ${kMaxRequestBytes} bytes`);
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('it is not UTF-8');
  }
  if (/<!(DOCTYPE|ENTITY)/i.test(source)) throw malformed('a document type is not accepted');
  if (deeperThan(source, kMaxDepth)) throw malformed(`elements are nested deeper than ${kMaxDepth}`);
  const valid = XMLValidator.validate(source);
  if (valid !== true) throw malformed(`line ${valid.err.line}: ${valid.err.msg}`);
  try {
    return record(kParser.parse(source));
  } catch (thrown) {
    throw malformed((thrown as Error).message);
  }
}

/** A first count before any tree is built; odd attribute values can fool it, the parser's own limit stands behind it. */
function deeperThan(source: string, limit: number): boolean {
  let depth = 0;
  for (const [, closing, empty] of source.matchAll(/<(\/?)[A-Za-z_][^<>]*?(\/?)>/g)) {
    if (closing) depth--;
    else if (!empty) depth++;
    if (depth > limit) return true;
  }
  return false;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

const kEntities = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['amp', '&'],
]);

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : record(value)['#text'];
  if (typeof text !== 'string') return '';
  const plain = text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => kEntities.get(name) ?? '').trim();
  // Upstream's own documents sometimes quote their values.
  return plain.replace(/^(["'])(.*)\1$/, '$2').slice(0, kMaxValue);
}

function malformed(reason: string): OtfError {
  return new OtfError('OTF_XML_MALFORMED', `the XML request cannot be read: ${reason}`);
}
