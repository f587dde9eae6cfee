/** The files of a job: parts of a form, param:NAME of another part, files that are here (job-inputs.ts), or URLs. */
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { localPath } from '../fetch/local-file.js';
import type { InputFile, Inputs } from '../tasks/files.js';
import type { TaskKind } from '../tasks/kind.js';
import type { FilePart, Form } from './exchange.js';
import { checksumName } from './fields.js';
import { linkedPart } from './job-inputs.js';
import { badRequest, type Parameters } from './parameters.js';

type FetchRules = Pick<Config['fetch'], 'file_roots'>;

/** Those that were given. Throws OTF_BAD_REQUEST, OTF_FETCH_REFUSED. */
export function readInputs(form: Form, kind: TaskKind, rules: FetchRules): Inputs {
  const files = kind.inputs.map(({ name }) => [name, readInput(form, rules, name)] as const);
  return Object.fromEntries(files.flatMap(([name, file]) => (file ? [[name, [file]]] : [])));
}

export function onlyPart(form: Form, field: string): FilePart | undefined {
  const parts = form.files.filter((part) => part.field.toUpperCase() === field.toUpperCase());
  if (parts.length > 1) throw badRequest(`file part ${field} is given ${parts.length} times`);
  return parts[0];
}

function readInput(form: Form, rules: FetchRules, name: string): InputFile | undefined {
  const value = form.parameters.single(name);
  const part = onlyPart(form, name);
  if (value !== undefined && part !== undefined) throw badRequest(`parameter ${name} is given 2 times`);
  if (part) return part.upload;
  if (value === undefined) return undefined;
  const linked = linkedPart(form, value);
  if (linked) return linked.upload;
  const reference = /^param:(.*)$/i.exec(value);
  if (reference) {
    const named = onlyPart(form, reference[1] ?? '');
    if (!named) throw badRequest(`${name}=${value}: the request has no file part of that name`);
    return named.upload;
  }
  if (!URL.canParse(value))
    throw badRequest(`${name} is neither a file, nor param:NAME, nor upload:ID, nor job:ID/RESULT, nor a URL`);
  const url = new URL(value);
  if (url.protocol === 'file:') localPath(url, rules.file_roots);
  else if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw badRequest(`${name}: ${url.protocol} URLs are not accepted, http: and https: are`);
  }
  if (url.username !== '' || url.password !== '') throw badRequest(`${name}: a URL with a user name is not accepted`);
  return { kind: 'url', url: value };
}

/** NAME_SHA256 of inputs, by the names of the inputs. Throws OTF_BAD_REQUEST, OTF_IMAGE_CHECKSUM. */
export function readChecksums(given: Parameters, kind: TaskKind, inputs: Inputs): Record<string, string> {
  const checksums: [string, string][] = [];
  for (const { name, checked } of kind.inputs) {
    const parameter = checksumName(name);
    const value = checked ? given.single(parameter)?.toLowerCase() : undefined;
    if (value === undefined) continue;
    if (!/^[0-9a-f]{64}$/.test(value)) throw badRequest(`${parameter} is not 64 hexadecimal digits`);
    for (const file of inputs[name] ?? []) {
      if (file.kind === 'url' || file.sha256 === value) continue;
      throw new OtfError('OTF_IMAGE_CHECKSUM', `${name} has sha256 ${file.sha256}, ${parameter} says ${value}`);
    }
    checksums.push([name, value]);
  }
  return Object.fromEntries(checksums);
}
