/** The files of a job: parts of a form, param:NAME of another part, files that are here (job-inputs.ts), or URLs. */
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { type Digests, kDigestDigits } from '../fetch/digests.js';
import { localPath } from '../fetch/local-file.js';
import { isFetchable } from '../fetch/places.js';
import type { Address, InputFile, Inputs } from '../tasks/files.js';
import type { TaskKind } from '../tasks/kind.js';
import type { FilePart, Form } from './exchange.js';
import { checksumName, kMostMirrors, kOfUrls, mirrorsName } from './fields.js';
import { fileReferences, linkedFile } from './job-inputs.js';
import { badRequest, type Parameters } from './parameters.js';

type FetchRules = Pick<Config['fetch'], 'file_roots'>;

/** Those that were given. Throws OTF_BAD_REQUEST, OTF_FETCH_REFUSED. */
export function readInputs(form: Form, kind: TaskKind, rules: FetchRules): Inputs {
  const files = kind.inputs.map(({ name, most = 1 }) => {
    const given = most > 1 ? readFiles(form, rules, name, most) : [readInput(form, rules, name) ?? []].flat();
    assertOfUrl(form.parameters, name, given);
    return [name, given] as const;
  });
  return Object.fromEntries(files.filter(([, given]) => given.length > 0));
}

export function onlyPart(form: Form, field: string): FilePart | undefined {
  const parts = partsOf(form, field);
  if (parts.length > 1) throw badRequest(`file part ${field} is given ${parts.length} times`);
  return parts[0];
}

function partsOf(form: Form, field: string): FilePart[] {
  return form.files.filter((part) => part.field.toUpperCase() === field.toUpperCase());
}

function readInput(form: Form, rules: FetchRules, name: string): InputFile | undefined {
  const value = form.parameters.single(name);
  const part = onlyPart(form, name);
  if (value !== undefined && part !== undefined) throw badRequest(`parameter ${name} is given 2 times`);
  if (part) return part.upload;
  return value === undefined ? undefined : readReference(form, rules, name, value);
}

/** In the order in which they were given, which of parts and values together nobody knows. */
function readFiles(form: Form, rules: FetchRules, name: string, most: number): InputFile[] {
  const parts = partsOf(form, name);
  const values = fileReferences(form.parameters, name);
  if (parts.length > 0 && values.length > 0)
    throw badRequest(`${name} is given as files and as values: name the files among the values (param:NAME)`);
  if (Math.max(parts.length, values.length) > most) throw badRequest(`${name}: more than ${most} files`);
  if (parts.length > 0) return parts.map(({ upload }) => upload);
  return values.map((value) => readReference(form, rules, name, value));
}

function readReference(form: Form, rules: FetchRules, name: string, value: string): InputFile {
  const linked = linkedFile(form, value);
  if (linked) return linked;
  const reference = /^param:(.*)$/i.exec(value);
  if (reference) {
    const named = onlyPart(form, reference[1] ?? '');
    if (!named) throw badRequest(`${name}=${value}: the request has no file part of that name`);
    return named.upload;
  }
  if (!URL.canParse(value))
    throw badRequest(`${name} is neither a file, nor param:NAME, nor upload:ID, nor job:ID/RESULT, nor a URL`);
  assertUrl(name, value, rules);
  const mirrors = readMirrors(form.parameters, name, rules);
  const digests = readDigests(form.parameters, name);
  return {
    kind: 'url',
    url: value,
    ...(mirrors.length > 0 ? { mirrors } : {}),
    ...(Object.keys(digests).length > 0 ? { digests } : {}),
  };
}

function assertUrl(name: string, value: string, rules: FetchRules): void {
  if (!URL.canParse(value)) throw badRequest(`${name} is no URL`);
  const url = new URL(value);
  if (url.protocol === 'file:') localPath(url, rules.file_roots);
  else if (!isFetchable(url)) {
    throw badRequest(`${name}: ${url.protocol} URLs are not accepted, http, https, dav, davs and s3 are`);
  }
  if (url.username !== '' || url.password !== '') throw badRequest(`${name}: a URL with a user name is not accepted`);
}

function readMirrors(given: Parameters, input: string, rules: FetchRules): Address[] {
  const name = mirrorsName(input);
  const urls = given.repeated(name).flatMap((value) => value.split(/\s+/).filter((url) => url !== ''));
  if (urls.length > kMostMirrors) throw badRequest(`${name}: more than ${kMostMirrors} URLs`);
  for (const url of urls) {
    assertUrl(name, url, rules);
    if (/^file:/i.test(url)) throw badRequest(`${name}: a file of this machine needs no mirror`);
  }
  return urls.map((url) => ({ url }));
}

function readDigests(given: Parameters, input: string): Digests {
  const digests: [string, string][] = [];
  for (const digest of kOfUrls) {
    const name = checksumName(input, digest);
    const value = given.single(name)?.toLowerCase();
    if (value === undefined) continue;
    const digits = kDigestDigits[digest];
    if (!/^[0-9a-f]+$/.test(value) || value.length !== digits) {
      throw badRequest(`${name} is not ${digits} hexadecimal digits`);
    }
    digests.push([digest, value]);
  }
  return Object.fromEntries(digests);
}

/** What belongs to URLs means nothing to other files. Throws OTF_BAD_REQUEST. */
function assertOfUrl(given: Parameters, input: string, files: readonly InputFile[]): void {
  const [file, ...others] = files;
  const ofUrls = [mirrorsName(input), ...kOfUrls.map((digest) => checksumName(input, digest))];
  const ofOne = others.length > 0 ? [...ofUrls, checksumName(input)].find((name) => given.has(name)) : undefined;
  if (ofOne !== undefined) throw badRequest(`${ofOne} goes with one file as ${input}, not with ${files.length}`);
  const lone = file?.kind === 'url' ? undefined : ofUrls.find((name) => given.has(name));
  if (lone !== undefined)
    throw badRequest(`${lone} goes with a URL as ${input}; of uploads ${checksumName(input)} is checked`);
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
      if (file.kind !== 'upload' || file.sha256 === value) continue;
      throw new OtfError('OTF_IMAGE_CHECKSUM', `${name} has sha256 ${file.sha256}, ${parameter} says ${value}`);
    }
    checksums.push([name, value]);
  }
  return Object.fromEntries(checksums);
}
