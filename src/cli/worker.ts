/** `worker`: this machine works for a server elsewhere, until it is told to stop. */

import { randomBytes } from 'node:crypto';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { Logger } from 'pino';
import { loadConfig } from '../config/load.js';
import { native } from '../engine/addon.js';
import { toOtfError } from '../errors/catalogue.js';
import { kWorkerName } from '../run/remote/messages.js';
import { Front } from '../run/worker/front.js';
import { Worker } from '../run/worker/worker.js';
import { report } from './failure.js';
import { example, integer } from './options.js';
import { addServerOption, type RemoteOptions, tokenOf } from './remote.js';
import { serverLog } from './server-log.js';
import { openSupervisor } from './systemd.js';

interface WorkerOptions extends RemoteOptions {
  config?: string;
  name?: string;
  cache?: string;
  idle?: number;
}

const kSignals = ['SIGINT', 'SIGTERM'] as const;
const kAgainMs = 2000;
const kLookMs = 500;

export function registerWorker(root: Command): void {
  const command = addServerOption(
    root
      .command('worker')
      .description('run jobs of a server on this machine (docs/workers.md): it says which, and gets the results'),
  )
    .option('--config <file>', 'of this machine (otf.toml): its [engine], [fetch] and the secrets of [workers]')
    .option(
      '--name <name>',
      'of this worker, one that no other has (default: the name of the machine and a number)',
      workerName,
    )
    .option(
      '--cache <dir>',
      'for network files and jobs under way (default: CIANNA_OTF_CACHE, else ~/.cache/cianna-otf)',
    )
    .option('--idle <s>', 'end when it has had nothing to do for so long', integer(1, 1e9))
    .action(work);
  example(command, ['cianna-otf worker --server https://otf.example.org --token-file worker.token']);
}

function workerName(text: string): string {
  if (kWorkerName.test(text)) return text;
  throw new InvalidArgumentError('Expected letters, digits, - and _, 64 at most.');
}

async function work(options: WorkerOptions): Promise<void> {
  const config = await loadConfig({ file: options.config, env: process.env });
  const log = serverLog(config);
  process.on('uncaughtException', (thrown) => {
    log.fatal({ err: thrown }, 'the worker ends');
    process.exit(report(thrown));
  });
  const stop = new AbortController();
  const asked = new Promise<void>((resolve) => {
    for (const signal of kSignals) {
      process.once(signal, () => {
        stop.abort();
        resolve();
      });
    }
  });
  const supervisor = openSupervisor(process.env);
  const name = options.name ?? ownName();
  const front = new Front({ server: options.server, token: () => tokenOf(options) });
  const terms = await firstTerms(front, stop.signal, (line) => log.warn(line));
  if (!terms) return;
  const cache = options.cache ?? (process.env.CIANNA_OTF_CACHE || join(homedir(), '.cache', 'cianna-otf'));
  const broker = { seedFile: config.workers.broker_seed || undefined, caFile: config.workers.broker_ca || undefined };
  const worker = await Worker.start({
    name,
    config,
    terms,
    front,
    broker,
    cache: join(cache, 'worker'),
    log,
    signal: stop.signal,
  });
  supervisor.ready(`working as ${name} for ${options.server}`);
  log.info({ name, server: options.server }, 'working');
  log.flush();
  const why = await Promise.race([asked, worker.sentAway, ...idleFor(worker, options.idle, log)]);
  for (const signal of kSignals) process.once(signal, () => process.exit(1));
  if (why !== undefined) log.warn(`the server sends this worker away: ${why}`);
  log.info('stopping');
  supervisor.stopping();
  await worker.stop(config.server.shutdown_s * 1000);
  log.info('stopped');
  log.flush();
  if (why !== undefined) process.exitCode = 1;
  if (worker.stuck > 0) native().exitNow(Number(process.exitCode ?? 0));
}

/** A server that is not there yet is waited for; one that refuses is not. Undefined when it is told to stop. */
async function firstTerms(front: Front, signal: AbortSignal, say: (line: string) => void) {
  for (let said = false; !signal.aborted; said = true) {
    try {
      return await front.terms();
    } catch (thrown) {
      const error = toOtfError(thrown);
      if (error.code !== 'OTF_SERVER_UNREACHABLE') throw error;
      if (!said) say(`${error.message}: waiting for it`);
      await pause(kAgainMs, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}

/** Resolves when there has been nothing to do for so long. */
function idleFor(worker: Worker, seconds: number | undefined, log: Logger): Promise<undefined>[] {
  if (seconds === undefined) return [];
  const idle = new Promise<undefined>((resolve) => {
    const timer = setInterval(() => {
      if (worker.idleMs < seconds * 1000) return;
      clearInterval(timer);
      log.info(`nothing to do for ${seconds} s`);
      resolve(undefined);
    }, kLookMs);
    timer.unref();
  });
  return [idle];
}

function ownName(): string {
  const host = hostname().split('.')[0] ?? '';
  const plain = host.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 50) || 'worker';
  return `${plain}-${randomBytes(2).toString('hex')}`;
}
