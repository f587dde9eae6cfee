/** What many operations say in the same words. */
import type { ParameterDescription } from '../tasks/parameters.js';
import type { Handler } from '../uws/context.js';
import type { Operation } from './route.js';

export const kNotFound = { 404: 'no such job or sub-resource' };
export const kBadRequest = { 400: 'a parameter is wrong; the text names it' };
export const kForm = { 413: 'larger than max_upload_mb', 415: 'neither form nor multipart' };
export const kBusy = { 503: 'queue or disk full, or shutting down: see Retry-After' };
export const kToJob = { 303: 'done; Location is the job' };

export function get(
  handler: Handler,
  summary: string,
  meaning: string,
  more: Partial<Operation> = {},
): { GET: Operation } {
  return { GET: { handler, summary, ...more, answers: { 200: meaning, ...more.answers } } };
}

export function text(name: string, help: string): ParameterDescription {
  return { name, type: 'text', help };
}
