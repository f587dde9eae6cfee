/** An address of the API, and what may be asked of it. */
import type { ParameterDescription } from '../tasks/parameters.js';
import type { Handler, Tree } from '../uws/context.js';

export type Method = 'GET' | 'POST' | 'DELETE';

export interface Operation {
  handler: Handler;
  summary: string;
  /** Query parameters, name to meaning. */
  query?: Record<string, string>;
  /** Form fields of the body; files of multipart bodies are among them. */
  fields?: readonly ParameterDescription[];
  /** Status to meaning. */
  answers: Record<number, string>;
}

export interface Route {
  /** Variables as `:name`. A trailing slash is equal to none. */
  path: string;
  tree: Tree;
  methods: Partial<Record<Method, Operation>>;
}
