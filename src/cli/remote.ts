/** What the commands that talk to a server share: the option --server, waiting, how a job is told in a line. */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { UwsClient } from '../client/client.js';
import type { RemoteJob } from '../client/documents.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { duration } from '../io/terminal.js';
import { LiveLines } from './live-lines.js';
import { real } from './options.js';

const kDefaultServer = 'http://127.0.0.1:5000';
const kFinal = ['COMPLETED', 'ERROR', 'ABORTED'];
const kLiveStepS = 1;
const kSilentStepS = 30;
/** In which a server waits with its answer (UWS 1.1, section 2.2.1.2); others, as HELD, are looked at that often. */
const kBlocking = ['PENDING', 'QUEUED', 'EXECUTING'];
const kOtherStepMs = 1000;
/** A word that fits into a header. */
const kToken = /^[\x21-\x7e]+$/;
/** Of an id, where people read it; a longer beginning where this is not enough. */
const kShortId = 8;

export interface RemoteOptions {
  server: string;
  token?: string;
  tokenFile?: string;
  json?: boolean;
}

export function addServerOption(command: Command): Command {
  const here = process.env.CIANNA_OTF_URL || kDefaultServer;
  return command
    .option('--server <url>', 'where the server is (or CIANNA_OTF_URL)', here)
    .option('--token-file <file>', 'a file with your token in it (or CIANNA_OTF_TOKEN_FILE)')
    .option('--token <token>', 'your token: better in CIANNA_OTF_TOKEN, where others of this machine do not see it');
}

export function addServerOptions(command: Command): Command {
  return addServerOption(command).option('--json', 'as JSON');
}

/** The server, and who asks. Throws OTF_USAGE. */
export async function clientOf(options: RemoteOptions): Promise<UwsClient> {
  return new UwsClient(options.server, await tokenOf(options));
}

/** What opens the server; undefined = nothing was given. Throws OTF_USAGE. */
export async function tokenOf({ token, tokenFile }: RemoteOptions): Promise<string | undefined> {
  const file = tokenFile ?? (token === undefined ? process.env.CIANNA_OTF_TOKEN_FILE : undefined);
  const given = (token ?? (tokenFile === undefined ? process.env.CIANNA_OTF_TOKEN : undefined))?.trim();
  if (given) {
    if (kToken.test(given)) return given;
    throw new OtfError(
      'OTF_USAGE',
      'the token (--token, CIANNA_OTF_TOKEN) is more than one word, or no ASCII: give it as it was made',
    );
  }
  if (!file) return undefined;
  const text = await readFile(file, 'utf8').catch((thrown) => {
    throw new OtfError('OTF_USAGE', `cannot read the token in ${file}: ${systemReason(thrown)}`);
  });
  const read = text.trim();
  if (!kToken.test(read)) throw new OtfError('OTF_USAGE', `${file} has no token in it, or more than one`);
  return read;
}

/** When to stop waiting; undefined = never. `seconds` as `--timeout` has it. */
export function deadline(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : performance.now() + seconds * 1000;
}

export function addTimeoutOption(command: Command): Command {
  return command.option('--timeout <s>', 'wait this long at most, then end with exit code 4', real(0, 1e9));
}

export function isOver(phase: string): boolean {
  return kFinal.includes(phase);
}

/** Until the job has ended, or the deadline: then it is as it was. `seen` is told how it stands, every second or so. */
export async function untilEnd(
  client: UwsClient,
  id: string,
  untilMs?: number,
  seen?: (job: RemoteJob) => void,
): Promise<RemoteJob> {
  const stepS = seen ? kLiveStepS : kSilentStepS;
  for (;;) {
    const leftS = untilMs === undefined ? Number.POSITIVE_INFINITY : (untilMs - performance.now()) / 1000;
    const job = await client.job(id, Math.max(0, Math.ceil(Math.min(stepS, leftS))));
    if (isOver(job.phase) || (untilMs !== undefined && performance.now() >= untilMs)) return job;
    seen?.(job);
    if (!kBlocking.includes(job.phase)) await pause(kOtherStepMs);
  }
}

/** untilEnd with a line in a terminal that shows phase and progress. */
export async function waitForEnd(client: UwsClient, id: string, untilMs?: number): Promise<RemoteJob> {
  const live = new LiveLines();
  const seen = (job: RemoteJob) => live.show([`${shortId(id)}  ${phaseLine(job)}`]);
  try {
    return await untilEnd(client, id, untilMs, live.on ? seen : undefined);
  } finally {
    live.clear();
  }
}

const kBarWidth = 12;

/** EXECUTING, ######------ 12/24 tiles */
export function phaseLine({ phase, info }: Pick<RemoteJob, 'phase' | 'info'>): string {
  if (phase === 'HELD') return `${phase} until ${info.waitsFor?.split(' ').length ?? 0} other jobs have ended`;
  if (info.queuePosition !== undefined) return `${phase}, ${info.queuePosition} in the queue`;
  const [name, totalText] = Object.entries(info).find(([key]) => key.endsWith('Total')) ?? [];
  if (name === undefined || phase !== 'EXECUTING') return phase;
  const unit = name.slice(0, -'Total'.length);
  const [done, total] = [Number(info[`${unit}Done`] ?? 0), Number(totalText)];
  const full = Math.round((kBarWidth * done) / Math.max(1, total));
  return `${phase}, ${'#'.repeat(full)}${'-'.repeat(kBarWidth - full)} ${done}/${total} ${unit}`;
}

export interface FoundRows {
  count: number;
  /** What they are, e.g. sources. */
  rows: string;
}

/** Rows of the result, as a server of ours says it: sourcesFound. */
export function foundIn({ info }: Pick<RemoteJob, 'info'>): FoundRows | undefined {
  const [name, count] = Object.entries(info).find(([key]) => key.endsWith('Found')) ?? [];
  return name === undefined ? undefined : { count: Number(count), rows: name.slice(0, -'Found'.length) };
}

export function foundText(found: FoundRows | undefined): string {
  return found === undefined ? '' : `${found.count} ${found.rows}`;
}

/** How long it ran, or runs. */
export function timeText({ startTime, endTime }: { startTime?: string; endTime?: string }, now = Date.now()): string {
  if (startTime === undefined) return '';
  const seconds = ((endTime === undefined ? now : Date.parse(endTime)) - Date.parse(startTime)) / 1000;
  return Number.isFinite(seconds) && seconds >= 0 ? duration(seconds) : '';
}

export function shortId(id: string): string {
  return id.slice(0, kShortId);
}

/** Beginnings by which these ids are told apart, all of one length. */
export function shortIds(ids: readonly string[]): (id: string) => string {
  let length = kShortId;
  const all = new Set(ids);
  while (new Set([...all].map((id) => id.slice(0, length))).size < all.size) length++;
  return (id) => id.slice(0, length);
}
