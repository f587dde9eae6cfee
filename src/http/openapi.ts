/** /openapi.json from the table of routes. */
import { kSoftware } from '../version.js';
import type { Operation, Route } from './route.js';

type Json = Record<string, unknown>;

export function openApi(routes: readonly Route[], origin: string): Json {
  const paths: Json = {};
  for (const { path, methods } of routes) {
    const variables = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    }));
    const operations = Object.entries(methods).map(([method, operation]) => [
      method.toLowerCase(),
      describe(operation),
    ]);
    paths[path.replace(/:(\w+)/g, '{$1}')] = {
      ...(variables.length > 0 ? { parameters: variables } : {}),
      ...Object.fromEntries(operations),
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: kSoftware.name, version: kSoftware.version, description: 'Source detection over IVOA UWS 1.1' },
    servers: [{ url: origin }],
    paths,
  };
}

function describe({ summary, query, fields, answers }: Operation): Json {
  const text = (description: string) => ({ description, schema: { type: 'string' } });
  const parameters = Object.entries(query ?? {}).map(([name, meaning]) => ({ name, in: 'query', ...text(meaning) }));
  const properties = Object.fromEntries(
    Object.entries(fields ?? {}).map(([name, description]) => [name, { type: 'string', description }]),
  );
  const schema = { schema: { type: 'object', properties } };
  const content = { 'application/x-www-form-urlencoded': schema, 'multipart/form-data': schema };
  return {
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(fields ? { requestBody: { content } } : {}),
    responses: Object.fromEntries(Object.entries(answers).map(([status, description]) => [status, { description }])),
  };
}
