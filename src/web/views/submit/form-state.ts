/** What the form asks for: values by the names of fields, as they are sent. Rerun of a job begins with what that one was given. */
import { computed, signal } from '@preact/signals';
import type { Field, Kind, Model } from '../../api/kinds.js';
import { abilities, kindOf, modelOf } from '../../state/abilities.js';

/** '' = not given: the server decides. */
export const modelId = signal('');
export const values = signal<Readonly<Record<string, string>>>({});

/** The model that is chosen, or that the server takes when none is. */
export const model = computed<Model | undefined>(
  () => modelOf(modelId.value) ?? modelOf(abilities.value?.defaultModel),
);
export const kind = computed<Kind | undefined>(() => kindOf(model.value?.kind));

export function setValue(name: string, value: string): void {
  values.value = { ...values.value, [name]: value };
}

/** Of the kind's own fields, and of those every kind has beside model, inputs and phase. */
export function ownFields({ fields, parameters }: Kind): Field[] {
  return fields.filter(({ name }) => parameters.includes(name));
}

const kElsewhere = new Set(['MODEL', 'QUANTIZATION', 'PHASE', 'RESPONSEFORMAT']);

export function commonFields({ fields, parameters, inputs }: Kind): Field[] {
  const files = new Set(inputs.flatMap(({ name }) => [name, `${name}_SHA256`]));
  return fields.filter(({ name }) => !parameters.includes(name) && !files.has(name) && !kElsewhere.has(name));
}

/** What is sent beside the inputs: only what the kind knows, and only what was given. */
export function givenFields(of: Kind): [name: string, value: string][] {
  const known = new Set(of.fields.map(({ name }) => name));
  const files = new Set(of.inputs.map(({ name }) => name));
  const given = Object.entries(values.value).filter(
    ([name, value]) => known.has(name) && !files.has(name) && value.trim() !== '',
  );
  const named: [string, string][] = modelId.value === '' ? [] : [['MODEL', modelId.value]];
  return [...named, ...given.map(([name, value]): [string, string] => [name, value.trim()])];
}

/** Why a value will be refused; undefined = nothing is seen. The server has the last word. */
export function faultOf(field: Pick<Field, 'type' | 'min' | 'max'>, text: string): string | undefined {
  const value = text.trim();
  if (value === '' || field.type === 'text' || field.type === 'choice') return undefined;
  const whole = field.type === 'integer';
  if (!(whole ? /^[+-]?\d{1,16}$/ : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i).test(value)) {
    return whole ? 'a whole number is wanted' : 'a number is wanted';
  }
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = field;
  const number = Number(value);
  if (number >= min && number <= max) return undefined;
  return `from ${field.min ?? 'any'} to ${field.max ?? 'any'}`;
}
