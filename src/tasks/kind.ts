/**
 * What kind of task something is, as values: everything the rest of the program needs to know of a kind. Creation, answers
 * about parameters, /openapi.json, the options of commands and provenance are made from this one description; what happens
 * to the pixels is in work.ts. A kind is a folder beside this file and a line in kinds.ts.
 */
import type { ItemShape } from '../engine/process.js';
import type { ModelCard } from '../models/card.js';
import type { NormalisationDefaults } from '../models/normalisation.js';
import type { CardSection } from '../models/schema.js';
import type { ResultFormats } from '../results/formats.js';
import type { Inputs } from './files.js';
import type { Given, ParameterDescription } from './parameters.js';
import type { TaskWork } from './work.js';

/** A file the task works on. Requests give it as a file part, as param:NAME of another part, or as a URL. */
export interface InputDescription {
  /** As requests spell it, in capitals. */
  name: string;
  /** In provenance, e.g. image. The first input of a kind is what its result is derived from. */
  role: string;
  required: boolean;
  /** NAME_SHA256 says which checksum it must have. */
  checked: boolean;
  /** So many files may be given, in their order: several parts or values, or values separated by blanks. Absent = one. */
  most?: number;
  /** Media type, in provenance. Absent = image/fits. */
  mime?: string;
  help: string;
}

/** What clients of the kind asked for beside model, compute type and inputs: JSON, read and printed by the kind alone. */
export type Asked = Readonly<Record<string, unknown>>;

/** What a server prefers where a request says nothing: section [detection] of its configuration. */
export interface ServerDefaults extends NormalisationDefaults {
  /** '' = the card's first. */
  quantization: string;
}

/** Of a command. */
export const kNoDefaults: ServerDefaults = { quantization: '', norm_fct: [] };

export interface TaskKind {
  /** `kind` of the model card, and the name of its section; column of the job table. */
  name: string;
  /** In small letters but for the first: begins sentences, ends them after lowering. */
  title: string;
  /** What the result with the id `result` is: for people, as a role in provenance, and what its rows are (sources). */
  result: { title: string; role: string; rows: string };
  card: CardSection;
  inputs: readonly InputDescription[];
  parameters: readonly ParameterDescription[];
  /** `inputs`: names of those that came with them. Throws OTF_BAD_REQUEST. What was not given is absent. */
  readParameters: (given: Given, card: ModelCard, defaults: ServerDefaults, inputs: readonly string[]) => Asked;
  /** Name and text of each that was given, in the order of the descriptions, as a request would give them. */
  printParameters: (asked: Asked) => [name: string, value: string][];
  /** Most of its inputs is read: their checksums cost little beside that. */
  readsAll: (asked: Asked) => boolean;
  /** Its first input may be opened and its first items worked on while the rest of it is still on its way (TaskWork.bytesFor). */
  beginsEarly?: (asked: Asked) => boolean;
  /** Of one item of a forward pass. A task may have none (OpenedTask.items): no engine is asked for it then. */
  itemShape: (card: ModelCard) => ItemShape;
  /** Progress counts these, e.g. tiles. */
  unit: string;
  /** Of `result`; the first is written unless another is asked for. */
  formats: ResultFormats;
  /** A result, a table, of which parts can be had by their names (TaskWork.part): results/RESULT?PARAMETER=NAME. */
  part?: { result: string; parameter: string };
  /** Loads the native part. */
  work: () => Promise<TaskWork>;
}

export interface Progress {
  done: number;
  total: number;
  unit: string;
}

/** The first required input that is not there. */
export function missingInput(kind: TaskKind, inputs: Inputs): InputDescription | undefined {
  return kind.inputs.find(({ name, required }) => required && (inputs[name] ?? []).length === 0);
}
