/**
 * The request document of the observatory's clients. It looks like a UWS job and is none; what counts in it are its
 * parameters. Paths in it name files of the client's machine and are never touched. Two contracts
 * (docs/interop.md, The observatory's clients): the client of 2025-12 wants only model and compute type read, today's means every parameter.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { OtfError } from '../errors/catalogue.js';
import { kForeignXml } from '../io/xml.js';

const kMaxRequestBytes = 1 << 20;
const kMaxDepth = 32;
const kMaxValue = 200;

const kParser = new XMLParser({
  ...kForeignXml,
  maxNestedTags: kMaxDepth,
});

export type Contract = '2025-12' | 'current';

export interface ObservatoryRequest {
  /** By the shape of the document. */
  contract: Contract;
  model: string | undefined;
  quantization: string | undefined;
  /** Meant by today's contract only; numbers as text. */
  text: {
    ra: string | undefined;
    dec: string | undefined;
    width: string | undefined;
    height: string | undefined;
    minPix: string | undefined;
    maxPix: string | undefined;
    /** Every value given, lists taken apart; empty = none. */
    normFct: string[];
  };
}

/** Names without case, `_`, `-` and blanks: parameters are spelt ModelName here, yolo_model there. */
const kNames = {
  model: ['modelname', 'modelid', 'model', 'filename', 'yolomodel'],
  quantization: ['quantization'],
  ra: ['ra'],
  dec: ['dec'],
  width: ['roiw', 'roiwidth', 'w', 'width'],
  height: ['roih', 'roiheight', 'h', 'height'],
  minPix: ['minpix'],
  maxPix: ['maxpix'],
  normFct: ['normfct', 'normfcts', 'normalisation', 'normalization'],
};
/** Parameters that the client of 2025-12 does not write. */
const kOfToday = ['normfct', 'normfcts', 'minpix', 'maxpix', 'roiw', 'roih', 'dotiling', 'userid', 'yolomodel'];
/** What clients write when their user chose none. */
const kNoModel = 'default_model';
/** Python's and nobody's. */
const kNothing = /^(none|null|nan)?$/i;

/** Throws OTF_XML_MALFORMED: no XML, entities, too large, too deep. */
export function parseObservatoryRequest(bytes: Uint8Array): ObservatoryRequest {
  const { parameters, elements } = collect(parse(bytes));
  const all = (names: readonly string[]) => {
    for (const source of [parameters, elements]) {
      for (const name of names) {
        const values = (source.get(name) ?? []).filter((value) => !kNothing.test(value));
        if (values.length > 0) return values;
      }
    }
    return [];
  };
  const one = (key: keyof typeof kNames) => all(kNames[key])[0];
  const named = one('model');
  return {
    contract: contractOf(parameters, elements),
    model: named === kNoModel ? undefined : named,
    quantization: one('quantization'),
    text: {
      ra: one('ra'),
      dec: one('dec'),
      width: one('width'),
      height: one('height'),
      minPix: one('minPix'),
      maxPix: one('maxPix'),
      normFct: all(kNames.normFct).flatMap(listOf),
    },
  };
}

type Found = Map<string, string[]>;

/** 2025-12: phase QUEUING and none of today's parameters, or the form before it, which has no parameters at all. */
function contractOf(parameters: Found, elements: Found): Contract {
  const phase = elements.get('phase')?.[0] ?? '';
  const older = phase.toUpperCase() === 'QUEUING' && !kOfToday.some((name) => parameters.has(name));
  const oldest = parameters.size === 0 && (elements.has('yolomodel') || elements.has('preprocessing'));
  return older || oldest ? '2025-12' : 'current';
}

/** Values of `parameter` elements by their id, and texts of all others by their name. */
function collect(root: Record<string, unknown>): { parameters: Found; elements: Found } {
  const parameters: Found = new Map();
  const elements: Found = new Map();
  const add = (to: Found, name: string, value: string) => {
    const key = name.toLowerCase().replace(/[_\s-]/g, '');
    const values = to.get(key);
    if (values) values.push(value);
    else to.set(key, [value]);
  };
  // Depth is bounded by the parser, so this is too.
  const visit = (name: string, value: unknown): void => {
    for (const each of Array.isArray(value) ? value : [value]) {
      const children = Object.entries(record(each)).filter(([key]) => !key.startsWith('@') && key !== '#text');
      const id = record(each)['@id'];
      if (name === 'parameter' && typeof id === 'string') {
        const items = children.flatMap(([, child]) => (Array.isArray(child) ? child : [child])).map(textOf);
        for (const text of items.length > 0 ? items : [textOf(each)]) add(parameters, id, text);
      } else {
        add(elements, name, textOf(each));
        if (name === 'yolo_model') add(elements, name, textOf(record(each).name));
        for (const [key, child] of children) visit(key, child);
      }
    }
  };
  for (const [name, value] of Object.entries(root)) if (!name.startsWith('@')) visit(name, value);
  return { parameters, elements };
}

/** `tanh`, `tanh, sqrt` or Python's `['tanh', 'sqrt']`. */
function listOf(text: string): string[] {
  const items = text.replace(/^[[(]|[\])]$/g, '').split(/[,;\s]+/);
  return items.map((item) => item.replace(/^["']|["']$/g, '')).filter((item) => item !== '');
}

/** Asked before it is read into memory. Throws OTF_XML_MALFORMED. */
export function assertRequestSize(bytes: number): void {
  if (bytes > kMaxRequestBytes) throw malformed(`it is larger than ${kMaxRequestBytes} bytes`);
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  assertRequestSize(bytes.length);
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
