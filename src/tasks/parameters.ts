/** Parameters of requests, described for machines, and how values are read by their descriptions. */
import { OtfError } from '../errors/catalogue.js';
import type { Address, Inputs, UploadedFile } from './files.js';
import type { Asked } from './kind.js';

/** What one value is. */
export interface ValueDescription {
  type: 'text' | 'integer' | 'real' | 'choice';
  /** VOUnits spelling. */
  unit?: string;
  /** Limits of numbers; of texts, their length in characters. */
  min?: number;
  max?: number;
  /** In small letters. */
  choices?: readonly string[];
}

/** One of several values that belong together. */
export interface PartDescription extends ValueDescription {
  /** In capitals, e.g. RA. */
  name: string;
  /** Fields that may give it alone: spellings of one. */
  fields?: readonly string[];
}

export interface ParameterDescription extends ValueDescription {
  /** As requests spell it, in capitals: PIXEL_UNIT is --pixel-unit on a command line. */
  name: string;
  /** So many values, separated by commas or blanks: each is described, and `type` is that of all. */
  parts?: readonly PartDescription[];
  /** Any number of values up to this, separated by commas or blanks, or by giving the parameter again. */
  most?: number;
  /** Names of those that say the same in another way: a job has one of them. */
  insteadOf?: readonly string[];
  /** What holds when it is not given, in words or as a value. */
  default?: string;
  /** In small letters, without a full stop. */
  help: string;
}

/** The parameters of a request; names in capitals. */
export interface Given {
  /** Undefined when absent. Throws OTF_BAD_REQUEST when given more than once. */
  single: (name: string) => string | undefined;
  repeated: (name: string) => readonly string[];
}

/** What a job was given: what every kind has, and what is the kind's own. */
export interface JobParameters {
  /** As the client wrote it; undefined = the server's default. */
  model?: string;
  quantization?: string;
  /** SHA-256 of the network file when the job was made: it runs with that one or not at all. Rows of before have none. */
  modelSha256?: string;
  inputs: Inputs;
  /** 64 lower-case hexadecimal digits an input must have, by its name. */
  checksums?: Readonly<Record<string, string>>;
  asked: Asked;
  /** Jobs that must have ended well before this one is queued, beside those whose files it takes. */
  after?: readonly string[];
  /** The chain it was made with, and its step there. */
  chain?: { id: string; step: string };
  /** Format of the result with the id `result`; undefined = the kind's first. */
  responseFormat?: string;
  /** Where results are brought once the job is COMPLETED: one address, or a folder (a slash at its end). */
  resultsTo?: Address;
  /** When the request that made the job began to arrive, milliseconds since 1970. */
  receivedMs?: number;
  /** The request document of an older client: a file in the job's folder. */
  request?: UploadedFile;
}

export function badRequest(message: string): OtfError {
  return new OtfError('OTF_BAD_REQUEST', message);
}

/** Every name a request may use for it. */
export function spellings({ name, parts = [] }: ParameterDescription): string[] {
  return [name, ...parts.flatMap(({ fields = [] }) => fields)];
}

/** What its value looks like: X,Y,W,H; or its own name. */
export function formOf({ name, parts, most }: ParameterDescription): string {
  if (parts) return parts.map((part) => part.name).join(',');
  return most === undefined ? name : `${name},...`;
}

type Value = string | number;

/** `name` stands in messages. Throws OTF_BAD_REQUEST naming it, what came, and what is wanted. */
export function readValue(name: string, description: ValueDescription, text: string): Value {
  const { type, choices = [] } = description;
  const refuse = (wanted: string) => badRequest(`${name}=${text.slice(0, kShownChars)}: not ${wanted}`);
  const trimmed = text.trim();
  if (type === 'choice') {
    const found = choices.find((choice) => choice === trimmed.toLowerCase());
    if (found === undefined) throw refuse(`one of ${choices.join(', ')}`);
    return found;
  }
  if (type === 'text') {
    const { min = 0, max = Number.POSITIVE_INFINITY } = description;
    if (trimmed.length < min || trimmed.length > max) throw refuse(`a text of ${min} to ${max} characters`);
    return trimmed;
  }
  const value = kNumbers[type].test(trimmed) ? Number(trimmed) : Number.NaN;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = description;
  if (!(value >= min && value <= max)) throw refuse(`${kKinds[type]}${limitsText(description)}`);
  return value;
}

const kShownChars = 80;
const kNumbers = { integer: /^[+-]?\d{1,16}$/, real: /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i } as const;
const kKinds = { integer: 'a whole number', real: 'a number' } as const;

function limitsText({ min, max }: ValueDescription): string {
  return `${min === undefined ? '' : ` from ${min}`}${max === undefined ? '' : ` to ${max}`}`;
}

/** Of a parameter with parts. Throws OTF_BAD_REQUEST. */
export function readParts(description: ParameterDescription, text: string): Value[] {
  const { name, parts = [] } = description;
  const given = text.trim().split(/[,\s]+/);
  if (given.length !== parts.length) {
    throw badRequest(`${name}=${text.slice(0, kShownChars)}: not ${parts.length} values ${formOf(description)}`);
  }
  return parts.map((part, index) => readValue(`${name}: ${part.name}`, part, given[index] ?? ''));
}

/** Of a parameter with any number of values. Throws OTF_BAD_REQUEST. */
export function readList(description: ParameterDescription, texts: readonly string[]): Value[] {
  const { name, most = 1 } = description;
  const given = texts.flatMap((text) => text.split(/[,\s]+/)).filter((text) => text !== '');
  if (given.length > most) throw badRequest(`${name}: more than ${most} values`);
  return given.map((text) => readValue(name, description, text));
}

/** The parameter of this description, by itself: what goes with others is the kind's to check. Undefined = not given. */
export function readParameter(description: ParameterDescription, given: Given): Value | Value[] | undefined {
  const { name, parts, most } = description;
  if (most !== undefined) {
    const texts = given.repeated(name);
    return texts.length === 0 ? undefined : readList(description, texts);
  }
  const text = given.single(name);
  if (text === undefined) return undefined;
  return parts ? readParts(description, text) : readValue(name, description, text);
}
