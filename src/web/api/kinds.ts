/** What a job can be: kinds with their fields, and models with their cards, as the server describes them. */
import { readJson } from './http.js';

export interface Value {
  type: 'text' | 'integer' | 'real' | 'choice';
  unit?: string;
  min?: number;
  max?: number;
  choices?: string[];
}

export interface Part extends Value {
  name: string;
}

export interface Field extends Value {
  name: string;
  parts?: Part[];
  /** Any number of values up to this. */
  most?: number;
  default?: string;
  help: string;
}

export interface Input {
  name: string;
  role: string;
  required: boolean;
  help: string;
}

export interface Format {
  name: string;
  extension: string;
  mediaType: string;
}

export interface Kind {
  name: string;
  title: string;
  result: { title: string; role: string; rows?: string };
  unit: string;
  inputs: Input[];
  /** Names of the fields that are the kind's own. */
  parameters: string[];
  fields: Field[];
  formats: Format[];
  /** Parts of a result that is a table can be had by their names: results/RESULT?PARAMETER=NAME. */
  part?: { result: string; parameter: string };
}

/** A model card; further members are shown as they come. */
export interface Model {
  id: string;
  title: string;
  kind: string;
  quantizations: string[];
  unit?: string;
  training: { name: string; description: string; location?: string };
  licence: string;
  citation: string;
  released?: string;
  [member: string]: unknown;
}

export interface Abilities {
  kinds: Kind[];
  models: Model[];
  /** Id of the model of a job that names none. */
  defaultModel: string;
}

export async function readAbilities(): Promise<Abilities> {
  const [{ kinds }, { models, default: defaultModel }] = await Promise.all([
    readJson<{ kinds: Kind[] }>('kinds'),
    readJson<{ default: string; models: Model[] }>('models'),
  ]);
  return { kinds, models, defaultModel };
}
