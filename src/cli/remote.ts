/** What the commands that talk to a server share: the option --server, waiting with a live line, downloading. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { UwsClient } from '../client/client.js';
import type { RemoteJob, RemoteResult } from '../client/documents.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { real } from './options.js';
import { allFormats } from './parameters.js';
import { printable } from './table.js';

const kDefaultServer = 'http://127.0.0.1:5000';
const kFinal = ['COMPLETED', 'ERROR', 'ABORTED'];
const kTileStepS = 1;
const kSilentStepS = 30;
const kHeldStepMs = 1000;

export interface RemoteOptions {
  server: string;
  token?: string;
  tokenFile?: string;
  json?: boolean;
}

export function addServerOptions(command: Command): Command {
  return command
    .option('--server <url>', 'where the server is (or CIANNA_OTF_URL)', process.env.CIANNA_OTF_URL || kDefaultServer)
    .option('--token-file <file>', 'a file with your token in it (or CIANNA_OTF_TOKEN_FILE)')
    .option('--token <token>', 'your token: better in CIANNA_OTF_TOKEN, where others of this machine do not see it')
    .option('--json', 'as JSON');
}

/** The server, and who asks. Throws OTF_USAGE. */
export async function clientOf({ server, token, tokenFile }: RemoteOptions): Promise<UwsClient> {
  const file = tokenFile ?? (token === undefined ? process.env.CIANNA_OTF_TOKEN_FILE : undefined);
  const given = token ?? (tokenFile === undefined ? process.env.CIANNA_OTF_TOKEN : undefined);
  if (given) return new UwsClient(server, given);
  if (!file) return new UwsClient(server);
  const text = await readFile(file, 'utf8').catch((thrown) => {
    throw new OtfError('OTF_USAGE', `cannot read the token in ${file}: ${systemReason(thrown)}`);
  });
  const read = text.trim();
  if (read === '' || /\s/.test(read)) throw new OtfError('OTF_USAGE', `${file} has no token in it, or more than one`);
  return new UwsClient(server, read);
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

/** Until the job has ended, or the deadline: then it is as it was. In a terminal a line shows phase and tiles. */
export async function waitForEnd(client: UwsClient, id: string, untilMs?: number): Promise<RemoteJob> {
  const live = Boolean(process.stderr.isTTY);
  for (;;) {
    const leftS = untilMs === undefined ? Number.POSITIVE_INFINITY : (untilMs - performance.now()) / 1000;
    const job = await client.job(id, Math.max(0, Math.ceil(Math.min(live ? kTileStepS : kSilentStepS, leftS))));
    const ended = isOver(job.phase) || (untilMs !== undefined && performance.now() >= untilMs);
    if (live) process.stderr.write(`\r\u001b[K${ended ? '' : printable(`${id}  ${phaseLine(job)}`)}`);
    if (ended) return job;
    // A server does not wait with the phase of a job that waits for others (UWS 1.1, section 2.2.1.2).
    if (job.phase === 'HELD') await pause(kHeldStepMs);
  }
}

export function phaseLine({ phase, info }: RemoteJob): string {
  if (phase === 'HELD') return `${phase} until ${info.waitsFor?.split(' ').length ?? 0} other jobs have ended`;
  if (info.queuePosition !== undefined) return `${phase}, ${info.queuePosition} in the queue`;
  if (info.tilesTotal !== undefined) return `${phase}, ${info.tilesDone ?? 0}/${info.tilesTotal} tiles`;
  return phase;
}

const kExtensions = new Map([
  ['application/x-votable+xml', 'vot'],
  ['application/fits', 'fits'],
  ['application/json', 'json'],
  ['application/provenance+xml', 'xml'],
  ['text/csv', 'csv'],
  ['text/provenance-notation', 'provn'],
  ['text/plain', 'txt'],
  ['image/png', 'png'],
]);

/** `<job>-<result>.<extension>`: names of a server are data, never paths. */
function resultFileName(job: RemoteJob, result: RemoteResult): string {
  const plain = (name: string) => name.replace(/[^A-Za-z0-9_-]/g, '_');
  const extension = kExtensions.get((result.mime ?? '').split(';')[0] ?? '') ?? 'dat';
  return `${plain(job.id)}-${plain(result.id)}.${extension}`;
}

/** Every result of the job into `dir`, and what it is about in `formats` too; gives the paths. */
export async function downloadAll(
  client: UwsClient,
  job: RemoteJob,
  dir: string,
  formats: readonly string[] = [],
): Promise<string[]> {
  await mkdir(dir, { recursive: true }).catch((thrown) => {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot make ${dir}: ${systemReason(thrown)}`);
  });
  const paths: string[] = [];
  for (const result of [...job.results, ...formats.map((format) => inFormat(job, format))]) {
    const target = join(dir, resultFileName(job, result));
    await client.download(result, target);
    paths.push(target);
  }
  return paths;
}

/** The result in one of the formats a server makes when asked (DALI 1.1, RESPONSEFORMAT). */
export function inFormat(job: RemoteJob, format: string): RemoteResult {
  const written = job.results.find((result) => result.id === 'result');
  if (!written) throw new OtfError('OTF_SERVER_ANSWER', `job ${job.id} has no result`);
  const mime = allFormats()[format]?.mediaType ?? '';
  return { id: format, mime, href: `${written.href}?RESPONSEFORMAT=${encodeURIComponent(format)}` };
}
