/** The sub-resources of a job that are one line of text, and those of them that can be set. */
import { OtfError } from '../errors/catalogue.js';
import { type Handler, jobLocation } from './context.js';
import { parseDestruction, parseDuration } from './creation.js';
import { plain, seeOther } from './exchange.js';
import { formatInstant } from './instants.js';
import { id } from './job.js';
import { missing } from './parameters.js';

export const getExecutionDuration: Handler = ({ jobs }, request) =>
  plain(String(jobs.get(id(request), request).executionDurationS));

export const postExecutionDuration: Handler = async ({ jobs }, request, tree) => {
  jobs.get(id(request), request);
  const form = await request.form();
  await form.spool?.discard();
  const seconds = parseDuration(form.parameters);
  if (seconds === undefined) throw missing('EXECUTIONDURATION', form.parameters);
  const job = await jobs.setTimes(id(request), { executionDurationS: seconds }, request);
  return seeOther(jobLocation(request, tree, job.id));
};

export const getDestruction: Handler = ({ jobs }, request) => {
  const { destructionMs } = jobs.get(id(request), request);
  return plain(destructionMs === null ? '' : formatInstant(destructionMs));
};

export const postDestruction: Handler = async ({ jobs }, request, tree) => {
  jobs.get(id(request), request);
  const form = await request.form();
  await form.spool?.discard();
  const ms = parseDestruction(form.parameters);
  if (ms === undefined) throw missing('DESTRUCTION', form.parameters);
  const job = await jobs.setTimes(id(request), { destructionMs: ms }, request);
  return seeOther(jobLocation(request, tree, job.id));
};

export const getQuote: Handler = ({ jobs }, request) => {
  const quoteMs = jobs.quoteMs(jobs.get(id(request), request));
  return plain(quoteMs === undefined ? '' : formatInstant(quoteMs));
};

export const getOwner: Handler = ({ jobs }, request) => plain(jobs.get(id(request), request).owner ?? '');

export const getError: Handler = ({ jobs }, request) => {
  const { failure } = jobs.get(id(request), request);
  if (!failure) throw new OtfError('OTF_NOT_FOUND', 'the job has not failed');
  return plain(failure.detail === undefined ? `${failure.message}\n` : `${failure.message}\n\n${failure.detail}\n`);
};
