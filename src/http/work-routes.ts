/** Addresses for workers on other machines. */
import { getWeights, getWork, getWorkFile, postWorkEnd, postWorkFile } from '../uws/work.js';
import type { Route } from './route.js';

const kWork = { access: 'work' } as const;
const kGone = { 404: 'no such thing, no worker of this server, or the attempt counts no more' };

function get(handler: typeof getWork, summary: string, meaning: string) {
  return { GET: { handler, summary, ...kWork, answers: { 200: meaning, ...kGone } } };
}

const kPaths: readonly Pick<Route, 'path' | 'methods'>[] = [
  { path: '/work', methods: get(getWork, 'For workers: what they work on', 'JSON') },
  { path: '/work/models/:id', methods: get(getWeights, 'For workers: a network file', 'the bytes, also in ranges') },
  {
    path: '/work/jobs/:id/files/:file',
    methods: {
      ...get(getWorkFile, 'For workers: an input of a job they have', 'the bytes, also in ranges'),
      POST: {
        handler: postWorkFile,
        summary: 'For workers: a file that a run has left, as the bytes of the body',
        ...kWork,
        query: { SHA256: 'what it must have' },
        answers: {
          201: 'JSON',
          400: 'no file of a run',
          413: 'larger than workers.max_result_mb',
          422: 'damaged',
          ...kGone,
        },
      },
    },
  },
  {
    path: '/work/jobs/:id/end',
    methods: {
      POST: {
        handler: postWorkEnd,
        summary: 'For workers: how a run has ended, and the files it has left, in one body',
        ...kWork,
        answers: {
          200: 'JSON: whether it counts, or which files are to be sent again',
          400: 'not understood',
          413: 'too large for one body, or a file larger than workers.max_result_mb',
          ...kGone,
        },
      },
    },
  },
];

export const kWorkRoutes: readonly Route[] = kPaths.map((route) => ({ ...route, tree: '/jobs' }));
