/** Errors as answers: status from the catalogue, one line of text, JSON {"error"} where an older client may listen. */
import { toOtfError } from '../errors/catalogue.js';
import { publicText } from '../errors/public-text.js';
import { RetryLater } from '../jobs/retry.js';
import { type Headers, json, kPlainType, type Request, type TextAnswer, text } from './exchange.js';
import { wanted } from './negotiate.js';

export interface Problem {
  status: number;
  message: string;
  headers: Headers;
}

const kRealm = 'cianna-otf';

export function problemMessage(thrown: unknown): Problem {
  const error = toOtfError(thrown);
  // For programs: the line is for people and may change.
  const headers: Headers = { 'OTF-Error': error.code };
  const retryAfterS = thrown instanceof RetryLater ? thrown.retryAfterS : error.kind.retryAfterS;
  if (retryAfterS !== undefined) headers['Retry-After'] = String(retryAfterS);
  // What went wrong inside may name files of this machine: it goes to the log only.
  const message = error.code === 'OTF_INTERNAL' ? 'internal error of the server' : publicText(error.message);
  return { status: error.kind.httpStatus, message, headers };
}

/** DALI 1.1, section 4.2: errors are text; the older server's are JSON, and an unknown job has no style to go by. */
export function problemAnswer(thrown: unknown, request: Pick<Request, 'header'>, headers: Headers = {}): TextAnswer {
  const problem = problemMessage(thrown);
  const challenge = problem.status === 401 ? { 'WWW-Authenticate': challengeOf(thrown, request) } : {};
  const all = { ...problem.headers, ...challenge, ...headers };
  const asks = wanted(request.header('accept'));
  if (asks === 'json' || (asks === 'any' && problem.status === 404)) {
    return json(problem.status, { error: problem.message }, all);
  }
  return text(problem.status, kPlainType, `${problem.message}\n`, all);
}

/** RFC 9110, section 11.6.1; RFC 6750, section 3. A page that asks by itself gets no window of its browser for Basic. */
function challengeOf(thrown: unknown, request: Pick<Request, 'header'>): string {
  const bearer = `Bearer realm="${kRealm}"${toOtfError(thrown).code === 'OTF_TOKEN_INVALID' ? ', error="invalid_token"' : ''}`;
  const mode = request.header('sec-fetch-mode');
  const basic = `Basic realm="${kRealm}", charset="UTF-8"`;
  // Of several in one line Chromium sees the first alone.
  if (mode === 'navigate') return `${basic}, ${bearer}`;
  return mode === '' ? `${bearer}, ${basic}` : bearer;
}
