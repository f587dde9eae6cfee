/**
 * Jobs in folders, run by this process: no server, no database, no network but for inputs that are elsewhere.
 *
 *     DIR/job.json ─► described as a server reads a request ─► executor and runner of a server ─► DIR/results, DIR/state.json
 *
 * Several folders share networks and forward passes as jobs of a server do. A run may be killed at any moment: the next one
 * begins anew, and what a finished run has left stands.
 */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import { toOtfError } from '../errors/catalogue.js';
import { LocalRunner } from '../run/local/runner.js';
import { BatchExecutor } from '../schedule/executor.js';
import { deliverFolder, type Wanted } from './delivery.js';
import { readDescription, rulesOf } from './description.js';
import { differentFolders, earlierRun } from './earlier.js';
import { FolderJob, removeLeftRuns } from './folder-job.js';
import { FolderHost } from './host.js';
import { type FolderState, isOver, writeState } from './state.js';

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
/** Between looks at how long jobs have taken. */
const kClockMs = 200;

/** How each folder stands afterwards, in their order. Throws what keeps all of them from being run; nothing is begun then. */
export async function runFolders(
  given: readonly string[],
  { config: asked, log, stop }: FolderRun,
): Promise<RanFolder[]> {
  const dirs = await differentFolders(given);
  const rules = await rulesOf(asked);
  const { config } = rules;
  const host = new FolderHost(config, log);
  const jobs: FolderJob[] = [];
  const done: RanFolder[] = [];
  const wanted = new Map<string, Wanted>();
  for (const dir of dirs) {
    const described = await readDescription(dir, rules);
    if (described.wanted) wanted.set(dir, described.wanted);
    const before = await earlierRun(dir, described);
    if (before?.phase === 'COMPLETED') {
      await writeState(dir, before);
      await removeLeftRuns(dir);
      done.push({ dir, state: before, before: true });
      continue;
    }
    // States of earlier versions do not say whose they are, and may have been copied.
    const isOthers = before !== undefined && host.job(before.id) !== undefined;
    const job = await FolderJob.open(dir, described, isOthers ? undefined : before);
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
  const expire = async () => {
    for (const id of host.late(performance.now())) {
      const seconds = host.job(id)?.executionDurationS;
      if (await host.expired(id, `it took longer than EXECUTIONDURATION=${seconds} s`)) executor.abort(id, 'duration');
    }
  };
  const clock = setInterval(() => expire().catch((thrown) => host.internal(thrown)), kClockMs);
  try {
    await executor.start(host);
    host.environment = executor.environment;
    for (const each of jobs) {
      if (await givenUp(each, host)) continue;
      executor.submit(each.job);
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
    clearInterval(clock);
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
