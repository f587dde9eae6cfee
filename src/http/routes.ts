/** The API, whole: every path with its methods. uWebSockets.js, /openapi.json and the front page are made from this table. */
import type { ParameterDescription } from '../tasks/parameters.js';
import { createChain, deleteChain, getChain, getChainPhase, postChainPhase } from '../uws/chains.js';
import type { Handler, Tree } from '../uws/context.js';
import { creationFields } from '../uws/creation.js';
import { getKinds, getModels } from '../uws/descriptions.js';
import { deleteJob, getJob, getPhase, postAbort, postPhase } from '../uws/job.js';
import { createJob, listJobs } from '../uws/job-list.js';
import { getParameter, getParameters, postJob, postParameters } from '../uws/job-parameters.js';
import { getResult, getResults } from '../uws/job-results.js';
import {
  getDestruction,
  getError,
  getExecutionDuration,
  getOwner,
  getQuote,
  postDestruction,
  postExecutionDuration,
} from '../uws/job-texts.js';
import { getLinks } from '../uws/links.js';
import { getModelFile } from '../uws/model-files.js';
import { ofJob, ofUpload } from '../uws/picture-source.js';
import { kResultQuery } from '../uws/row-filter.js';
import { getSummaries } from '../uws/summaries.js';
import { createUpload, deleteUpload, getUpload, getUploadFile } from '../uws/uploads.js';
import { getUsage } from '../uws/usage.js';
import { getAvailability, getCapabilities } from '../uws/vosi.js';
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

/** Says nothing of anybody's jobs. */
const kOpen: Partial<Operation> = { access: 'open' };
const kNotFound = { 404: 'no such job or sub-resource' };
const kBadRequest = { 400: 'a parameter is wrong; the text names it' };
const kForm = { 413: 'larger than max_upload_mb', 415: 'neither form nor multipart' };
const kBusy = { 503: 'queue or disk full, or shutting down: see Retry-After' };
const kToJob = { 303: 'done; Location is the job' };

function get(handler: Handler, summary: string, meaning: string, more: Partial<Operation> = {}): { GET: Operation } {
  return { GET: { handler, summary, ...more, answers: { 200: meaning, ...more.answers } } };
}

const kCreationFields = creationFields();

function text(name: string, help: string): ParameterDescription {
  return { name, type: 'text', help };
}

function creationField(name: string): ParameterDescription {
  return kCreationFields.find((field) => field.name === name) ?? text(name, '');
}

function jobTree(tree: Tree): Route[] {
  const route = (path: string, methods: Route['methods']): Route => ({ path: tree + path, tree, methods });
  const setter = (handler: Handler, field: string): { POST: Operation } => ({
    POST: {
      handler,
      summary: `Set ${field}`,
      fields: [creationField(field)],
      answers: { ...kToJob, ...kBadRequest, ...kNotFound, ...kForm },
    },
  });
  const line = (handler: Handler, summary: string) => get(handler, summary, 'text', { answers: kNotFound });
  return [
    route('', {
      ...get(listJobs, 'The jobs', 'XML uws:jobs', {
        query: { PHASE: 'repeatable', AFTER: 'created strictly later', LAST: 'the n newest' },
        answers: kBadRequest,
      }),
      POST: {
        handler: createJob,
        summary: 'Create a job',
        query: { PHASE: 'RUN starts it at once' },
        fields: [
          ...kCreationFields,
          text('xml', 'older clients: their request document'),
          text('fits', 'older clients: the image'),
        ],
        answers: {
          303: 'created; Location is the job',
          ...kBadRequest,
          ...kForm,
          422: 'unknown model or compute type',
          ...kBusy,
        },
      },
    }),
    route('/:id', {
      ...get(getJob, 'A job', 'XML uws:job, or JSON', {
        query: {
          WAIT: 'seconds to wait for a change, -1 = as long as the server allows',
          PHASE: 'wait in this phase only',
        },
        answers: { ...kBadRequest, ...kNotFound },
      }),
      POST: {
        handler: postJob,
        summary: 'Delete a job (for clients without DELETE); or what belongs to its phase, times or parameters',
        fields: [
          text('ACTION', 'DELETE'),
          ...kCreationFields.filter(({ name }) => name !== 'PHASE'),
          text('PHASE', 'RUN or ABORT'),
        ],
        answers: {
          303: 'done; Location is the list, or the job',
          ...kBadRequest,
          403: 'the phase forbids it',
          ...kNotFound,
          ...kForm,
          ...kBusy,
        },
      },
      DELETE: {
        handler: deleteJob,
        summary: 'Delete a job, its files, and its work if it is running',
        answers: { 303: 'deleted; Location is the list', ...kNotFound },
      },
    }),
    route('/:id/phase', {
      ...line(getPhase, 'The bare phase'),
      POST: {
        handler: postPhase,
        summary: 'Start or abort a job',
        query: { PHASE: 'RUN or ABORT' },
        fields: [text('PHASE', 'RUN or ABORT; also as JSON {"PHASE": "ABORT"}')],
        answers: {
          200: 'JSON, when asked in JSON',
          ...kToJob,
          ...kBadRequest,
          403: 'the phase forbids it',
          ...kNotFound,
          ...kBusy,
        },
      },
    }),
    route('/:id/abort', {
      POST: {
        handler: postAbort,
        summary: "Abort a job, as the observatory's own clients ask for it",
        answers: { 200: 'JSON {"job_id", "aborted"}', ...kNotFound },
      },
    }),
    route('/:id/executionduration', {
      ...line(getExecutionDuration, 'Seconds the job may execute, 0 = no limit'),
      ...setter(postExecutionDuration, 'EXECUTIONDURATION'),
    }),
    route('/:id/destruction', {
      ...line(getDestruction, 'When the job goes away'),
      ...setter(postDestruction, 'DESTRUCTION'),
    }),
    route('/:id/quote', line(getQuote, 'When the job should be done')),
    route('/:id/owner', line(getOwner, 'Whose job it is')),
    route('/:id/error', line(getError, 'Why the job failed')),
    route('/:id/parameters', {
      ...get(getParameters, 'What the job was given', 'XML uws:parameters', { answers: kNotFound }),
      POST: {
        handler: postParameters,
        summary: 'Replace parameters while PENDING',
        fields: kCreationFields,
        answers: { ...kToJob, ...kBadRequest, 403: 'no longer PENDING', ...kNotFound, ...kForm, ...kBusy },
      },
    }),
    route(
      '/:id/parameters/:name',
      get(getParameter, 'One parameter', 'the uploaded bytes, or text', { answers: kNotFound }),
    ),
    route('/:id/results', get(getResults, 'The results', 'XML uws:results, or JSON', { answers: kNotFound })),
    route('/:id/results/:result', {
      ...get(getResult, 'One result', 'the file', {
        query: { ...kResultQuery, SOURCE: 'of lightcurves: that of one source' },
        answers: { 206: 'the range asked for', ...kBadRequest, ...kNotFound, 416: 'a range outside the file' },
      }),
    }),
    ...pictureRoutes(`${tree}/:id/image`, ofJob, {
      INPUT: "which of the job's inputs, else its first",
      RESULT: 'an image among its results instead',
    }),
  ];
}

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
  ...jobTree('/jobs'),
  ...jobTree('/uws'),
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
