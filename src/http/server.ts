/**
 * The server, put together: configuration + an executor in, a listening socket out.
 *     makeServices -> services.start() -> routes -> listen -> jobs.begin()    stop(): refuse new work, executor.stop, close sockets
 * Whoever can connect gets a server that is whole.
 */

import uWebSockets, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
} from 'uWebSockets.js';
import { type Logger, pino } from 'pino';
import { Authenticator } from '../auth/authenticator.js';
import { RateLimit } from '../auth/rate.js';
import type { Config } from '../config/schema.js';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import type { Executor } from '../jobs/executor.js';
import type { JobService } from '../jobs/service.js';
import type { UwsContext } from '../uws/context.js';
import type { Answer } from '../uws/exchange.js';
import { ModelDirectory } from '../uws/model-directory.js';
import { ownAddress, publicBase } from './addresses.js';
import { Admittance } from './admittance.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { Connections, connectionLimits } from './connections.js';
import { Cors } from './cors.js';
import { connectionMetrics, httpMetrics, makeRegistry } from './metrics.js';
import type { Method, Operation, Route } from './route.js';
import { kRoutes } from './routes.js';
import { Feed } from './server-state.js';
import { makeServices, type Services } from './services.js';
import { Trust } from './trust.js';
import { nextTurn, RequestTurns } from './turns.js';

export interface ServerOptions {
  config: Config;
  executor: Executor;
  /** Standard output in JSON lines when absent. */
  log?: Logger;
}

export interface RunningServer {
  /** http://host:port as bound. */
  url: string;
  port: number;
  jobs: JobService;
  /** Graceful: answers what is under way, lets running jobs finish up to server.shutdown_s. Idempotent. */
  stop: () => Promise<void>;
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: a const enum of the types, of which nothing is left at run time. */
const kExclusivePort = 1;
const kDrainMs = 5000;
const kDrainStepMs = 20;

/** Throws OTF_CONFIG_INVALID, OTF_STORE_UNUSABLE, OTF_PORT_UNUSABLE. */
export async function startServer({
  config,
  executor,
  log = pino({ level: config.logging.level }),
}: ServerOptions): Promise<RunningServer> {
  const onFault = (fault: unknown) => log.error({ err: fault }, 'tokens: nobody gets in by one');
  const auth = new Authenticator({ config, onFault });
  const metrics = makeRegistry();
  const models = await ModelDirectory.open(config.models);
  for (const fault of models.registry.faults) log.warn({ code: fault.code }, fault.message);
  const services = makeServices({ config, executor, log, metrics });
  const { jobs, uploads, pictures } = services;
  const internal = (thrown: unknown, route: string) => log.error({ err: thrown, route }, 'internal error');
  const startedMs = Date.now();
  const state = new Feed(jobs, config, startedMs);
  const context: UwsContext = { jobs, state, uploads, pictures, models, config, metrics, startedMs, internal };
  const app = uWebSockets.App();
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
  app.any('/*', (res, req) => handle(res, req, kUnknown, shared));
  let port = 0;
  try {
    await services.start();
    port = await listen(app, config);
    connections.listensOn(port);
  } catch (thrown) {
    state.stop();
    app.close();
    await jobs.stop(0);
    await services.close();
    throw thrown;
  }
  jobs.begin(publicBase(config, port));
  const url = ownAddress(config, port);
  log.info({ url, jobs: jobs.counts().jobs }, 'listening');
  let stopping: Promise<void> | undefined;
  const stop = () => {
    state.stop();
    stopping ??= shutDown(app, services, open, config.server.shutdown_s * 1000, log);
    return stopping;
  };
  return { url, port, jobs, stop };
}

interface Shared {
  context: UwsContext;
  open: OpenRequests;
  options: ConnectionOptions;
  trust: Trust;
  admittance: Admittance;
  turns: RequestTurns;
}

class OpenRequests {
  count = 0;
}

const kUnknown: Route = { path: '(unknown)', tree: '/jobs', methods: {} };

function serveRoute(app: TemplatedApp, route: Route, shared: Shared): void {
  const handler = (res: HttpResponse, req: HttpRequest) => handle(res, req, route, shared);
  app.any(route.path, handler);
  if (route.path !== '/') app.any(`${route.path}/`, handler);
}

function handle(res: HttpResponse, req: HttpRequest, route: Route, shared: Shared): void {
  const { open, options } = shared;
  const variables = routeVariables(route, req);
  const connection = new Connection(res, req, route.path, variables ?? [], options);
  const stranger = shared.trust.refusal(connection);
  if (stranger) {
    connection.answerProblem(stranger);
    return;
  }
  if (connection.method === 'OPTIONS' && variables && route !== kUnknown) {
    const preflight = options.cors.preflight((name) => connection.header(name), Object.keys(route.methods));
    if (preflight) {
      connection.answerText(preflight);
      return;
    }
  }
  let admitted: void | Promise<void>;
  try {
    // What is nowhere is nowhere for everybody.
    admitted = route === kUnknown ? undefined : shared.admittance.admit(connection, route);
  } catch (thrown) {
    connection.answerProblem(thrown);
    return;
  }
  if (!(admitted instanceof Promise)) {
    proceed(connection, variables, route, shared);
    return;
  }
  connection.listen();
  open.count++;
  admitted
    .then(
      () => proceed(connection, variables, route, shared),
      (thrown) => connection.answerProblem(thrown),
    )
    .catch(connection.giveUp)
    .finally(() => open.count--);
}

/** Who asks is known, and that he may. */
function proceed(connection: Connection, variables: string[] | undefined, route: Route, shared: Shared): void {
  const { context, open } = shared;
  const operation = operationOf(route, connection.method);
  if (!operation || !variables) {
    connection.listen();
    refuse(connection, variables ? route : kUnknown, context).catch(connection.giveUp);
    return;
  }
  if (shared.turns.over) {
    connection.listen();
    open.count++;
    nextTurn()
      .then(() => serve(connection, operation, route, shared))
      .catch(connection.giveUp)
      .finally(() => open.count--);
    return;
  }
  serve(connection, operation, route, shared);
}

function serve(connection: Connection, operation: Operation, route: Route, { context, open }: Shared): void {
  if (connection.gone) return;
  let answer: Answer | Promise<Answer>;
  try {
    answer = operation.handler(context, connection, route.tree);
  } catch (thrown) {
    connection.answerProblem(thrown);
    return;
  }
  if (!(answer instanceof Promise) && answer.kind === 'text') {
    connection.answerText(answer);
    return;
  }
  connection.listen();
  open.count++;
  finish(connection, answer)
    .catch(connection.giveUp)
    .finally(() => open.count--);
}

async function finish(connection: Connection, answer: Answer | Promise<Answer>): Promise<void> {
  try {
    await connection.answer(await answer);
  } catch (thrown) {
    connection.answerProblem(thrown);
  }
}

function operationOf(route: Route, method: string): Operation | undefined {
  return route.methods[(method === 'HEAD' ? 'GET' : method) as Method];
}

/** Undefined = the path cannot be decoded. */
function routeVariables(route: Route, req: HttpRequest): string[] | undefined {
  const count = route.path.split(':').length - 1;
  const variables: string[] = [];
  try {
    for (let index = 0; index < count; index++) variables.push(decodeURIComponent(req.getParameter(index)));
  } catch {
    return undefined;
  }
  return variables;
}

/** 404 for what is not there, whatever the method; 405 for what is (docs/interop.md, UWS). */
async function refuse(connection: Connection, route: Route, context: UwsContext): Promise<void> {
  const allowed = Object.keys(route.methods);
  const get = route.methods.GET;
  try {
    if (allowed.length === 0) throw new OtfError('OTF_NOT_FOUND', 'there is nothing here; GET / lists what there is');
    // Reading it without its query says whether it exists: handlers of GET change nothing.
    const { variables, origin, remote, owner, admin } = connection;
    const nothing = () => Promise.reject(new Error('a probe has no body'));
    const probe = { method: 'GET', variables, query: '', origin, remote, owner, admin, form: nothing, json: nothing };
    if (!get && route.path.includes('/:id')) context.jobs.get(variables[0] ?? '', connection);
    await get?.handler(context, { ...probe, header: () => '', onGone: () => undefined }, route.tree);
  } catch (thrown) {
    if (toOtfError(thrown).code !== 'OTF_BAD_REQUEST') return connection.answerProblem(thrown);
  }
  const allow = [...allowed, ...(get ? ['HEAD'] : [])].join(', ');
  const message = `${connection.method} is not possible here, ${allow} is`;
  connection.answerProblem(new OtfError('OTF_METHOD_NOT_ALLOWED', message), { Allow: allow });
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
    const until = Date.now() + kDrainMs;
    while (open.count > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, kDrainStepMs));
  } finally {
    app.close();
    await services.close();
  }
  log.info('stopped');
}
