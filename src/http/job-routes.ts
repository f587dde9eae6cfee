/** The addresses of jobs, in either tree. */

import type { ParameterDescription } from '../tasks/parameters.js';
import type { Handler, Tree } from '../uws/context.js';
import { creationFields } from '../uws/creation.js';
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
import { ofJob } from '../uws/picture-source.js';
import { kResultQuery } from '../uws/row-filter.js';
import { pictureRoutes } from './picture-routes.js';
import type { Operation, Route } from './route.js';
import { get, kBadRequest, kBusy, kForm, kNotFound, kToJob, text } from './route-words.js';

const kCreationFields = creationFields();

function creationField(name: string): ParameterDescription {
  return kCreationFields.find((field) => field.name === name) ?? text(name, '');
}

export function jobRoutes(tree: Tree): Route[] {
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
