/** Endpoints for those who run the server: health, metrics, events, the description of the API. */
import type { Handler, UwsContext } from '../uws/context.js';
import { json, plain, type TextAnswer, text } from '../uws/exchange.js';
import { Parameters } from '../uws/parameters.js';
import { kSoftware } from '../version.js';
import { openApi } from './openapi.js';
import { kRoutes } from './routes.js';

/** Made when first asked for: kRoutes names this file. */
let index: TextAnswer | undefined;

export const getIndex: Handler = () => {
  const lines = () => kRoutes.map(({ path, methods }) => `${Object.keys(methods).join(', ').padEnd(18)} ${path}`);
  index ??= plain(`${kSoftware.name} ${kSoftware.version}\n\n${lines().join('\n')}\n`);
  return index;
};

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

export const getMetrics: Handler = async ({ jobs }) => {
  const { metrics } = jobs.host;
  return text(200, metrics.contentType, await metrics.metrics());
};

export const getEvents: Handler = ({ jobs }, request) => {
  const only = Parameters.fromQuery(request.query).single('JOB');
  if (only !== undefined) jobs.get(only);
  jobs.assertMayWait();
  return {
    kind: 'events',
    subscribe: (send) =>
      jobs.events.subscribe((event) => {
        if (only === undefined || only === event.jobId) send(event.type, JSON.stringify(event));
      }),
  };
};

/** The last one made: all clients of a server call it by one name, or two. */
let described = { origin: '', answer: json(200, {}) };

export const getOpenApi: Handler = (_, request) => {
  if (described.origin !== request.origin) {
    described = { origin: request.origin, answer: json(200, openApi(kRoutes, request.origin)) };
  }
  return described.answer;
};
