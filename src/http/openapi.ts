/** /openapi.json from the table of routes. */
import { formOf, type ParameterDescription, type ValueDescription } from '../tasks/parameters.js';
import { kKinds } from '../tasks/registry.js';
import { kSoftware } from '../version.js';
import { type Access, accessOf, type Operation, type Route } from './route.js';

type Json = Record<string, unknown>;

export function openApi(routes: readonly Route[], origin: string): Json {
  const paths: Json = {};
  for (const route of routes) {
    const { path, methods } = route;
    const variables = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    }));
    const operations = Object.entries(methods).map(([method, operation]) => [
      method.toLowerCase(),
      describe(operation, accessOf(route, method)),
    ]);
    paths[path.replace(/:(\w+)/g, '{$1}')] = {
      ...(variables.length > 0 ? { parameters: variables } : {}),
      ...Object.fromEntries(operations),
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: kSoftware.name, version: kSoftware.version, description: `${titles()} over IVOA UWS 1.1` },
    servers: [{ url: origin }],
    paths,
    components: { securitySchemes: kSchemes },
  };
}

/** Source detection, pixel statistics. */
function titles(): string {
  const [first = '', ...others] = kKinds.map(({ title }) => title);
  return [first, ...others.map((title) => title.toLowerCase())].join(', ');
}

/** A token, or one as the password (src/auth); where people without a name may ask, neither is needed. */
const kSchemes = { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } };
const kRefusals = {
  401: 'say who you are: see WWW-Authenticate',
  403: 'the token is not for this',
  429: 'asked too often: see Retry-After',
};

function describe({ summary, query, fields, answers }: Operation, access: Access): Json {
  const text = (description: string) => ({ description, schema: { type: 'string' } });
  const parameters = Object.entries(query ?? {}).map(([name, meaning]) => ({ name, in: 'query', ...text(meaning) }));
  const properties = Object.fromEntries((fields ?? []).flatMap(fieldSchemas));
  const schema = { schema: { type: 'object', properties } };
  const content = { 'application/x-www-form-urlencoded': schema, 'multipart/form-data': schema };
  return {
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(fields ? { requestBody: { content } } : {}),
    ...(access === 'open' ? {} : { security: [{ bearer: [] }, { basic: [] }, {}], 'x-scope': access }),
    responses: Object.fromEntries(
      Object.entries({ ...(access === 'open' ? {} : kRefusals), ...answers }).map(([status, description]) => [
        status,
        { description },
      ]),
    ),
  };
}

const kTypes = { text: 'string', choice: 'string', integer: 'integer', real: 'number' } as const;

/** The field, and those that give its values one by one. A form is text: of several values `x-items` says what each is. */
function fieldSchemas(field: ParameterDescription): [name: string, schema: Json][] {
  const { name, parts = [], most, help, default: otherwise } = field;
  const alone = parts.flatMap(({ fields = [] }) => fields.slice(0, 1));
  const description = [
    parts.length === 0 && most === undefined ? help : `${formOf(field)}: ${help}`,
    ...(alone.length > 0 ? [`or the fields ${alone.join(', ')}`] : []),
    ...(otherwise === undefined ? [] : [`else ${otherwise}`]),
  ].join('; ');
  const one = { ...valueSchema(field), description };
  if (most !== undefined) return [[name, { type: 'string', description, 'x-items': valueSchema(field) }]];
  if (parts.length === 0) return [[name, one]];
  const several = { type: 'string', description, 'x-items': parts.map(valueSchema) };
  const fields = parts.flatMap((part) =>
    (part.fields ?? []).map((own): [string, Json] => [
      own,
      { ...valueSchema(part), description: `${part.name} of ${name}` },
    ]),
  );
  return [[name, several], ...fields];
}

function valueSchema({ type, min, max, choices, unit }: ValueDescription): Json {
  const [least, most] = type === 'text' ? ['minLength', 'maxLength'] : ['minimum', 'maximum'];
  return {
    type: kTypes[type],
    ...(min === undefined ? {} : { [least]: min }),
    ...(max === undefined ? {} : { [most]: max }),
    ...(choices === undefined ? {} : { enum: choices }),
    ...(unit === undefined ? {} : { 'x-unit': unit }),
  };
}
