/** Addresses of the Open Inference Protocol v2. */
import { getModel, getModelReady, getServer, getServerLive, getServerReady, postInfer } from '../inference/handlers.js';
import type { Handler } from '../uws/context.js';
import type { Access, Route } from './route.js';

const kNone = { 404: 'no such model, or its work is done elsewhere' };

function get(path: string, handler: Handler, summary: string, access?: Access): Route {
  const answers = { 200: 'JSON', ...(access === 'open' ? { 400: 'not ready' } : kNone) };
  return { path, tree: '/jobs', methods: { GET: { handler, summary, answers, ...(access ? { access } : {}) } } };
}

function ofModel(path: string): Route[] {
  return [
    get(path, getModel, 'Inference protocol: tensors of a model'),
    get(`${path}/ready`, getModelReady, 'Inference protocol: can the model be used'),
    {
      path: `${path}/infer`,
      tree: '/jobs',
      methods: {
        POST: {
          handler: postInfer,
          summary: 'Inference protocol: tensors through a network, as JSON or as bytes behind it',
          answers: {
            200: 'JSON, or JSON and bytes',
            400: 'no request of the protocol',
            413: 'larger than inference.max_mb',
            422: 'the tensor is none of this model',
            503: 'too many at a time: see Retry-After',
            ...kNone,
          },
        },
      },
    },
  ];
}

export const kInferenceRoutes: readonly Route[] = [
  get('/v2', getServer, 'Inference protocol: the server', 'open'),
  get('/v2/health/live', getServerLive, 'Inference protocol: is the server there', 'open'),
  get('/v2/health/ready', getServerReady, 'Inference protocol: does it take tensors', 'open'),
  ...ofModel('/v2/models/:name'),
  ...ofModel('/v2/models/:name/versions/:version'),
];
