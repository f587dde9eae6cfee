/** Endpoints for those who run the server: health, metrics, events, the description of the API. */
import { hindrance } from '../jobs/readiness.js';
import type { JobService } from '../jobs/service.js';
import type { Handler } from '../uws/context.js';
import { json, plain, type TextAnswer, text } from '../uws/exchange.js';
import { badRequest, Parameters } from '../uws/parameters.js';
import { findSummary } from '../uws/summaries.js';
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

export const getLive: Handler = () => json(200, { live: true });

export const getReady: Handler = ({ jobs }) => health(jobs);

export const getHealth: Handler = ({ jobs }) => health(jobs, { live: true });

function health(jobs: JobService, more: { live?: true } = {}): TextAnswer {
  const reason = hindrance(jobs);
  return json(reason === undefined ? 200 : 503, { ...more, ready: reason === undefined, reason });
}

export const getMetrics: Handler = async ({ metrics }) => text(200, metrics.contentType, await metrics.metrics());

export const getState: Handler = ({ state }) => json(200, { ...state.now(), history: state.history() });

/** What may be listened to; without a wish the first two. `job`: all that is known of a job, whenever its phase changes. */
export const kTopics = ['phase', 'progress', 'job', 'log', 'server'] as const;

export const getEvents: Handler = ({ jobs, state }, request) => {
  const asked = Parameters.fromQuery(request.query);
  const only = asked.single('JOB');
  const wished = asked.repeated('TOPIC').map((topic) => topic.toLowerCase());
  const unknown = wished.find((topic) => !(kTopics as readonly string[]).includes(topic));
  if (unknown !== undefined) throw badRequest(`TOPIC=${unknown}: not one of ${kTopics.join(', ')}`);
  if (only !== undefined) jobs.get(only, request);
  jobs.assertMayWait();
  const topics = new Set<string>(wished.length > 0 ? wished : kTopics.slice(0, 2));
  const { owner, remote, admin, origin } = request;
  const who = { owner, remote, admin, origin };
  return {
    kind: 'events',
    subscribe: (send) => {
      const ofJobs = jobs.subscribe((event) => {
        if (only !== undefined && only !== event.jobId) return;
        if (topics.has(event.type)) send(event.type, JSON.stringify(event));
        if (event.type !== 'phase' || !topics.has('job')) return;
        const known = findSummary(jobs, event.jobId, who) ?? { id: event.jobId, phase: event.phase };
        send('job', JSON.stringify(known));
      }, request);
      const ofServer = topics.has('server') ? state.subscribe((document) => send('server', document)) : undefined;
      return () => {
        ofJobs();
        ofServer?.();
      };
    },
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
