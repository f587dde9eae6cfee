/** `dashboard`: the server live, in a terminal. */
import type { Command } from 'commander';
import type { UwsClient } from '../client/client.js';
import type { Actions } from '../dashboard/controller.js';
import { OtfError } from '../errors/catalogue.js';
import { printable } from '../io/terminal.js';
import { downloadAll } from './download.js';
import { report } from './failure.js';
import { factsOf, stemFor } from './jobs.js';
import { example } from './options.js';
import { addServerOption, clientOf, type RemoteOptions } from './remote.js';

export function registerDashboard(root: Command): void {
  const command = root
    .command('dashboard')
    .description('a server live in this terminal: jobs, queues, engines, log; submit, abort, emulate a load')
    .option('--no-color', 'no colours (or NO_COLOR)')
    .action(dashboard);
  example(addServerOption(command), ['cianna-otf dashboard', 'cianna-otf dashboard --server http://gpu-node:5000']);
}

async function dashboard(options: RemoteOptions & { color: boolean }): Promise<void> {
  if (!process.stdout.isTTY || !process.stdin.isTTY) {
    throw new OtfError('OTF_USAGE', 'the dashboard needs a terminal: `jobs --json` and /events are for programs');
  }
  const client = await clientOf(options);
  // Read by the libraries when they are loaded.
  process.env.NODE_ENV = 'production';
  // ink draws once, at the end, where it takes a terminal for a log.
  for (const name of ['CI', 'CONTINUOUS_INTEGRATION']) delete process.env[name];
  if (!options.color || process.env.NO_COLOR) process.env.FORCE_COLOR = '0';
  const { runDashboard } = await import('../dashboard/run.js');
  await runDashboard(client, actionsOf(client), (thrown) => process.exit(report(thrown)));
}

function actionsOf(client: UwsClient): Actions {
  return {
    submit: (image, model) => client.submit({ IMAGE: image }, model === '' ? {} : { MODEL: model }, () => undefined),
    abort: (id) => client.abort(id),
    remove: (id) => client.delete(id),
    download: async (id) => {
      const job = await client.job(id);
      if (job.results.length === 0)
        throw new OtfError('OTF_PHASE_FORBIDS', `the job is ${job.phase}: it has no results`);
      return downloadAll(client, job, '.', stemFor(job), {});
    },
    facts: async (id) => factsOf(await client.job(id)).map(([name, value]) => [printable(name), printable(value)]),
  };
}
