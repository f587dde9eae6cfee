/** An address of the API, and what may be asked of it. */
import type { Handler, Tree } from '../uws/context.js';

export type Method = 'GET' | 'POST' | 'DELETE';

export interface Operation {
  handler: Handler;
  summary: string;
  /** Query parameters, name to meaning. */
  query?: Record<string, string>;
  /** Form fields of the body, name to meaning; files of multipart bodies are named too. */
  fields?: Record<string, string>;
  /** Status to meaning. */
  answers: Record<number, string>;
}

export interface Route {
  /** Variables as `:name`. A trailing slash is equal to none. */
  path: string;
  tree: Tree;
  methods: Partial<Record<Method, Operation>>;
}
