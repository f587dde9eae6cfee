/** `serve`: the server, until it is told to stop. */
import { mkdir } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { Courier } from '../deliver/courier.js';
import { native } from '../engine/addon.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { type RunningServer, startServer } from '../http/server.js';
import { kServer } from '../jobs/access.js';
import { Control } from '../jobs/control.js';
import { runFault, runRecordPath } from '../jobs/run-record.js';
import type { JobService } from '../jobs/service.js';
import type { JobEvent } from '../jobs/watchers.js';
import { BatchExecutor } from '../schedule/executor.js';
import { report } from './failure.js';
import { example, integer } from './options.js';
import { placeOfJobs } from './place-of-jobs.js';
import { serverLog } from './server-log.js';
import { openSupervisor } from './systemd.js';

interface ServeOptions {
  config?: string;
  host?: string;
  port?: number;
  dataDir?: string;
  models?: string;
  withBroker?: boolean;
}

const kSignals = ['SIGINT', 'SIGTERM'] as const;

export function registerServe(root: Command): void {
  const command = root
    .command('serve')
    .description('run the server: jobs over IVOA UWS, batched, one engine process per loaded network')
    .option('--config <file>', 'configuration (otf.toml); environment and options override it')
    .option('--host <address>', 'where to listen (default: 127.0.0.1)')
    .option('--port <n>', '0 = any free one (default: 5000)', integer(0, 65535))
    .option('--data-dir <dir>', 'jobs and their files (default: data)')
    .option('--models <dir>', 'folder of model cards (default: those that come with the program)')
    .option('--with-broker', 'jobs run on workers (cianna-otf worker), over a broker of its own: see docs/workers.md')
    .action(serve);
  example(command, ['cianna-otf serve --port 5000 --data-dir /srv/otf', 'cianna-otf serve --config otf.toml']);
}

async function serve(options: ServeOptions): Promise<void> {
  const config = await loadConfig({
    file: options.config,
    env: process.env,
    flags: {
      server: { host: options.host, port: options.port },
      storage: { data_dir: options.dataDir },
      models: { dir: options.models },
    },
  });
  const { data_dir } = config.storage;
  await mkdir(data_dir, { recursive: true }).catch((thrown) => {
    throw new OtfError('OTF_STORE_UNUSABLE', `cannot make the data folder ${data_dir}: ${systemReason(thrown)}`);
  });
  const log = serverLog(config);
  // Out of step with everything it holds, the server ends: jobs are on disk and go on at its next start.
  process.on('uncaughtException', (thrown) => {
    log.fatal({ err: thrown }, 'the server ends');
    const code = report(thrown);
    runFault(data_dir);
    process.exit(code);
  });
  // Before anybody can know that it is there: whoever reads "listening" may ask it to stop at once.
  const asked = new Promise<void>((resolve) => {
    for (const signal of kSignals) process.once(signal, () => resolve());
  });
  const supervisor = openSupervisor(process.env);
  const place = await placeOfJobs(config, options.withBroker ?? false, log);
  const { runner, desk, inference } = place;
  const executor = new BatchExecutor(runner);
  let earlier = (): JobEvent[] => [];
  const server = await startServer({
    config,
    executor,
    log,
    ...(desk ? { desk } : {}),
    ...(inference ? { inference } : {}),
    before: (jobs) => {
      if (config.events.mqtt !== '') earlier = earlierEvents(jobs);
    },
  }).catch(async (thrown) => {
    // A broker of its own would keep this process from ending.
    await place.close();
    throw thrown;
  });
  const addon = native();
  addon.markCrashes(runRecordPath(data_dir));
  const control = Control.open(data_dir, { backup: (path) => server.jobs.backup(path) }, log);
  const publisher = await publisherOf(config, server, () => earlier(), log);
  const courier = new Courier({ config, jobs: server.jobs, metrics: server.metrics, log });
  supervisor.ready(`listening on ${server.url}`);
  log.flush();
  await asked;
  // A second signal ends the program at once: nothing acknowledged is lost by that.
  for (const signal of kSignals) process.once(signal, () => process.exit(1));
  log.info('stopping');
  supervisor.stopping();
  control?.close();
  await courier.close();
  await server.stop();
  await publisher?.close();
  await place.close();
  if (runner.stuck === 0) return;
  // Node waits for its threads; jobs are on disk and run again at the next start.
  log.warn({ stuck: runner.stuck }, 'ended with work that did not come to its end');
  log.flush();
  addon.exitNow(0);
}

/** What changes at the start, before the server can be named. The result ends that, and gives them. */
function earlierEvents(jobs: JobService): () => JobEvent[] {
  const events: JobEvent[] = [];
  const end = jobs.subscribe((event) => event.type === 'phase' && events.push(event), kServer);
  return () => {
    end();
    return events;
  };
}

/** Who tells of jobs on MQTT. Not loaded where nobody is to be told. */
async function publisherOf(
  config: Config,
  { jobs, metrics, baseUrl }: RunningServer,
  earlier: () => JobEvent[],
  log: Logger,
) {
  if (config.events.mqtt === '') return undefined;
  const { Publisher } = await import('../events/publisher.js');
  return Publisher.start({ config, jobs, metrics, log, baseUrl, earlier });
}
