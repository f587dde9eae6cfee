/** `jobs`, `status`, `wait`, `results`, `abort`, `delete`: jobs on a server. */
import { type Command, Option } from 'commander';
import type { JobSummary, RemoteJob } from '../client/documents.js';
import { OtfError } from '../errors/catalogue.js';
import { printable } from '../io/terminal.js';
import { downloadAll, extrasOption } from './download.js';
import { openPage } from './open-page.js';
import { example, formatOption, integer } from './options.js';
import { stemOf } from './output-names.js';
import { allFormats } from './parameters.js';
import {
  addServerOptions,
  addTimeoutOption,
  clientOf,
  deadline,
  foundText,
  isOver,
  phaseLine,
  type RemoteOptions,
  shortIds,
  timeText,
  waitForEnd,
} from './remote.js';
import { print, textTable } from './table.js';

interface JobsOptions extends RemoteOptions {
  phase?: string[];
  after?: string;
  last?: number;
}

interface ResultsOptions extends RemoteOptions {
  output?: string;
  format?: string[];
  extras?: boolean;
  open?: 'page';
}

export function registerJobs(root: Command): void {
  const jobs = root
    .command('jobs')
    .description('the jobs of a server')
    .option('--phase <phase...>', 'only in these phases')
    .option('--after <instant>', 'only those created later')
    .option('--last <n>', 'only the newest', integer(1))
    .action(listJobs);
  example(addServerOptions(jobs), ['cianna-otf jobs --phase EXECUTING QUEUED', 'cianna-otf jobs --last 10']);
  const one = (name: string, description: string, action: (id: string, options: RemoteOptions) => Promise<void>) =>
    addServerOptions(
      root
        .command(name)
        .description(description)
        .argument('<id>', 'job id, as much of its beginning as is its own, or URL on that server')
        .action(action),
    );
  example(one('status', 'how a job stands', status), ['cianna-otf status ID']);
  const waiting = one('wait', 'until a job has ended; exit code 1 when it failed', wait);
  example(addTimeoutOption(waiting), ['cianna-otf wait ID', 'cianna-otf wait ID --timeout 600']);
  const results = one('results', 'list or fetch the results of a job', listResults);
  results.option('-o, --output <dir>', 'put the result there, called after the image: a.vot for a.fits');
  results.addOption(extrasOption());
  results.addOption(
    new Option('--open <what>', "show the job in a browser: the server's page of it").choices(['page']),
  );
  results.addOption(formatOption(allFormats(), 'with -o: the result in these formats too', '--format <format...>'));
  example(results, ['cianna-otf results ID -o results/', 'cianna-otf results ID -o results/ --format fits csv']);
  example(one('abort', 'stop a job', abort), ['cianna-otf abort ID']);
  example(one('delete', 'remove a job and its files', remove), ['cianna-otf delete ID']);
}

async function listJobs(options: JobsOptions): Promise<void> {
  const jobs = await (await clientOf(options)).list(options);
  if (options.json) return print(JSON.stringify(jobs, null, 2));
  if (jobs.length === 0) return print('no jobs');
  const short = shortIds(jobs.map(({ id }) => id));
  const left = (title: string) => ({ title, align: 'left' as const });
  const columns = [
    ...[left('job'), left('image'), left('model'), left('phase'), { title: 'found' }, { title: 'time' }],
    ...[left('created'), left('run id')],
  ];
  print(
    textTable(
      columns,
      jobs.map((job) => rowOf(job, short)),
    ),
  );
}

function rowOf(job: JobSummary, short: (id: string) => string): string[] {
  const { phase, position, progress, found } = job;
  const how = progress && !isOver(phase) ? ` ${progress.done}/${progress.total}` : '';
  const where = position === undefined ? how : `, ${position} in the queue`;
  return [
    ...[short(job.id), job.image ?? '', job.model ?? '', `${phase}${where}`, foundText(found), timeText(job)],
    ...[created(job.creationTime), job.runId ?? ''],
  ];
}

/** 2026-11-28 10:12:13, as the server has it: in UTC. */
function created(instant: string | undefined): string {
  return (instant ?? '').replace('T', ' ').replace(/(\.\d+)?Z$/, '');
}

function show(job: RemoteJob, options: RemoteOptions): void {
  if (options.json) {
    print(JSON.stringify(job, null, 2));
    return;
  }
  const facts = factsOf(job);
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) print(printable(`${name.padEnd(width)}  ${value}`));
}

/** All that is known of it, by name, in an order for people. */
export function factsOf(job: RemoteJob): [name: string, value: string][] {
  const { errorCode, ...info } = job.info;
  const facts: [string, string | undefined][] = [
    ['job', job.id],
    ['phase', phaseLine(job)],
    ['run id', job.runId],
    ['created', job.creationTime],
    ['started', job.startTime],
    ['ended', job.endTime],
    ['expected', job.quote],
    ['error', job.error && errorCode ? `${job.error} [${errorCode}]` : job.error],
    ...Object.entries(job.parameters),
    ...Object.entries(info),
    ['results', job.results.map(({ id }) => id).join(', ') || undefined],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
}

async function status(given: string, options: RemoteOptions): Promise<void> {
  const client = await clientOf(options);
  show(await client.job(await client.resolve(given)), options);
}

async function wait(given: string, options: RemoteOptions & { timeout?: number }): Promise<void> {
  const client = await clientOf(options);
  const id = await client.resolve(given);
  const job = await client.job(id);
  if (job.phase === 'PENDING') throw new OtfError('OTF_PHASE_FORBIDS', `job ${id} is PENDING: nobody has started it`);
  const ended = await waitForEnd(client, id, deadline(options.timeout));
  show(ended, options);
  if (!isOver(ended.phase)) {
    throw new OtfError('OTF_TIMEOUT', `job ${ended.id} is ${ended.phase} after ${options.timeout} s, and goes on`);
  }
  if (ended.phase !== 'COMPLETED') throw new OtfError('OTF_SERVER_ANSWER', `job ${ended.id} ended as ${ended.phase}`);
}

async function listResults(given: string, options: ResultsOptions): Promise<void> {
  const client = await clientOf(options);
  const id = await client.resolve(given);
  if (options.open !== undefined) return openPage(client, id);
  const job = await client.job(id);
  if (job.phase !== 'COMPLETED' && job.results.length === 0) {
    throw new OtfError('OTF_PHASE_FORBIDS', `job ${job.id} is ${job.phase}: it has no results`);
  }
  if ((options.format !== undefined || options.extras) && options.output === undefined) {
    throw new OtfError('OTF_USAGE', '--format and --extras name what to fetch: say where to with -o DIR');
  }
  if (options.output !== undefined) {
    const { format: formats, extras } = options;
    const files = await downloadAll(client, job, options.output, stemFor(job), { formats, extras });
    return print(options.json ? JSON.stringify(files, null, 2) : files.join('\n'));
  }
  if (options.json) return print(JSON.stringify(job.results, null, 2));
  const rows = job.results.map((row) => [row.id, String(row.size ?? ''), row.mime ?? '', row.href]);
  const left = (title: string) => ({ title, align: 'left' as const });
  print(textTable([left('result'), { title: 'bytes' }, left('type'), left('address')], rows));
}

/** After its image, or its id where the server does not say. */
export function stemFor({ id, info }: RemoteJob): string {
  return stemOf(info['input.FitsFilename'] ?? id);
}

async function abort(given: string, options: RemoteOptions): Promise<void> {
  const client = await clientOf(options);
  const id = await client.resolve(given);
  await client.abort(id);
  const { phase } = await client.job(id);
  print(options.json ? JSON.stringify({ id, phase }) : `${id}  ${phase}`);
}

async function remove(given: string, options: RemoteOptions): Promise<void> {
  const client = await clientOf(options);
  const id = await client.resolve(given);
  await client.delete(id);
  print(options.json ? JSON.stringify({ id, deleted: true }) : `${id}  deleted`);
}
