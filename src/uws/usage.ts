/** GET /usage: what people have used, for accounts. */
import { isDay } from '../jobs/usage.js';
import type { Handler } from './context.js';
import { json } from './exchange.js';
import { badRequest, Parameters } from './parameters.js';

export const getUsage: Handler = ({ jobs }, request) => {
  const parameters = Parameters.fromQuery(request.query);
  const day = (name: string) => {
    const value = parameters.single(name);
    if (value !== undefined && !isDay(value)) throw badRequest(`${name}=${value}: not a day such as 2026-01-31`);
    return value;
  };
  const [from, to] = [day('FROM'), day('TO')];
  return json(200, { from: from ?? null, to: to ?? null, usage: jobs.usage(from, to, request) });
};
