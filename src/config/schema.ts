/** `otf.toml`, section by section. Every table is strict: a misspelt key that is silently ignored is a wrong server. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { kAutoEngine } from '../engine/device.js';
import { publicUrl } from '../errors/public-text.js';
import { kNormFunctions } from '../models/normalisation.js';
import { kDefaultModel, kShippedModelsDir } from '../models/registry.js';
import { kComputeTypes } from '../models/schema.js';
import { isTrustedAddress } from './addresses.js';
import { events, inference, workers } from './elsewhere.js';

const seconds = z.number().min(0);
/** Those that a timer is set to: above 2^31-1 ms Node's end at once. */
const timed = seconds.max(2_147_483);
const wholeSeconds = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const text = z.string();

/** Scheme, host and port as a browser writes them in its Origin header: no path, no slash at the end. */
function isOrigin(value: string): boolean {
  return /^https?:/.test(value) && URL.canParse(value) && new URL(value).origin === value;
}

const server = z
  .strictObject({
    host: text.min(1).default('127.0.0.1'),
    /** 0 = any free port. */
    port: z.int().min(0).max(65535).default(5000),
    max_upload_mb: z.number().positive().default(1000),
    /** Connections at a time: of all, and of one address (0 = half of all). Fewer where descriptors are short. */
    max_connections: z.int().min(8).default(10_000),
    max_connections_per_address: z.int().min(0).default(0),
    /** Requests that wait for something to happen: WAIT and /events. */
    max_waiting: z.int().min(1).default(5000),
    /** Characters of one field (RUNID, IMAGE as a URL, ...). */
    max_text: z.int().min(64).max(65_536).default(4096),
    /** Where clients see this server, e.g. https://otf.example.org/cianna; empty = from each request's Host header. */
    public_url: z
      .union([
        z.literal(''),
        z.url({ protocol: /^https?$/ }).refine((it) => publicUrl(it) === it, 'must end with its path'),
      ])
      .default(''),
    /** Further names of this server (Host header), beside localhost, addresses, `host`, this machine's name and that of public_url. */
    hosts: z.array(text.min(1)).default([]),
    /** Jobs of one answer to GET /jobs. */
    list_page: z.int().min(1).max(1_000_000).default(10_000),
    /** WAIT=-1 and longer waits end here: below usual proxy time-outs. */
    max_wait_s: seconds.max(3600).default(60),
    /** Origins whose pages may read answers, e.g. https://aladin.cds.unistra.fr; "*" = any. */
    cors_origins: z
      .array(text.refine((it) => it === '*' || isOrigin(it), 'must be origins such as https://example.org, or "*"'))
      .default([]),
    /** Which contract an upload of `xml` and `fits` is of: auto = by the shape of the XML (src/uws/observatory-xml.ts). */
    observatory_contract: z.enum(['auto', '2025-12', 'current']).default('auto'),
    /** How long running work may go on after SIGTERM before it is put back into the queue. */
    shutdown_s: seconds.max(3600).default(30),
    /** PEM files: a certificate with those that lead to its issuer, and its key. Both empty: HTTP (src/http/tls.ts). */
    tls_cert: text.default(''),
    tls_key: text.default(''),
  })
  .refine((it) => (it.tls_cert === '') === (it.tls_key === ''), {
    path: ['tls_cert'],
    error: 'must be given together with tls_key',
  });

const policy = z
  .strictObject({
    min_jobs: z.int().min(1).default(2),
    max_batch: z.int().min(1).default(8),
    max_wait_s: timed.default(2),
    round_robin: z.boolean().default(true),
    max_queued: z.int().min(1).default(1000),
    /** Jobs that nobody has started yet. */
    max_pending: z.int().min(1).default(1000),
    /** What one owner (or address) may have of max_queued, in jobs that have not begun. */
    owner_share: z.number().positive().max(1).default(0.8),
    /** The same as a number, whatever is smaller; 0 = the share alone. */
    owner_queued: z.int().min(0).default(0),
    /** Of one owner with a name: megabytes of uploads and results, and the highest PRIORITY he may ask for. */
    owner_mb: z.number().min(0).default(0),
    owner_priority: z.int().min(5).max(9).default(9),
    /** Requests of one owner (or address) a second, on the average; 0 = no limit. */
    owner_requests_per_s: z.number().min(0).default(0),
    /** executionDuration of a job that names none, and the most one may ask for; 0 = no limit. */
    execution_s: wholeSeconds.default(3600),
    max_execution_s: wholeSeconds.default(0),
    /** Life of a job that names no destruction time, and the most one may ask for; 0 = no limit. */
    retention_s: wholeSeconds.default(7 * 86400),
    max_retention_s: wholeSeconds.default(0),
  })
  .refine((it) => it.min_jobs <= it.max_batch, { path: ['min_jobs'], error: 'must not be above max_batch' });

const engine = z.strictObject({
  /** auto: CIANNA with CUDA when both are there, else onednn. A model card may demand another. */
  default: text.min(1).default(kAutoEngine),
  /** auto = what the engine likes; or any of cpu, cpu:0-3 (a set), gpu:N as the driver counts. */
  devices: z.array(text.min(1)).min(1).default(['auto']),
  /** 0 = the CPUs this process may use. */
  threads: z.int().min(0).max(4096).default(0),
  /** Memory for loaded models; 0 = no limit. */
  memory_mb: z.number().min(0).default(0),
  idle_s: seconds.default(300),
  /** Tiles of one forward pass. */
  batch: z.int().min(1).max(4096).default(8),
  /** Memory for pixels of images that are being cut into tiles, and again for decoding compressed ones; 0 = a quarter each. */
  image_mb: z.number().min(0).default(0),
  /** How long decoding one window of a compressed image may take before its process is ended. */
  read_s: timed.positive().default(60),
  /** How long an engine process may take to load its network. */
  ready_s: timed.positive().default(120),
  /** A forward pass is given twenty times what it should take, but never less than this, before it counts as hung. */
  hang_s: timed.positive().default(10),
  /** The first pass of an engine, before anything has been measured: a slow engine on a large network needs minutes. */
  first_s: timed.positive().default(300),
});

const storage = z.strictObject({
  data_dir: text.min(1).default('data'),
  /** Jobs are refused when less than this is free: what is accepted needs room to be run and to be told about. */
  reserve_mb: z.number().min(0).default(64),
  /** Uploads and results of all jobs, and uploads no job is made of yet; 0 = as much as the disk has. */
  max_mb: z.number().min(0).default(0),
  /** Folders found without a job at a start are kept so long in data_dir/orphans. */
  orphan_s: wholeSeconds.default(7 * 86400),
});

const uploads = z.strictObject({
  /** How long an upload that no job is made of yet is kept. */
  expire_s: seconds.positive().default(6 * 3600),
  /** At a time; of one owner (or address), and the megabytes of these. */
  most: z.int().min(1).default(10_000),
  per_owner: z.int().min(1).default(100),
  owner_mb: z.number().positive().default(10_000),
});

const placeholders = z
  .url({ protocol: /^https?$/ })
  .refine((it) => [...it.matchAll(/\{([^}]*)\}?/g)].every(([, key]) => ['url', 'folder', 'file'].includes(key ?? '')), {
    error: 'must have no other placeholders than {url}, {folder} and {file}',
  });

const pictures = z.strictObject({
  /** Files that pictures come of, and pictures: those used longest ago are made again when they are wanted. */
  cache_mb: z.number().min(1).default(2000),
  /** Million pixels of a plane that pictures are made of: all of them are read once, and compressed ones may be many in few bytes. */
  max_mpx: z.number().positive().default(5000),
  /** Requests that wait for a picture to be made; half of them may be of one owner. */
  max_waiting: z.int().min(2).default(500),
  /** Programs that show an image by an address of theirs, by their names: with {url}, or {folder} and {file} on this machine. */
  open_in: z.record(text.regex(/^[\w .+-]{1,40}$/, 'must be short names'), placeholders).default({}),
});

const models = z.strictObject({
  dir: text.min(1).default(kShippedModelsDir),
  /** Model of a job that names none. */
  default: text.min(1).default(kDefaultModel),
  /** Further names of models, e.g. "net0_s1800.dat" = "demo-continuum", beside those of the cards. */
  aliases: z.record(text, text).default({}),
});

const percentile = z.number().min(0).max(100);

/** Above the model's card, below what a request asks for (src/models/normalisation.ts). */
const detection = z
  .strictObject({
    /** Of jobs that name none, where the model offers it; empty = the card's first. */
    quantization: z.union([z.literal(''), z.enum(kComputeTypes)]).default(''),
    /** Empty = the card's. */
    norm_fct: z.array(z.enum(kNormFunctions)).default([]),
    /** Percentiles of the region's pixels to clip to; absent = the card's limits. */
    min_pix: percentile.optional(),
    max_pix: percentile.optional(),
  })
  .refine((it) => (it.min_pix ?? -1) < (it.max_pix ?? 101), { path: ['min_pix'], error: 'must be below max_pix' });

const s3 = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/ }),
  region: text.min(1).default('us-east-1'),
  access_key: text.min(1),
  /** A file with the secret key in it and nothing else. */
  secret_key_file: text.min(1),
  /** s3://BUCKET/... is fetched with these for those named here; nobody else gets at a bucket through this server. */
  buckets: z.array(text.min(1)).min(1),
  /** Of these buckets, those that results may be put into (RESULTS_TO). */
  write: z.array(text.min(1)).default([]),
  /** Whose jobs may use them; empty = everybody's. */
  owners: z.array(text.min(1)).default([]),
});

const fetch = z.strictObject({
  /** May IMAGE name hosts with private, loopback or link-local addresses? */
  allow_private: z.boolean().default(false),
  max_mb: z.number().positive().default(4000),
  /** An image in gzip, however it came: most megabytes it may unpack to, and most bytes for one byte of it. */
  max_unpacked_mb: z.number().positive().default(16000),
  max_unpack_ratio: z.number().min(1).default(250),
  timeout_s: seconds.positive().default(300),
  /** Transfers at a time, and those of one owner (or address) among them. */
  at_once: z.int().min(1).max(1000).default(16),
  per_owner: z.int().min(1).max(1000).default(4),
  max_redirects: z.int().min(0).max(20).default(5),
  /** Results that a place does not take (RESULTS_TO) are tried again for so long. */
  send_s: seconds.default(3600),
  /** IMAGE=file:... is accepted below these folders only. */
  file_roots: z.array(text.startsWith('/', 'must be absolute paths')).default([]),
  /** Object stores, by a name of yours. */
  s3: z.record(text.regex(/^[a-z0-9-]{1,64}$/), s3).default({}),
});

const auth = z
  .strictObject({
    /**
     * May people ask who do not say who they are? true = as everybody else, "read" = to look only. Absent: on this machine
     * alone, as long as nobody has set up another way (tokens, oidc_issuer, owner_header).
     */
    anonymous: z.union([z.boolean(), z.literal('read')]).optional(),
    /** Header in which a trusted proxy names the user, e.g. x-remote-user; empty = there is none. */
    owner_header: z
      .string()
      .regex(/^[a-z0-9-]*$/, 'must be a lower-case header name')
      .default(''),
    /** Addresses whose owner_header is believed. */
    trusted_proxies: z.array(text.refine((it) => isIP(it) !== 0, 'must be addresses')).default(['127.0.0.1', '::1']),
    /** Hashes of API tokens (cianna-otf token); empty = tokens.json in the data folder. */
    tokens_file: text.default(''),
    /** Owners, as the proxy or the issuer names them, who may do everything with the jobs of everybody. */
    admins: z.array(text.min(1)).default([]),
    /** OpenID Connect: whose bearer tokens are taken (https, or this machine), and what their aud must name. */
    oidc_issuer: text.default(''),
    oidc_audience: text.default(''),
    /** The claim that is the owner of jobs: `sub` is the only one an issuer never gives to somebody else. */
    oidc_owner_claim: text.min(1).default('sub'),
    oidc_groups_claim: text.min(1).default('groups'),
    /** Whoever is in this group is an admin; empty = nobody by his groups. */
    oidc_admin_group: text.default(''),
  })
  .refine((it) => it.oidc_issuer === '' || it.oidc_audience !== '', {
    path: ['oidc_audience'],
    error: 'must be set with oidc_issuer: tokens for other services are not for this one',
  })
  .refine((it) => it.oidc_issuer === '' || isTrustedAddress(it.oidc_issuer), {
    path: ['oidc_issuer'],
    error: 'must be an https URL (or http on this machine)',
  });

const logging = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

/** A missing section is the section with every default. */
function section<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => value ?? {}, schema);
}

export const kConfigSchema = z.strictObject({
  server: section(server),
  policy: section(policy),
  engine: section(engine),
  storage: section(storage),
  uploads: section(uploads),
  pictures: section(pictures),
  models: section(models),
  detection: section(detection),
  fetch: section(fetch),
  auth: section(auth),
  workers: section(workers),
  events: section(events),
  inference: section(inference),
  logging: section(logging),
});

export type Config = z.infer<typeof kConfigSchema>;
export type ConfigSection = keyof Config;
