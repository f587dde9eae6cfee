/** `jobs`, `status`, `wait`, `results`, `abort`, `delete`: jobs on a server. */
import type { Command } from 'commander';
import type { RemoteJob } from '../client/documents.js';
import { OtfError } from '../errors/catalogue.js';
import { example, formatOption, integer } from './options.js';
import { allFormats } from './parameters.js';
import {
  addServerOptions,
  addTimeoutOption,
  clientOf,
  deadline,
  downloadAll,
  isOver,
  phaseLine,
  type RemoteOptions,
  waitForEnd,
} from './remote.js';
import { print, printable, textTable } from './table.js';

interface JobsOptions extends RemoteOptions {
  phase?: string[];
  after?: string;
  last?: number;
}

interface ResultsOptions extends RemoteOptions {
  output?: string;
  format?: string[];
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
    addServerOptions(root.command(name).description(description).argument('<id>', 'job id or URL').action(action));
  example(one('status', 'how a job stands', status), ['cianna-otf status ID']);
  const waiting = one('wait', 'until a job has ended; exit code 1 when it failed', wait);
  example(addTimeoutOption(waiting), ['cianna-otf wait ID', 'cianna-otf wait ID --timeout 600']);
  const results = one('results', 'list or fetch the results of a job', listResults);
  results.option('-o, --output <dir>', 'put the files there');
  results.addOption(formatOption(allFormats(), 'with -o: the result in these formats too', '--format <format...>'));
  example(results, ['cianna-otf results ID -o results/', 'cianna-otf results ID -o results/ --format fits csv']);
  example(one('abort', 'stop a job', abort), ['cianna-otf abort ID']);
  example(one('delete', 'remove a job and its files', remove), ['cianna-otf delete ID']);
}

async function listJobs(options: JobsOptions): Promise<void> {
  const jobs = await (await clientOf(options)).list(options);
  if (options.json) return print(JSON.stringify(jobs, null, 2));
  if (jobs.length === 0) return print('no jobs');
  const columns = ['job', 'phase', 'created', 'run id'].map((title) => ({ title, align: 'left' as const }));
  print(
    textTable(
      columns,
      jobs.map((job) => [job.id, job.phase, job.creationTime ?? '', job.runId ?? '']),
    ),
  );
}

function show(job: RemoteJob, options: RemoteOptions): void {
  if (options.json) {
    print(JSON.stringify(job, null, 2));
    return;
  }
  const facts: [string, string | undefined][] = [
    ['job', job.id],
    ['phase', phaseLine(job)],
    ['run id', job.runId],
    ['created', job.creationTime],
    ['started', job.startTime],
    ['ended', job.endTime],
    ['expected', job.quote],
    ['error', job.error],
    ...Object.entries(job.parameters),
    ...Object.entries(job.info),
    ['results', job.results.map(({ id }) => id).join(', ') || undefined],
  ];
  for (const [name, value] of facts) if (value !== undefined) print(`${name.padEnd(14)} ${printable(value)}`);
}

async function status(id: string, options: RemoteOptions): Promise<void> {
  show(await (await clientOf(options)).job(id), options);
}

async function wait(id: string, options: RemoteOptions & { timeout?: number }): Promise<void> {
  const client = await clientOf(options);
  const job = await client.job(id);
  if (job.phase === 'PENDING') throw new OtfError('OTF_PHASE_FORBIDS', `job ${id} is PENDING: nobody has started it`);
  const ended = await waitForEnd(client, id, deadline(options.timeout));
  show(ended, options);
  if (!isOver(ended.phase)) {
    throw new OtfError('OTF_TIMEOUT', `job ${ended.id} is ${ended.phase} after ${options.timeout} s, and goes on`);
  }
  if (ended.phase !== 'COMPLETED') throw new OtfError('OTF_SERVER_ANSWER', `job ${ended.id} ended as ${ended.phase}`);
}

async function listResults(id: string, options: ResultsOptions): Promise<void> {
  const client = await clientOf(options);
  const job = await client.job(id);
  if (job.phase !== 'COMPLETED' && job.results.length === 0) {
    throw new OtfError('OTF_PHASE_FORBIDS', `job ${job.id} is ${job.phase}: it has no results`);
  }
  if (options.format !== undefined && options.output === undefined) {
    throw new OtfError('OTF_USAGE', '--format names formats to fetch: say where to with -o DIR');
  }
  if (options.output !== undefined) {
    const files = await downloadAll(client, job, options.output, options.format);
    return print(options.json ? JSON.stringify(files, null, 2) : files.join('\n'));
  }
  if (options.json) return print(JSON.stringify(job.results, null, 2));
  const rows = job.results.map((row) => [row.id, String(row.size ?? ''), row.mime ?? '', row.href]);
  const left = (title: string) => ({ title, align: 'left' as const });
  print(textTable([left('result'), { title: 'bytes' }, left('type'), left('address')], rows));
}

async function abort(id: string, options: RemoteOptions): Promise<void> {
  const client = await clientOf(options);
  await client.abort(id);
  const { phase } = await client.job(id);
  print(options.json ? JSON.stringify({ id, phase }) : `${id}  ${phase}`);
}

async function remove(id: string, options: RemoteOptions): Promise<void> {
  await (await clientOf(options)).delete(id);
  print(options.json ? JSON.stringify({ id, deleted: true }) : `${id}  deleted`);
}
