/**
 * What a job in a folder is to do: DIR/job.json, the fields of POST /jobs (docs/interop.md) by their names, read as a server
 * reads them. Files are named by their paths, from the folder on; everything else may be what a request says.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Config } from '../config/schema.js';
import { OtfError, systemReason, toOtfError } from '../errors/catalogue.js';
import { pendingJob } from '../jobs/asked.js';
import type { Job } from '../jobs/job.js';
import { missingInput } from '../tasks/kind.js';
import { kindNamed, kKinds } from '../tasks/registry.js';
import { parseStandard } from '../uws/creation.js';
import { ModelDirectory } from '../uws/model-directory.js';
import { Parameters } from '../uws/parameters.js';
import type { Wanted } from './delivery.js';
import { fieldNamed } from './field-names.js';
import { kDescriptionFile } from './state.js';

const kMostBytes = 1 << 20;
const value = z.union([z.string(), z.number()]);
const kDescription = z.record(z.string(), z.union([value, z.array(value).max(10_000)]));

const kInputs = new Set(kKinds.flatMap(({ inputs }) => inputs.map(({ name }) => name)));
const kDelivery = 'RESULTS_TO';
const kOfServersFiles = /^(job|upload|param):/i;
/** http://..., s3://...: not a path. Names of files may have a colon. */
const kUrl = /^[a-z][a-z0-9+.-]+:\/\//i;
const kFileUrl = /^file:\//i;

/** A file of this machine that the job reads. */
export interface LocalInput {
  /** As job.json has it. */
  name: string;
  path: string;
  size: number;
  modifiedAt: string;
}

export interface Described {
  /** QUEUED. */
  job: Job;
  /**
   * SHA-256 of job.json, however it is laid out; without where results go, which may be another address the next time. Behind
   * it the one that earlier versions wrote.
   */
  digests: readonly [string, ...string[]];
  files: readonly LocalInput[];
  /** The results are wanted there. */
  wanted?: Wanted | undefined;
}

export interface Rules {
  config: Config;
  models: ModelDirectory;
}

/** Of this machine. Whoever starts this program may read what he may read. Throws OTF_CONFIG_INVALID. */
export async function rulesOf(config: Config): Promise<Rules> {
  const models = await ModelDirectory.open(config.models);
  return { config: { ...config, fetch: { ...config.fetch, file_roots: ['/'] } }, models };
}

/** Throws OTF_INPUT_UNREADABLE, and what is wrong with the job as the server would say it, with the file's name. */
export async function readDescription(dir: string, rules: Rules): Promise<Described> {
  const path = join(dir, kDescriptionFile);
  const bytes = await readFile(path).catch((thrown) => {
    throw new OtfError(
      'OTF_INPUT_UNREADABLE',
      `cannot read ${path}, which says what is to be done: ${systemReason(thrown)}`,
    );
  });
  return describe(dir, bytes, rules);
}

/** What job.json of `dir` says with these bytes. Throws as readDescription does. */
export async function describe(dir: string, bytes: Buffer, rules: Rules): Promise<Described> {
  const path = join(dir, kDescriptionFile);
  try {
    if (bytes.length > kMostBytes) throw new OtfError('OTF_BAD_REQUEST', 'it is too large');
    const fields = fieldsOf(bytes);
    const { job, address, files } = await jobOf(dir, fields, rules);
    const digests = [sha256(JSON.stringify(without(fields, kDelivery))), sha256(bytes)] as const;
    return { job, digests, files, wanted: address === undefined ? undefined : { address, runId: job.runId } };
  } catch (thrown) {
    const error = toOtfError(thrown);
    throw new OtfError(error.code, `${path}: ${error.message}`, { cause: thrown });
  }
}

function sha256(what: string | Buffer): string {
  return createHash('sha256').update(what).digest('hex');
}

function fieldsOf(bytes: Buffer): z.infer<typeof kDescription> {
  let given: unknown;
  try {
    given = JSON.parse(bytes.toString('utf8'));
  } catch (thrown) {
    throw new OtfError('OTF_BAD_REQUEST', `no JSON (${systemReason(thrown)})`);
  }
  const checked = kDescription.safeParse(given);
  if (checked.success) return checked.data;
  const where = checked.error.issues[0]?.path.join('.') ?? '';
  throw new OtfError(
    'OTF_BAD_REQUEST',
    `expected {"NAME": text, number or a list of them, ...}${where ? `, not at ${where}` : ''}`,
  );
}

function without(fields: z.infer<typeof kDescription>, name: string): z.infer<typeof kDescription> {
  return Object.fromEntries(Object.entries(fields).filter(([given]) => given.toUpperCase() !== name));
}

/** And the whole address of where its results go, which is nobody else's business: records know nothing of it. */
async function jobOf(
  dir: string,
  fields: z.infer<typeof kDescription>,
  { config, models }: Rules,
): Promise<{ job: Job; address: string | undefined; files: LocalInput[] }> {
  const parameters = new Parameters(config.server.max_text);
  const files: LocalInput[] = [];
  for (const [given, values] of Object.entries(fields)) {
    const name = fieldNamed(given);
    for (const each of [values].flat().map(String)) {
      const file = kInputs.has(name) ? await localInput(dir, name, each) : undefined;
      if (file) files.push(file);
      parameters.add(name, file ? pathToFileURL(file.path).href : each);
    }
  }
  const form = { kind: 'json', parameters, files: [], spool: undefined } as const;
  const parsed = parseStandard({ ...form, files: [] }, { config, models });
  const lacking = missingInput(kindNamed(parsed.kind), parsed.parameters.inputs);
  if (lacking) throw new OtfError('OTF_BAD_REQUEST', `${lacking.name} is missing: a file, or a URL`);
  const { resultsTo, ...rest } = parsed.parameters;
  const asked = {
    ...parsed,
    parameters: rest,
    style: 'standard',
    owner: null,
    remote: '',
    runId: parsed.runId ?? null,
    run: true,
  } as const;
  // How long it may take, and how long it is kept, is the matter of whoever has the folder.
  const policy = { ...config.policy, execution_s: 0, retention_s: 0 };
  const now = Date.now();
  const job: Job = { ...pendingJob(asked, policy, now), id: randomUUID(), phase: 'QUEUED', queuedMs: now };
  return { job, address: resultsTo?.url, files };
}

/** A file that is there; undefined = an address of elsewhere. */
async function localInput(dir: string, name: string, given: string): Promise<LocalInput | undefined> {
  if (kUrl.test(given) && !kFileUrl.test(given)) return undefined;
  if (kOfServersFiles.test(given))
    throw new OtfError('OTF_BAD_REQUEST', `${name}=${given} is a file of a server: name it by its path`);
  const path = kFileUrl.test(given) ? pathOf(name, given) : resolve(dir, given);
  const found = await stat(path).catch((thrown) => {
    throw new OtfError('OTF_INPUT_UNREADABLE', `${name}: cannot read ${path}: ${systemReason(thrown)}`);
  });
  if (!found.isFile()) throw new OtfError('OTF_INPUT_UNREADABLE', `${name}: ${path} is no file`);
  return { name, path, size: found.size, modifiedAt: found.mtime.toISOString() };
}

function pathOf(name: string, url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw new OtfError('OTF_BAD_REQUEST', `${name}=${url} is no file of this machine`);
  }
}
