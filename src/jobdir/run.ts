/**
 * Jobs in folders, run by this process: no server, no database, no network but for inputs that are elsewhere.
 *
 *     DIR/job.json ─► described as a server reads a request ─► executor and runner of a server ─► DIR/results, DIR/state.json
 *
 * Several folders share networks and forward passes as jobs of a server do. A run may be killed at any moment: the next one
 * begins anew, and what a finished run has left stands.
 */
import { basename, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import { LocalRunner } from '../run/local/runner.js';
import { BatchExecutor } from '../schedule/executor.js';
import { ModelDirectory } from '../uws/model-directory.js';
import { deliverFolder, type Wanted } from './delivery.js';
import { readDescription } from './description.js';
import { FolderJob, removeLeftRuns } from './folder-job.js';
import { FolderHost } from './host.js';
import { type FolderState, isOver, readState, writeState } from './state.js';

export interface FolderRun {
  config: Config;
  log: Logger;
  /** Fires when this process is to end: what runs has config.server.shutdown_s to come to its end. */
  stop: AbortSignal;
}

export interface RanFolder {
  dir: string;
  state: FolderState;
  /** It had ended before, and nothing was done. */
  before: boolean;
}

const kDeliveredAtOnce = 4;

/** How each folder stands afterwards, in their order. Throws what keeps all of them from being run; nothing is begun then. */
export async function runFolders(
  given: readonly string[],
  { config: asked, log, stop }: FolderRun,
): Promise<RanFolder[]> {
  const dirs = given.map((dir) => resolve(dir));
  const twice = dirs.find((dir, index) => dirs.indexOf(dir) !== index);
  if (twice !== undefined) throw new OtfError('OTF_USAGE', `${twice} is given twice`);
  // Whoever starts this program may read what he may read.
  const config: Config = { ...asked, fetch: { ...asked.fetch, file_roots: ['/'] } };
  const models = await ModelDirectory.open(config.models);
  const host = new FolderHost(config, log);
  const jobs: FolderJob[] = [];
  const done: RanFolder[] = [];
  const wanted = new Map<string, Wanted>();
  for (const dir of dirs) {
    const described = await readDescription(dir, { config, models });
    if (described.wanted) wanted.set(dir, described.wanted);
    const before = await readState(dir);
    if (before?.phase === 'COMPLETED') {
      if (before.description !== described.digest) throw otherJob(dir);
      await writeState(dir, before);
      await removeLeftRuns(dir);
      done.push({ dir, state: before, before: true });
      continue;
    }
    const job = await FolderJob.open(dir, described, before);
    jobs.push(job);
    host.add(job);
  }
  if (jobs.length > 0) await runAll(jobs, host, stop);
  const ran = dirs.map((dir) => {
    const job = jobs.find((each) => each.dir === dir);
    return job ? { dir, state: job.state, before: false } : (done.find((each) => each.dir === dir) as RanFolder);
  });
  return deliverAll(ran, wanted, config, stop);
}

/** In their order; several at a time. */
async function deliverAll(
  ran: readonly RanFolder[],
  wanted: ReadonlyMap<string, Wanted>,
  config: Config,
  stop: AbortSignal,
): Promise<RanFolder[]> {
  const all = [...ran];
  let next = 0;
  const deliver = async () => {
    for (let at = next++; at < all.length; at = next++) {
      const each = all[at] as RanFolder;
      const where = wanted.get(each.dir);
      const { phase, delivery } = each.state;
      if (!where || phase !== 'COMPLETED' || delivery?.state === 'done') continue;
      all[at] = { ...each, before: false, state: await deliverFolder(each.dir, each.state, where, config, stop) };
    }
  };
  await Promise.all(Array.from({ length: kDeliveredAtOnce }, deliver));
  return all;
}

async function runAll(jobs: readonly FolderJob[], host: FolderHost, stop: AbortSignal): Promise<void> {
  const { config } = host;
  const executor = new BatchExecutor(new LocalRunner());
  const timers: NodeJS.Timeout[] = [];
  try {
    await executor.start(host);
    host.environment = executor.environment;
    for (const each of jobs) {
      if (await givenUp(each, host)) continue;
      const { id, executionDurationS: seconds } = each.job;
      executor.submit(each.job);
      if (seconds === 0) continue;
      const expire = async () => {
        if (await host.expired(id, `it took longer than EXECUTIONDURATION=${seconds} s`))
          executor.abort(id, 'duration');
      };
      timers.push(setTimeout(() => expire().catch((thrown) => host.internal(thrown)), seconds * 1000));
    }
    const told = new Promise<void>((tell) => {
      if (stop.aborted) tell();
      stop.addEventListener('abort', () => tell(), { once: true });
    });
    await Promise.race([Promise.all(jobs.map(({ over }) => over)), told]);
  } catch (thrown) {
    for (const each of jobs) await each.tell({ note: toOtfError(thrown).message });
    throw thrown;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    await executor.stop(config.server.shutdown_s * 1000).catch((thrown) => host.internal(thrown));
    for (const each of jobs) if (!isOver(each.state)) await cutShort(each, stop);
    for (const { dir, state } of jobs) if (state.phase === 'COMPLETED') await removeLeftRuns(dir);
  }
}

/** A job that ends its process again and again is not begun once more. */
async function givenUp(each: FolderJob, host: FolderHost): Promise<boolean> {
  const { losses } = each.state;
  if (losses < host.config.workers.attempts) return false;
  const message = `${losses} runs ended without a word while this job was being executed, the last one alone: it is not tried again`;
  return host.failed(each.job.id, { type: 'fatal', code: 'OTF_ENGINE_FAILED', message });
}

async function cutShort(each: FolderJob, stop: AbortSignal): Promise<void> {
  const note = stop.aborted ? `cut short by ${String(stop.reason)}: run it again` : each.state.note;
  await each.tell({ phase: 'QUEUED', ...(note === undefined ? {} : { note }) });
  await each.end();
}

function otherJob(dir: string): OtfError {
  const what = `${dir}/job.json is not what the results there are of`;
  return new OtfError(
    'OTF_USAGE',
    `${what}: remove ${basename(dir)}/results and state.json to run it, or use another folder`,
  );
}
