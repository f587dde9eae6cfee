/** Options made of the descriptions of a task's parameters, and what they say as a request would. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import type { ResultFormats } from '../results/formats.js';
import type { InputDescription } from '../tasks/kind.js';
import { formOf, type Given, type ParameterDescription, readList, readParts, readValue } from '../tasks/parameters.js';
import { kKinds } from '../tasks/registry.js';

/** As commander gives them: by the names of the options, pixelUnit for --pixel-unit. */
type Options = Readonly<Record<string, unknown>>;

/** Of every kind; a name that several have is described once. */
export function allParameters(): ParameterDescription[] {
  return onceByName(kKinds.flatMap(({ parameters }) => parameters));
}

/** But the first of a kind, which commands take as their argument. */
export function furtherInputs(): InputDescription[] {
  return onceByName(kKinds.flatMap(({ inputs }) => inputs.slice(1)));
}

export function allFormats(): ResultFormats {
  return Object.assign({}, ...kKinds.map(({ formats }) => formats));
}

function onceByName<T extends { name: string }>(all: readonly T[]): T[] {
  return [...new Map(all.map((each) => [each.name, each])).values()];
}

export function addParameterOptions(command: Command, parameters: readonly ParameterDescription[]): Command {
  for (const description of parameters) command.addOption(parameterOption(description));
  return command;
}

export function addInputOptions(command: Command, inputs: readonly InputDescription[]): Command {
  for (const { name, help } of inputs) command.option(`--${flag(name)} <file>`, help);
  return command;
}

/** The option holds the text, checked by itself: what it means with others, the kind says. */
function parameterOption(description: ParameterDescription): Option {
  const { name, parts, most, choices, default: otherwise, help } = description;
  const wanted = choices ? `: ${choices.join(', ')}` : '';
  const tail = otherwise === undefined ? '' : ` (default: ${otherwise})`;
  const option = new Option(`--${flag(name)} <${placeholder(description)}>`, `${help}${wanted}${tail}`);
  return option.argParser((text) => {
    try {
      if (parts) readParts(description, text);
      else if (most !== undefined) readList(description, [text]);
      else readValue(name, description, text);
    } catch (thrown) {
      throw new InvalidArgumentError(`${toOtfError(thrown).message}.`);
    }
    return text;
  });
}

const kPlaceholders = { text: 'text', choice: 'name', integer: 'n', real: 'x' } as const;

function placeholder(description: ParameterDescription): string {
  const { parts, most, type } = description;
  if (parts) return formOf(description).toLowerCase();
  return most === undefined ? kPlaceholders[type] : `${kPlaceholders[type]},...`;
}

function flag(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function key(name: string): string {
  return flag(name).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Fields of a request: those options that were given. */
export function fieldsOfOptions(options: Options, described: readonly { name: string }[]): Record<string, string> {
  const given = described.flatMap(({ name }) => {
    const value = options[key(name)];
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  return Object.fromEntries(given);
}

export function givenOf(fields: Record<string, string>): Given {
  const of = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : undefined);
  return {
    single: of,
    repeated: (name) => [of(name) ?? []].flat(),
  };
}

/** On a command line, a wrong parameter is wrong usage. */
export function asUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const error = toOtfError(thrown);
    if (error.code !== 'OTF_BAD_REQUEST') throw error;
    throw new OtfError('OTF_USAGE', error.message);
  }
}
