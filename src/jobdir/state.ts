/**
 * How a job in a folder stands: DIR/state.json, written whole after each change by whoever runs it, so that everybody who sees
 * the folder knows without asking anybody. A finished run has it among its results, too, which appear in one step: whatever
 * lies in DIR/results is whole, and says so itself.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isErrorCode, OtfError, systemReason } from '../errors/catalogue.js';
import { writeFileAtomically } from '../io/write.js';
import type { JobFailure } from '../jobs/job.js';

export const kDescriptionFile = 'job.json';
export const kStateFile = 'state.json';
export const kResultsDir = 'results';

/** Of a job that is done but for that. */
export const kNotSent = 'its results are there, and have not all been sent to where they are wanted: run it again';

const kMostBytes = 1 << 20;
const instant = z.iso.datetime();
const text = z.string();
const count = z.int().min(0);

const kStateSchema = z.object({
  version: z.literal(1),
  id: text,
  phase: z.enum(['QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED']),
  /** SHA-256 of job.json: what was, or is, done. */
  description: text,
  /** Where that was: folders are copied with this file in them. */
  folder: z.object({ path: text, inode: text }).optional(),
  /** Of a job that is COMPLETED: its files of this machine, in the order of job.json. */
  inputs: z.array(z.object({ name: text, size: count, modifiedAt: instant, sha256: text.optional() })).optional(),
  /** Where it runs or ran last. */
  host: text,
  pid: count,
  /** Of the batch system's job, where there is one. */
  slurmJob: text.optional(),
  /** Runs that ended without a word: their process was killed, or its machine went down. */
  losses: count,
  updatedAt: instant,
  startedAt: instant.optional(),
  endedAt: instant.optional(),
  progress: z.object({ done: count, total: count, unit: text }).optional(),
  /** Rows of the result. */
  found: count.optional(),
  warnings: z.array(text).optional(),
  /** Files in DIR/results. */
  results: z.array(z.object({ id: text, file: text, mime: text, size: count, sha256: text })).optional(),
  /** Of results that are wanted elsewhere (RESULTS_TO): files that are there, and why not all of them. */
  delivery: z
    .object({ state: z.enum(['waiting', 'done', 'failed']), files: count, message: text.optional() })
    .optional(),
  error: z.object({ type: z.enum(['fatal', 'transient']), code: text.optional(), message: text }).optional(),
  /** Why it is not done, of one that was cut short. */
  note: text.optional(),
});
export type FolderState = z.infer<typeof kStateSchema>;

/** Undefined: nobody has begun. Throws OTF_INPUT_UNREADABLE for a file that is none of ours. */
export async function readState(dir: string): Promise<FolderState | undefined> {
  return (await readResultsState(dir)) ?? (await read(join(dir, kStateFile)));
}

/** Undefined: nothing is there, or nothing that a run has left. Throws OTF_INPUT_UNREADABLE. */
export function readResultsState(dir: string): Promise<FolderState | undefined> {
  return read(join(dir, kResultsDir, kStateFile));
}

async function read(path: string): Promise<FolderState | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    // ESTALE: a file of a network file system that was replaced while it was opened; the next look finds the new one.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESTALE') return undefined;
    throw unreadable(path, systemReason(thrown));
  }
  if (bytes.length > kMostBytes) throw unreadable(path, 'it is too large');
  let given: unknown;
  try {
    given = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw unreadable(path, 'it is no JSON');
  }
  const checked = kStateSchema.safeParse(given);
  if (checked.success) return checked.data;
  throw unreadable(path, `it is no state of a job (${checked.error.issues[0]?.path.join('.')})`);
}

function unreadable(path: string, why: string): OtfError {
  return new OtfError('OTF_INPUT_UNREADABLE', `${path}: ${why}; remove it, and the job is run anew`);
}

/** On disk when it resolves. Throws OTF_OUTPUT_UNWRITABLE. */
export function writeState(dir: string, state: FolderState): Promise<void> {
  return writeFileAtomically(join(dir, kStateFile), [stateText(state)]);
}

/** Of a job that is COMPLETED: what lies among its results goes before. The state, on disk. Throws OTF_OUTPUT_UNWRITABLE. */
export async function writeDelivered(dir: string, state: FolderState): Promise<FolderState> {
  await writeFileAtomically(join(dir, kResultsDir, kStateFile), [stateText(state)]);
  await writeState(dir, state);
  return state;
}

export function stateText(state: FolderState): string {
  return `${JSON.stringify(state, null, 2)}\n`;
}

/** Nothing is left to be done of it. */
export function isDone({ phase, delivery }: Pick<FolderState, 'phase' | 'delivery'>): boolean {
  return phase === 'COMPLETED' && (delivery?.state ?? 'done') === 'done';
}

export function isOver({ phase }: Pick<FolderState, 'phase'>): boolean {
  return phase === 'COMPLETED' || phase === 'ERROR' || phase === 'ABORTED';
}

/** What a command fails with that ran it. */
export function failureOf({ error, note, phase, delivery }: FolderState): OtfError {
  if (phase === 'COMPLETED') return new OtfError('OTF_SEND_FAILED', delivery?.message ?? kNotSent);
  const code = isErrorCode(error?.code) ? error.code : 'OTF_ENGINE_FAILED';
  return new OtfError(code, error?.message ?? note ?? `the job is ${phase}`);
}

export function errorOf({ type, code, message }: JobFailure): NonNullable<FolderState['error']> {
  return { type, message, ...(code === undefined ? {} : { code }) };
}
