/** Endpoints for those who run the server: health, metrics, events, the description of the API. */
import type { Handler, UwsContext } from '../uws/context.js';
import { json, plain, type TextAnswer, text } from '../uws/exchange.js';
import { Parameters } from '../uws/parameters.js';
import { kSoftware } from '../version.js';
import { openApi } from './openapi.js';
import type { Route } from './route.js';

type Table = () => readonly Route[];

/** Made when first asked for: the table has this handler in it. */
export function indexOf(routes: Table): Handler {
  let index: TextAnswer | undefined;
  return () => {
    const lines = () => routes().map(({ path, methods }) => `${Object.keys(methods).join(', ').padEnd(18)} ${path}`);
    index ??= plain(`${kSoftware.name} ${kSoftware.version}\n\n${lines().join('\n')}\n`);
    return index;
  };
}

function isReady({ jobs }: UwsContext): boolean {
  return !jobs.stopping && jobs.executorStats().ready;
}

export const getLive: Handler = () => json(200, { live: true });

export const getReady: Handler = (context) => {
  const ready = isReady(context);
  return json(ready ? 200 : 503, { ready });
};

export const getHealth: Handler = (context) => {
  const ready = isReady(context);
  return json(ready ? 200 : 503, { live: true, ready });
};

export const getMetrics: Handler = async ({ metrics }) => text(200, metrics.contentType, await metrics.metrics());

export const getEvents: Handler = ({ jobs }, request) => {
  const only = Parameters.fromQuery(request.query).single('JOB');
  if (only !== undefined) jobs.get(only, request);
  jobs.assertMayWait();
  return {
    kind: 'events',
    subscribe: (send) =>
      jobs.subscribe((event) => {
        if (only === undefined || only === event.jobId) send(event.type, JSON.stringify(event));
      }, request),
  };
};

/** The last one made is kept: all clients of a server call it by one name, or two. */
export function descriptionOf(routes: Table): Handler {
  let described: { origin: string; answer: TextAnswer } | undefined;
  return (_, { origin }) => {
    if (described?.origin !== origin) described = { origin, answer: json(200, openApi(routes(), origin)) };
    return described.answer;
  };
}
