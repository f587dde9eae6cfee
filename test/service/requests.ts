/** POSTs that make jobs, and those that are refused. */
import assert from 'node:assert/strict';
import type { Bench } from './bench.js';

export async function made(answer: Response): Promise<string> {
  if (answer.status !== 303) throw new Error(`${answer.status} ${await answer.text()}`);
  return (answer.headers.get('location') ?? '').split('/').pop() ?? '';
}

export async function follow(b: Bench, fields: Record<string, string>): Promise<string> {
  return made(await b.form('/jobs', { PHASE: 'RUN', ...fields }));
}

export async function refused(answer: Promise<Response> | Response, pattern: RegExp): Promise<void> {
  const { status } = await answer;
  const text = await (await answer).text();
  assert.equal(status, 400, text);
  assert.match(text, pattern);
}
