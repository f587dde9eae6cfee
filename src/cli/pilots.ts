/** `pilots`: workers of a server in allocations of a batch system, as many as it needs. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { OtfError } from '../errors/catalogue.js';
import { printable } from '../io/terminal.js';
import { kWorkerName } from '../run/remote/messages.js';
import { Pilots } from '../slurm/pilots.js';
import { Slurm } from '../slurm/program.js';
import { example, integer } from './options.js';
import { addServerOption, clientOf, type RemoteOptions } from './remote.js';
import { launchOf } from './slurm-launch.js';

interface PilotOptions extends RemoteOptions {
  slurm?: boolean;
  min: number;
  max: number;
  jobsPerPilot: number;
  idle: number;
  drain: number;
  every: number;
  name: string;
  config?: string;
  cache?: string;
  image?: string;
  logs: string;
  cancel?: boolean;
}

const kSignals = ['SIGINT', 'SIGTERM'] as const;

export function registerPilots(root: Command): void {
  const command = addServerOption(
    root
      .command('pilots')
      .description('keep as many workers of a server in Slurm as its jobs need (docs/hpc.md), until it is ended')
      .argument('[sbatch...]', 'after --: options of sbatch, such as -p gpu --gres=gpu:1 -t 4:00:00'),
  )
    .option('--slurm', 'in Slurm (needed: there is no other yet)')
    .option('--min <n>', 'so many even when there is nothing to do', integer(0, 10_000), 0)
    .option('--max <n>', 'no more than this', integer(1, 10_000), 8)
    .option('--jobs-per-pilot <n>', 'jobs that wait or run for one of them', integer(1, 100_000), 8)
    .option('--idle <s>', 'a pilot that has had nothing to do for so long gives its node back', integer(5, 1e6), 120)
    .option('--drain <s>', 'before the time limit, for a pilot to end what it has', integer(15, 86_400), 120)
    .option('--every <s>', 'between two looks at server and queue', integer(1, 3600), 10)
    .option('--name <name>', 'of their jobs: keepers of one user need different ones', pilotName, 'cianna-otf-pilot')
    .option('--config <file>', 'of the workers (otf.toml), where the nodes see it')
    .option('--cache <dir>', "of the workers; a node's own disk is best")
    .option('--image <sif>', 'the Apptainer image that nodes run, instead of this program')
    .option('--logs <dir>', 'for what pilots print, where the nodes see it', 'pilots')
    .option('--cancel', 'end all pilots of the name, and nothing else');
  example(command.action(pilots), [
    'cianna-otf pilots --slurm --server https://otf.example.org --token-file pilots.token --max 16 -- -p gpu --gres=gpu:1 -t 4:00:00',
  ]);
}

function pilotName(text: string): string {
  if (kWorkerName.test(text)) return text;
  throw new InvalidArgumentError('Expected letters, digits, - and _, 64 at most.');
}

async function pilots(sbatch: string[], options: PilotOptions): Promise<void> {
  if (!options.slurm) throw new OtfError('OTF_USAGE', 'say which batch system: --slurm');
  const { min, max, jobsPerPilot, name, server, token, idle } = options;
  if (min > max) throw new OtfError('OTF_USAGE', `--min ${min} is more than --max ${max}`);
  // It would stand in the scripts, which Slurm keeps and shows.
  if (token !== undefined)
    throw new OtfError('OTF_USAGE', 'pilots read the token from a file that nodes see: --token-file');
  const client = await clientOf(options);
  const logs = resolve(options.logs);
  await mkdir(logs, { recursive: true });
  const files = [options.tokenFile ?? process.env.CIANNA_OTF_TOKEN_FILE, options.config].map(
    (file) => file && resolve(file),
  );
  const [tokenFile, config] = files;
  const cache = options.cache === undefined ? undefined : resolve(options.cache);
  const stop = new AbortController();
  for (const signal of kSignals) process.once(signal, () => stop.abort());
  const keeper = new Pilots({
    slurm: new Slurm(),
    load: async () => {
      const { QUEUED: waiting = 0, EXECUTING: executing = 0 } = await client.counts();
      return { waiting, executing };
    },
    limits: { min, max, jobsPerPilot },
    name,
    launch: launchOf(
      options.image,
      [tokenFile, config, cache].filter((path) => path !== undefined && path !== '') as string[],
    ),
    worker: [
      ...['--server', server],
      ...(tokenFile ? ['--token-file', tokenFile] : []),
      ...(config ? ['--config', config] : []),
      ...(cache ? ['--cache', cache] : []),
    ],
    idleS: idle,
    sbatch,
    logs,
    stepMs: options.every * 1000,
    drainS: options.drain,
    say: (line) => process.stderr.write(`${new Date().toISOString()} ${printable(line)}\n`),
    stop: stop.signal,
  });
  if (options.cancel) {
    process.stderr.write(`${await keeper.cancel()} pilots are told to end\n`);
    return;
  }
  await keeper.keep();
}
