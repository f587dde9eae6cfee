/**
 * What a job in a folder is to do: DIR/job.json, the fields of POST /jobs (docs/interop.md) by their names, read as a server
 * reads them. Files are named by their paths, from the folder on; everything else may be what a request says.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Config } from '../config/schema.js';
import { OtfError, systemReason, toOtfError } from '../errors/catalogue.js';
import { pendingJob } from '../jobs/asked.js';
import type { Job } from '../jobs/job.js';
import { missingInput } from '../tasks/kind.js';
import { kindNamed, kKinds } from '../tasks/registry.js';
import { parseStandard } from '../uws/creation.js';
import type { ModelDirectory } from '../uws/model-directory.js';
import { Parameters } from '../uws/parameters.js';
import type { Wanted } from './delivery.js';
import { kDescriptionFile } from './state.js';

const kMostBytes = 1 << 20;
const value = z.union([z.string(), z.number()]);
const kDescription = z.record(z.string(), z.union([value, z.array(value).max(10_000)]));

const kInputs = new Set(kKinds.flatMap(({ inputs }) => inputs.map(({ name }) => name)));
/** Of a server's jobs alone. */
const kOfServers = ['PHASE', 'AFTER', 'DESTRUCTION', 'PRIORITY'];
const kDelivery = 'RESULTS_TO';
const kOfServersFiles = /^(job|upload|param):/i;
/** http://..., s3://...: not a path. */
const kScheme = /^[a-z][a-z0-9+.-]+:/i;

export interface Described {
  /** QUEUED. */
  job: Job;
  /** SHA-256 of job.json; without where results go, which may be another address the next time. */
  digest: string;
  /** The results are wanted there. */
  wanted?: Wanted | undefined;
}

export interface Rules {
  config: Config;
  models: ModelDirectory;
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
  try {
    if (bytes.length > kMostBytes) throw new OtfError('OTF_BAD_REQUEST', 'it is too large');
    const fields = fieldsOf(bytes);
    const { job, address } = await jobOf(dir, fields, rules);
    const what = address === undefined ? bytes : JSON.stringify(without(fields, kDelivery));
    const digest = createHash('sha256').update(what).digest('hex');
    return { job, digest, wanted: address === undefined ? undefined : { address, runId: job.runId } };
  } catch (thrown) {
    const error = toOtfError(thrown);
    throw new OtfError(error.code, `${path}: ${error.message}`, { cause: thrown });
  }
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
): Promise<{ job: Job; address: string | undefined }> {
  const parameters = new Parameters(config.server.max_text);
  for (const [given, values] of Object.entries(fields)) {
    const name = given.toUpperCase();
    if (kOfServers.includes(name))
      throw new OtfError('OTF_BAD_REQUEST', `${name} is for jobs of a server, not of a folder`);
    for (const each of [values].flat()) {
      parameters.add(name, kInputs.has(name) ? await address(dir, name, String(each)) : String(each));
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
  return { job, address: resultsTo?.url };
}

/** A path becomes the address of a file that is there. */
async function address(dir: string, name: string, given: string): Promise<string> {
  if (kOfServersFiles.test(given))
    throw new OtfError('OTF_BAD_REQUEST', `${name}=${given} is a file of a server: name it by its path`);
  if (kScheme.test(given)) return given;
  const path = resolve(dir, given);
  const found = await stat(path).catch((thrown) => {
    throw new OtfError('OTF_INPUT_UNREADABLE', `${name}: cannot read ${path}: ${systemReason(thrown)}`);
  });
  if (!found.isFile()) throw new OtfError('OTF_INPUT_UNREADABLE', `${name}: ${path} is no file`);
  return pathToFileURL(path).href;
}
