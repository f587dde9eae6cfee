/** An address of the API, and what may be asked of it. */
import type { ParameterDescription } from '../tasks/parameters.js';
import type { Handler, Tree } from '../uws/context.js';

export type Method = 'GET' | 'POST' | 'DELETE';

/** open: whoever he is, and says nothing of any job; else the scope he needs (src/auth). */
export type Access = 'open' | 'read' | 'write' | 'metrics' | 'work';

export interface Operation {
  handler: Handler;
  /** Absent: read for GET, write for everything else. */
  access?: Access;
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

/** Of a method the route does not have: what it takes to see that. */
export function accessOf({ methods }: Route, method: string): Access {
  const asked = method === 'HEAD' ? 'GET' : method;
  const operation = Object.hasOwn(methods, asked) ? methods[asked as Method] : undefined;
  if (operation) return operation.access ?? (asked === 'GET' ? 'read' : 'write');
  return methods.GET?.access ?? 'read';
}
