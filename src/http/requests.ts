/** A request from its head to its answer: who asks is known and allowed, requests take turns, and what has no handler is refused in words. */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import type { UwsContext } from '../uws/context.js';
import type { Answer } from '../uws/exchange.js';
import type { Admittance } from './admittance.js';
import { Connection, type ConnectionOptions } from './connection.js';
import type { Method, Operation, Route } from './route.js';
import type { Trust } from './trust.js';
import { nextTurn, type RequestTurns } from './turns.js';

/** What every request needs. */
export interface Shared {
  context: UwsContext;
  open: OpenRequests;
  options: ConnectionOptions;
  trust: Trust;
  admittance: Admittance;
  turns: RequestTurns;
}

/** Requests whose answer is still to come. */
export class OpenRequests {
  count = 0;
}

const kUnknown: Route = { path: '(unknown)', tree: '/jobs', methods: {} };

/** With and without a slash at its end. */
export function serveRoute(app: TemplatedApp, route: Route, shared: Shared): void {
  const handler = (res: HttpResponse, req: HttpRequest) => handle(res, req, route, shared);
  app.any(route.path, handler);
  if (route.path !== '/') app.any(`${route.path}/`, handler);
}

/** Addresses that are none. */
export function serveUnknown(app: TemplatedApp, shared: Shared): void {
  app.any('/*', (res, req) => handle(res, req, kUnknown, shared));
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
    const probe = {
      method: 'GET',
      variables,
      query: '',
      origin,
      remote,
      owner,
      admin,
      form: nothing,
      json: nothing,
      bytes: nothing,
    };
    if (!get && route.path.includes('/:id')) context.jobs.get(variables[0] ?? '', connection);
    await get?.handler(context, { ...probe, header: () => '', onGone: () => undefined }, route.tree);
  } catch (thrown) {
    if (toOtfError(thrown).code !== 'OTF_BAD_REQUEST') return connection.answerProblem(thrown);
  }
  const allow = [...allowed, ...(get ? ['HEAD'] : [])].join(', ');
  const message = `${connection.method} is not possible here, ${allow} is`;
  connection.answerProblem(new OtfError('OTF_METHOD_NOT_ALLOWED', message), { Allow: allow });
}
