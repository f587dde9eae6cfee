/** `run`: jobs in folders, here or as jobs of Slurm, without a server. */
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { type Described, readDescription, rulesOf } from '../jobdir/description.js';
import { differentFolders } from '../jobdir/earlier.js';
import type { RanFolder } from '../jobdir/run.js';
import { type FolderState, failureOf, isDone, isOver } from '../jobdir/state.js';
import { type FollowedFolder, follow, lookAt, submitFolder } from '../slurm/jobs.js';
import { Slurm } from '../slurm/program.js';
import { warn } from './failure.js';
import { example, real } from './options.js';
import { addTimeoutOption, deadline } from './remote.js';
import { type Fields, field, runStage } from './run-stage.js';
import { commandLog } from './server-log.js';
import { launchOf } from './slurm-launch.js';
import { print } from './table.js';

interface RunOptions {
  config?: string;
  in?: string;
  out?: string;
  set?: Fields;
  slurm?: boolean;
  status?: boolean;
  wait?: boolean;
  image?: string;
  grace: number;
  timeout?: number;
  json?: boolean;
}

const kSignals = ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const;
/** What cuts a run short that took too long. */
const kTimeout = '--timeout';
const kFailed: readonly FolderState['phase'][] = ['ERROR', 'ABORTED'];
const kStepMs = 1000;
const kClockMs = 200;
const kGraceS = 60;

export function registerRun(root: Command): void {
  const command = root
    .command('run')
    .description('run jobs that are folders (docs/hpc.md): DIR/job.json says what, DIR/results is what comes of it')
    .argument('[dir...]', 'folders, with their files; after --slurm and --, options of sbatch')
    .option('--config <file>', 'of this machine (otf.toml)')
    .option('--in <prefix>', 'a job for every image below: a folder, or s3://BUCKET/PREFIX')
    .option('--out <prefix>', 'with --in: where results go; a folder, s3://BUCKET/PREFIX or dav(s)://HOST/PATH')
    .addOption(new Option('--set <NAME=VALUE>', 'with --in: a field of every job').argParser(field))
    .option('--slurm', 'each as a job of Slurm: what follows -- goes to sbatch')
    .option('--image <sif>', 'with --slurm: the Apptainer image that nodes run')
    .option('--wait', 'with --slurm: until the jobs have ended')
    .option('--status', 'only say how they stand: by their folders, then by Slurm')
    .option(
      '--grace <s>',
      'how long a folder may be silent when Slurm says that its job has ended',
      real(0, 86_400),
      kGraceS,
    )
    .option('--json', 'as JSON');
  example(addTimeoutOption(command).action(run), [
    'cianna-otf run field-17/',
    'cianna-otf run --in s3://lotss/mosaics/ --out s3://lotss/catalogues/ --set MEASURE=fast',
    'cianna-otf run --slurm --wait field-*/ -- -p gpu --gres=gpu:1 -t 30',
  ]);
}

async function run(given: string[], options: RunOptions): Promise<void> {
  if (options.in !== undefined) return runBelow(given, options);
  if (options.out !== undefined || options.set) throw new OtfError('OTF_USAGE', '--out and --set go with --in');
  const { dirs, sbatch } = split(given);
  const { slurm, status, wait, image } = options;
  if (!slurm && (sbatch.length > 0 || wait || image !== undefined)) {
    throw new OtfError('OTF_USAGE', '--wait, --image and options of sbatch go with --slurm');
  }
  if (options.timeout !== undefined && (status || (slurm && !wait))) {
    throw new OtfError('OTF_USAGE', '--timeout goes with --wait, or with a run here: nothing is waited for');
  }
  if (status) return tell(await lookAt(new Slurm(), dirs), options);
  const config = await loadConfig({ file: options.config, env: process.env });
  if (slurm) return runInSlurm(dirs, sbatch, config, options);
  return runHere(dirs, config, options);
}

/** Options of sbatch begin with the first of them: folders whose names begin with - are ./-this. */
function split(given: readonly string[]): { dirs: string[]; sbatch: string[] } {
  const at = given.findIndex((word) => word.startsWith('-'));
  const dirs = (at < 0 ? given : given.slice(0, at)).map((dir) => resolve(dir));
  if (dirs.length === 0) throw new OtfError('OTF_USAGE', 'name the folders before the options of sbatch');
  return { dirs, sbatch: at < 0 ? [] : given.slice(at) };
}

async function runBelow(given: readonly string[], { in: from = '', ...options }: RunOptions): Promise<void> {
  if (given.length > 0 || options.slurm || options.status) {
    throw new OtfError('OTF_USAGE', '--in makes the folders itself, and they are run here');
  }
  const config = await loadConfig({ file: options.config, env: process.env });
  const stop = stopOf(options);
  tellRan(await runStage({ ...options, in: from }, config, (dirs) => runDirs(dirs, config, stop)), options, stop);
}

async function runHere(dirs: string[], config: Config, options: RunOptions): Promise<void> {
  const stop = stopOf(options);
  tellRan(await runDirs(dirs, config, stop), options, stop);
}

/** Fires when the run is to be cut short, with what does it as its reason. */
function stopOf({ timeout }: RunOptions): AbortSignal {
  const stop = new AbortController();
  for (const signal of kSignals) process.on(signal, () => stop.abort(signal));
  const untilMs = deadline(timeout);
  // Not one timer for all of it: those of Node end after 24 days.
  if (untilMs !== undefined) setInterval(() => performance.now() >= untilMs && stop.abort(kTimeout), kClockMs).unref();
  return stop.signal;
}

async function runDirs(dirs: readonly string[], config: Config, stop: AbortSignal): Promise<RanFolder[]> {
  const { runFolders } = await import('../jobdir/run.js');
  return runFolders(dirs, { config, log: commandLog(config), stop });
}

/** Throws OTF_ENGINE_FAILED when not all is done, OTF_TIMEOUT when that is for want of time. */
function tellRan(ran: readonly RanFolder[], { json, timeout }: RunOptions, stop: AbortSignal): void {
  if (json)
    print(
      JSON.stringify(
        ran.map(({ dir, state }) => ({ dir, ...state })),
        null,
        2,
      ),
    );
  for (const { dir, state, before } of ran) {
    for (const warning of before ? [] : (state.warnings ?? [])) warn(`${basename(dir)}: ${warning}`);
    if (!json) print(`${dir}: ${before ? 'has been run: ' : ''}${summary(state)}`);
  }
  // One that was cut short is not done, whoever goes on with it.
  const undone = ran.filter(({ state }) => !isDone(state));
  const late = stop.reason === kTimeout ? undone.filter(({ state: { phase } }) => !kFailed.includes(phase)) : [];
  const failed = undone
    .filter((each) => !late.includes(each))
    .map(({ dir, state }) => ({ dir, standing: { phase: 'ERROR', why: failureOf(state).message } as const }));
  refuseFailed(failed, ran.length);
  if (late.length > 0)
    throw new OtfError(
      'OTF_TIMEOUT',
      `${late.length} of ${ran.length} jobs are not done after ${timeout} s: run them again`,
    );
}

function summary({ phase, found, error, note, delivery }: FolderState): string {
  if (phase === 'COMPLETED') {
    const sent = delivery?.state === 'done' ? `, ${delivery.files} files sent` : '';
    return `${found ?? 0} rows${sent}`;
  }
  const why = error?.message ?? note;
  return why === undefined ? phase : `${phase}: ${why}`;
}

async function runInSlurm(given: string[], sbatch: string[], config: Config, options: RunOptions): Promise<void> {
  const slurm = new Slurm();
  const dirs = await differentFolders(given);
  const rules = await rulesOf(config);
  // What is wrong with a job is said now, and not when its turn has come.
  const described = new Map<string, Described>();
  for (const dir of dirs) described.set(dir, await readDescription(dir, rules));
  const launch = launchOf(options.image, [...dirs]);
  const run = options.config === undefined ? [] : ['--config', resolve(options.config)];
  for (const [dir, what] of described) {
    const id = await submitFolder(slurm, dir, what, launch, { sbatch, run });
    if (!options.json) print(`${dir}: Slurm job ${id}`);
  }
  if (!options.wait) return;
  const untilMs = deadline(options.timeout) ?? Number.POSITIVE_INFINITY;
  await tell(await follow(slurm, dirs, { graceMs: options.grace * 1000, untilMs, stepMs: kStepMs }), options);
}

async function tell(found: readonly FollowedFolder[], { json, timeout }: RunOptions): Promise<void> {
  if (json)
    print(
      JSON.stringify(
        found.map(({ dir, slurmJob, standing, state }) => ({ dir, slurmJob, ...standing, state })),
        null,
        2,
      ),
    );
  else {
    for (const { dir, standing, state } of found) {
      const rows = standing.phase === 'COMPLETED' && state.found !== undefined ? `: ${state.found} rows` : '';
      print(`${dir}: ${standing.phase}${standing.why === undefined ? rows : `: ${standing.why}`}`);
    }
  }
  refuseFailed(found, found.length);
  const late = found.filter(({ standing }) => !isOver(standing));
  if (timeout === undefined || late.length === 0) return;
  throw new OtfError(
    'OTF_TIMEOUT',
    `${late.length} of ${found.length} jobs are not done after ${timeout} s, and go on`,
  );
}

/** Throws OTF_ENGINE_FAILED. */
function refuseFailed(all: readonly Pick<FollowedFolder, 'dir' | 'standing'>[], of: number): void {
  const failed = all.filter(({ standing: { phase } }) => kFailed.includes(phase));
  const [first] = failed;
  if (!first) return;
  const why = first.standing.why ?? first.standing.phase;
  throw new OtfError('OTF_ENGINE_FAILED', `${failed.length} of ${of} jobs failed: ${basename(first.dir)}: ${why}`);
}
