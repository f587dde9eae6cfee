/**
 * What a server and its workers say to each other. Subjects:
 *
 *     otf.front.beat                     worker > server, told: that it lives, its places, what it holds and how that goes
 *     otf.front.executing | end          worker > server, asked: may the job go on; how it ended
 *     otf.front.log                      worker > server, told: a line of a job's log
 *     otf.worker.NAME.give               server > worker, asked: one job to run
 *     otf.worker.NAME.drop               server > worker, told: an attempt that counts no more; or that it is to leave
 *
 * Whoever asks asks again until he is answered, so each answer is the same when it is asked for twice.
 */
import { z } from 'zod';
import { isErrorCode } from '../../errors/catalogue.js';
import type { JobFailure, JobInfo } from '../../jobs/job.js';
import type { ResultFile } from '../../tasks/files.js';

export const kBeat = 'otf.front.beat';
export const kExecuting = 'otf.front.executing';
export const kEnd = 'otf.front.end';
export const kLog = 'otf.front.log';

export function giveSubject(worker: string): string {
  return `otf.worker.${worker}.give`;
}

export function dropSubject(worker: string): string {
  return `otf.worker.${worker}.drop`;
}

/** Of workers: a word of subjects, of addresses and of metrics. */
export const kWorkerName = /^[A-Za-z0-9_-]{1,64}$/;

const kMostJobs = 10_000;
const name = z.string().min(1).max(200);
const count = z.number().int().min(0);
const seconds = z.number().min(0);
const attemptOf = { job: z.string().max(64), attempt: z.string().max(64) };

const place = z.strictObject({
  name,
  tier: z.number().int().min(0).max(9),
  /** Ids of models, and keys. */
  takes: z.array(name).max(1000),
  holds: z.array(name).max(1000),
  hungry: z.boolean(),
  busy: z.boolean(),
});

const held = z.strictObject({
  ...attemptOf,
  place: name,
  /** Undefined until it was opened. */
  progress: z.strictObject({ done: count, total: count, unit: z.string().max(40) }).optional(),
});

const network = z.strictObject({
  key: name,
  engine: z.string().max(100).optional(),
  version: z.string().max(100).optional(),
  device: z.string().max(200).optional(),
  computeType: z.string().max(100).optional(),
  memoryBytes: z.number().min(0),
  loaded: z.boolean(),
  restarts: count,
});

export const kBeatSchema = z.strictObject({
  worker: z.string().regex(kWorkerName),
  /** Of each start of a worker its own; later ones are larger. */
  startedMs: z.number(),
  instance: z.string().max(40),
  host: z.string().max(200),
  /** Of what decides results, as the server has said it (terms.ts). */
  models: z.string().max(64),
  leaving: z.boolean(),
  /** It has too little of something: it gets nothing for a moment. */
  short: z.boolean().default(false),
  places: z.array(place).max(64),
  jobs: z.array(held).max(kMostJobs),
  /** Forward passes since the last beat, by key. */
  passes: z.array(z.strictObject({ key: name, items: count, seconds })).max(1000),
  networks: z.array(z.strictObject({ place: name, networks: z.array(network).max(200) })).max(64),
  itemsPerSecond: z.number().min(0),
});
export type Beat = z.infer<typeof kBeatSchema>;

export const kExecutingSchema = z.strictObject({
  ...attemptOf,
  worker: z.string().regex(kWorkerName),
  info: z.record(z.string(), z.unknown()),
});

const used = z.strictObject({ items: count, device: z.enum(['cpu', 'gpu']), seconds });
const text = z.string().max(100_000);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Names of files a run leaves: nothing hidden, no folder. */
export const kFileName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
const file = z.strictObject({ file: z.string().regex(kFileName), size: count, sha256 });
export type SentFile = z.infer<typeof file>;

const result = z.strictObject({
  id: name,
  file: z.string().regex(kFileName),
  mime: name,
  size: count,
  sha256,
  format: z.string().max(100).optional(),
});

const completed = z
  .strictObject({
    how: z.literal('completed'),
    results: z.array(result).max(1000),
    info: z.record(z.string(), z.unknown()),
    endedMs: z.number(),
    /** Every file, all sent before this is. */
    files: z.array(file).max(1000),
  })
  .refine(hasItsFiles, 'each file comes once, and each result is one of them');

const ends = z.discriminatedUnion('how', [
  completed,
  z.strictObject({
    how: z.literal('failed'),
    type: z.enum(['fatal', 'transient']),
    code: z.string().max(100).optional(),
    message: text,
    detail: text.optional(),
  }),
  /** It goes back into the queue: the worker leaves, or has too little of something. */
  z.strictObject({ how: z.literal('back'), reason: text }),
  /** The worker has let go of it because it was told to. */
  z.strictObject({ how: z.literal('dropped') }),
]);

export const kEndSchema = z.strictObject({
  ...attemptOf,
  worker: z.string().regex(kWorkerName),
  used: used.optional(),
  end: ends,
});
export type EndReport = z.infer<typeof kEndSchema>;
export type End = EndReport['end'];

export const kLogSchema = z.strictObject({
  ...attemptOf,
  level: z.enum(['info', 'warn', 'error']),
  message: z.string().max(10_000),
});

/** Else a row could name what is not there. */
function hasItsFiles({ results, files }: { results: z.infer<typeof result>[]; files: SentFile[] }): boolean {
  const sent = new Map(files.map((each) => [each.file, each]));
  const isSent = ({ file, size, sha256 }: SentFile) =>
    sent.get(file)?.size === size && sent.get(file)?.sha256 === sha256;
  return sent.size === files.length && results.every(isSent);
}

/** counts: false = the attempt is of no account (any more). missing: files to be sent again first. */
export type EndAnswer = { counts: boolean } | { missing: string[] };

/** As they were checked: exactOptionalPropertyTypes tells absent from undefined. */
export function resultFiles(results: z.infer<typeof result>[]): ResultFile[] {
  return results.map(({ format, ...rest }) => (format === undefined ? rest : { ...rest, format }));
}

export function failureOf(end: Extract<End, { how: 'failed' }>): JobFailure {
  const { type, code, message, detail } = end;
  return { type, message, ...(isErrorCode(code) ? { code } : {}), ...(detail === undefined ? {} : { detail }) };
}

/** Facts of a run, those the protocol knows of; whatever else is in it is left out. */
export function infoOf(said: Record<string, unknown>): JobInfo {
  const checked = kInfo.safeParse(said);
  if (!checked.success)
    throw new Error(`a worker says ${checked.error.issues[0]?.path.join('.')} in a way that is none`);
  return checked.data as JobInfo;
}

const line = z.string().max(1000);
const kInfo = z.object({
  batchId: line.optional(),
  batchSize: count.optional(),
  batchReason: z.enum(['full', 'waited', 'idle', 'alone']).optional(),
  engine: line.optional(),
  engineVersion: line.optional(),
  device: line.optional(),
  computeType: line.optional(),
  found: count.optional(),
  progress: z.strictObject({ done: count, total: count, unit: line }).optional(),
  warnings: z.array(text).max(1000).optional(),
  environment: z.record(line, line).optional(),
  fetched: z.strictObject({ name: line, size: count, sha256: sha256.optional() }).optional(),
});
