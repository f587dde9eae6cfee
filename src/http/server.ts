/**
 * The server, put together: configuration + an executor in, a listening socket out.
 *     makeServices -> services.start() -> routes -> listen -> jobs.begin()    stop(): refuse new work, executor.stop, close sockets
 * Whoever can connect gets a server that is whole.
 */

import uWebSockets, { type TemplatedApp, type us_listen_socket } from 'uWebSockets.js';
import { type Logger, pino } from 'pino';
import type { Registry } from 'prom-client';
import { Authenticator } from '../auth/authenticator.js';
import { RateLimit } from '../auth/rate.js';
import type { Config } from '../config/schema.js';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import type { Executor } from '../jobs/executor.js';
import type { Inference } from '../jobs/inference.js';
import type { JobService } from '../jobs/service.js';
import type { WorkDesk } from '../jobs/work-desk.js';
import type { UwsContext } from '../uws/context.js';
import { ModelDirectory } from '../uws/model-directory.js';
import { ownAddress, publicBase } from './addresses.js';
import { Admittance } from './admittance.js';
import type { ConnectionOptions } from './connection.js';
import { Connections, connectionLimits } from './connections.js';
import { Cors } from './cors.js';
import { connectionMetrics, httpMetrics, makeRegistry } from './metrics.js';
import { OpenRequests, type Shared, serveRoute, serveUnknown } from './requests.js';
import { kRoutes } from './routes.js';
import { Feed } from './server-state.js';
import { makeServices, type Services } from './services.js';
import { makeApp, speaksTls } from './tls.js';
import { Trust } from './trust.js';
import { RequestTurns } from './turns.js';

export interface ServerOptions {
  config: Config;
  executor: Executor;
  /** Where workers of other machines get and bring files, once the executor has started; absent: jobs run here. */
  desk?: () => WorkDesk;
  /** Tensors without jobs, once the executor has started; absent: jobs do not run here. */
  inference?: () => Inference;
  /** Called before anything happens to a job: whoever wants to hear all of it subscribes here. */
  before?: (jobs: JobService) => void;
  /** Standard output in JSON lines when absent. */
  log?: Logger;
}

export interface RunningServer {
  /** http://host:port as bound, or https. */
  url: string;
  port: number;
  jobs: JobService;
  metrics: Registry;
  /** Where clients find it, as records name it. */
  baseUrl: string;
  /** Graceful: answers what is under way, lets running jobs finish up to server.shutdown_s. Idempotent. */
  stop: () => Promise<void>;
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: a const enum of the types, of which nothing is left at run time. */
const kExclusivePort = 1;
const kDrainMs = 5000;
const kDrainStepMs = 20;
/** All addresses of this machine, and the address of none: 0.0.0.0, ::. */
const kAnyAddress = /^(0\.0\.0\.0|::)$/;

/** Throws OTF_CONFIG_INVALID, OTF_STORE_UNUSABLE, OTF_PORT_UNUSABLE. */
export async function startServer({
  config,
  executor,
  desk,
  inference: tensors,
  before,
  log = pino({ level: config.logging.level }),
}: ServerOptions): Promise<RunningServer> {
  const onFault = (fault: unknown) => log.error({ err: fault }, 'tokens: nobody gets in by one');
  const auth = new Authenticator({ config, onFault });
  const metrics = makeRegistry();
  const models = await ModelDirectory.open(config.models);
  for (const fault of models.registry.faults) log.warn({ code: fault.code }, fault.message);
  const services = makeServices({ config, executor, log, metrics });
  const { jobs, uploads, pictures } = services;
  const internal = (thrown: unknown, route: string) =>
    log.error({ err: thrown, route }, toOtfError(thrown).kind.operators ?? 'internal error');
  const startedMs = Date.now();
  const state = new Feed(jobs, config, startedMs);
  const context: UwsContext = {
    jobs,
    state,
    uploads,
    pictures,
    models,
    config,
    metrics,
    ways: () => auth.ways(),
    desk,
    inference: undefined,
    startedMs,
    internal,
  };
  const app = makeApp(config.server, (line) => log.warn(line));
  const { max_connections, max_connections_per_address } = config.server;
  const limits = connectionLimits(max_connections, max_connections_per_address);
  if (limits.all < max_connections)
    log.warn(limits, 'fewer connections than configured: too few descriptors (ulimit -n)');
  const connections = new Connections(app, limits);
  connectionMetrics(metrics, connections);
  const open = new OpenRequests();
  const options: ConnectionOptions = {
    uploads: jobs.uploads,
    maxUploadBytes: config.server.max_upload_mb * 2 ** 20,
    maxText: config.server.max_text,
    publicUrl: config.server.public_url.replace(/\/+$/, ''),
    scheme: speaksTls(config.server) ? 'https' : 'http',
    fallbackHost: () => `${config.server.host}:${port}`,
    ownerHeader: config.auth.owner_header,
    onAudit: (event) => log.info({ audit: event }, 'audit'),
    cors: new Cors(config.server.cors_origins),
    onAnswered: httpMetrics(metrics).answered,
    onInternal: internal,
  };
  const admittance = new Admittance(auth, new RateLimit(config.policy.owner_requests_per_s));
  const trust = new Trust(config, options.cors);
  const shared: Shared = { context, open, options, trust, admittance, turns: new RequestTurns() };
  for (const route of kRoutes) serveRoute(app, route, shared);
  serveUnknown(app, shared);
  let port = 0;
  before?.(jobs);
  try {
    await services.start();
    context.inference = tensors?.();
    state.begin();
    port = await listen(app, config);
    connections.listensOn(port);
  } catch (thrown) {
    state.stop();
    app.close();
    await jobs.stop(0);
    await services.close();
    throw thrown;
  }
  const baseUrl = publicBase(config, port);
  if (config.server.public_url === '' && kAnyAddress.test(config.server.host))
    log.warn(`records of jobs will name ${baseUrl}, where nobody finds them: set server.public_url`);
  jobs.begin(baseUrl);
  const url = ownAddress(config, port);
  log.info({ url, jobs: jobs.counts().jobs }, 'listening');
  let stopping: Promise<void> | undefined;
  const stop = () => {
    state.stop();
    stopping ??= shutDown(app, services, open, config.server.shutdown_s * 1000, log);
    return stopping;
  };
  return { url, port, jobs, metrics, baseUrl, stop };
}

function listen(app: TemplatedApp, { server: { host, port } }: Config): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (socket: us_listen_socket | false) => {
      if (!socket) return reject(new OtfError('OTF_PORT_UNUSABLE', `cannot listen on ${host}:${port}: is it in use?`));
      listenSockets.set(app, socket);
      resolve(uWebSockets.us_socket_local_port(socket as never));
    };
    // The default lets several programs share a port, and the kernel deals requests out to them. The types lack this form.
    const listenExclusively = app.listen.bind(app) as unknown as (...rest: unknown[]) => void;
    listenExclusively(host, port, kExclusivePort, done);
  });
}

const listenSockets = new WeakMap<TemplatedApp, us_listen_socket>();

async function shutDown(
  app: TemplatedApp,
  services: Services,
  open: OpenRequests,
  graceMs: number,
  log: Logger,
): Promise<void> {
  const socket = listenSockets.get(app);
  if (socket) uWebSockets.us_listen_socket_close(socket);
  try {
    await services.jobs.stop(graceMs);
    const until = performance.now() + kDrainMs;
    while (open.count > 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, kDrainStepMs));
  } finally {
    app.close();
    await services.close();
  }
  log.info('stopped');
}
