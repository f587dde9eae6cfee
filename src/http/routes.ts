/** The API, whole: every path with its methods. uWebSockets.js, /openapi.json and the front page are made from this table. */
import { createChain, deleteChain, getChain, getChainPhase, postChainPhase } from '../uws/chains.js';
import { getKinds, getModels } from '../uws/descriptions.js';
import { getLinks } from '../uws/links.js';
import { getModelFile } from '../uws/model-files.js';
import { ofUpload } from '../uws/picture-source.js';
import { getSummaries } from '../uws/summaries.js';
import { createUpload, deleteUpload, getUpload, getUploadFile } from '../uws/uploads.js';
import { getUsage } from '../uws/usage.js';
import { getAvailability, getCapabilities } from '../uws/vosi.js';
import { jobRoutes } from './job-routes.js';
import { kMachineRoutes } from './machine-routes.js';
import {
  descriptionOf,
  getEvents,
  getHealth,
  getLive,
  getMetrics,
  getReady,
  getState,
  indexOf,
  kTopics,
} from './operation.js';
import { getPageFile, pageOr, signIn } from './page.js';
import { pictureRoutes } from './picture-routes.js';
import type { Operation, Route } from './route.js';
import { get, kBadRequest, kBusy, kForm, kNotFound, kToJob, text } from './route-words.js';

/** Says nothing of anybody's jobs. */
const kOpen: Partial<Operation> = { access: 'open' };

function single(path: string, methods: Route['methods']): Route {
  return { path, tree: '/jobs', methods };
}

/** Those that describe the table are in it. */
const allRoutes = () => kRoutes;

export const kRoutes: readonly Route[] = [
  single('/', get(pageOr(indexOf(allRoutes)), 'What there is', 'text; for browsers the page', kOpen)),
  single('/sign-in', {
    GET: {
      handler: signIn,
      summary: 'To the page, for browsers that know who asks',
      answers: { 303: 'Location is the page' },
    },
  }),
  single(
    '/page/:file',
    get(getPageFile, 'Files of the page', 'script, style or picture', { ...kOpen, answers: kNotFound }),
  ),
  ...jobRoutes('/jobs'),
  ...jobRoutes('/uws'),
  single('/uploads', {
    POST: {
      handler: createUpload,
      summary: 'Keep a FITS file for jobs to come: a form with one file, or its bytes',
      query: { NAME: 'what the file is called, when the body is its bytes' },
      answers: { 201: 'JSON; Location is the upload', ...kBadRequest, ...kForm, ...kBusy },
    },
  }),
  single('/uploads/:id', {
    ...get(getUpload, 'An upload and what its header says', 'JSON', {
      query: { HDU: 'of the header', PLANE: 'of a cube' },
      answers: { ...kBadRequest, 404: 'no such upload' },
    }),
    DELETE: {
      handler: deleteUpload,
      summary: 'Delete an upload; jobs made of it keep the file',
      answers: { 200: 'JSON', 404: 'no such upload' },
    },
  }),
  single('/uploads/:id/file', get(getUploadFile, 'The file as it came', 'the bytes', { answers: kNotFound })),
  ...pictureRoutes('/uploads/:id/image', ofUpload, {}),
  single('/chains', {
    POST: {
      handler: createChain,
      summary: 'Several jobs at once, in JSON, of which some follow others',
      answers: {
        303: 'created; Location is the chain',
        ...kBadRequest,
        413: 'too large',
        422: 'unknown model',
        ...kBusy,
      },
    },
  }),
  single('/chains/:id', {
    ...get(getChain, 'A chain and how its steps stand', 'JSON', { answers: { 404: 'no such chain' } }),
    DELETE: { handler: deleteChain, summary: 'Delete its jobs', answers: { 303: 'deleted', 404: 'no such chain' } },
  }),
  single('/chains/:id/phase', {
    ...get(getChainPhase, 'The bare phase of a chain', 'text', { answers: { 404: 'no such chain' } }),
    POST: {
      handler: postChainPhase,
      summary: 'Abort its jobs',
      fields: [text('PHASE', 'ABORT')],
      answers: { ...kToJob, ...kBadRequest, 404: 'no such chain' },
    },
  }),
  single(
    '/summaries',
    get(getSummaries, 'The jobs, with all that is known of them', 'JSON', {
      query: { PHASE: 'repeatable', AFTER: 'created strictly later', LAST: 'the n newest', ID: 'their ids begin so' },
      answers: kBadRequest,
    }),
  ),
  single(
    '/model-files/:name',
    get(getModelFile, 'Model registry and network files', 'the file', { answers: kNotFound }),
  ),
  single(
    '/links',
    get(getLinks, 'DataLink: what belongs to a job', 'VOTable', { query: { ID: 'URL or id of a job' } }),
  ),
  single(
    '/usage',
    get(getUsage, 'What you have used; admins: everybody', 'JSON', {
      query: { FROM: 'first day (UTC), e.g. 2026-01-31', TO: 'last day' },
      answers: kBadRequest,
    }),
  ),
  single('/availability', get(getAvailability, 'VOSI availability', 'XML', kOpen)),
  single('/capabilities', get(getCapabilities, 'VOSI capabilities', 'XML', kOpen)),
  single(
    '/events',
    get(getEvents, 'Phases and progress as server-sent events', 'text/event-stream', {
      query: { JOB: 'of this job only', TOPIC: `repeatable: ${kTopics.join(', ')}; else the first two` },
      answers: kBadRequest,
    }),
  ),
  single('/server', get(getState, 'Queues, devices, networks and rates, for people', 'JSON')),
  single('/healthz', get(getHealth, 'Live and ready', 'JSON', { ...kOpen, answers: { 503: 'not ready' } })),
  single('/healthz/live', get(getLive, 'Is the process there', 'JSON', kOpen)),
  single('/healthz/ready', get(getReady, 'Can jobs be run', 'JSON', { ...kOpen, answers: { 503: 'not ready' } })),
  single('/kinds', get(getKinds, 'Kinds of task: inputs, parameters, formats', 'JSON')),
  single('/models', get(getModels, 'Cards of the models', 'JSON')),
  single('/metrics', get(getMetrics, 'Prometheus metrics', 'text', { access: 'metrics' })),
  ...kMachineRoutes,
  single('/openapi.json', get(descriptionOf(allRoutes), 'This API', 'OpenAPI 3.1', kOpen)),
];
