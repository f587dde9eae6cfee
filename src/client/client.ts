/** A UWS 1.1 client for the commands: plain HTTP, the server's XML, errors with the exit code they mean. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ErrorCode, isErrorCode, kErrorCatalogue, OtfError, systemReason } from '../errors/catalogue.js';
import { publicUrl } from '../errors/public-text.js';
import { forNow } from '../io/leftovers.js';
import { isAddress, jobOfAddress } from './addresses.js';
import { answerOf } from './answer.js';
import { type JobSummary, parseJob, parseJobs, type RemoteJob, type RemoteResult } from './documents.js';
import { parseSummaries } from './summaries.js';
import { postFiles, type UploadAnswer, type UploadProgress } from './upload.js';

/** XML is named, so that a job made by an older client does not answer in JSON. */
const kAcceptXml = { accept: 'text/xml, application/xml' };
/** A server says something in that time. */
const kTimeoutMs = 120_000;

/** As our servers make them: nothing is to be looked up. */
const kWholeId = /^j[0-9a-f]{32}$/;
/** Candidates in an error. */
const kNamed = 5;

export interface JobFilter {
  phase?: string[] | undefined;
  after?: string | undefined;
  last?: number | undefined;
  idPrefix?: string | undefined;
}

export class UwsClient {
  /** Without a slash at the end. */
  readonly base: string;
  /** For this server, and nobody else. */
  readonly #authorization: Record<string, string>;
  readonly #timeoutMs: number;

  /** `token`: of the server; or a name and a password in the URL, for a proxy. Throws OTF_USAGE when it is no http(s) URL. */
  constructor(url: string, token?: string, timeoutMs = kTimeoutMs) {
    this.#timeoutMs = timeoutMs;
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new OtfError('OTF_USAGE', `--server ${publicUrl(url)}: not an http(s) URL such as http://127.0.0.1:5000`);
    }
    const { username, password } = new URL(url);
    this.base = url.replace(/\/\/[^/?#]*@/, '//').replace(/\/+$/, '');
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const basic = pair === ':' ? undefined : `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
    const authorization = token === undefined ? basic : `Bearer ${token}`;
    this.#authorization = authorization === undefined ? {} : { authorization };
  }

  /** Uploads the inputs (paths), or names them (isRemote), by their names, and starts the job. Gives the id. */
  async submit(
    inputs: Record<string, string>,
    fields: Record<string, string>,
    onProgress: UploadProgress,
  ): Promise<string> {
    return this.create(inputs, { ...fields, PHASE: 'RUN' }, onProgress);
  }

  /** As submit, and nothing starts it. */
  async create(
    inputs: Record<string, string>,
    fields: Record<string, string>,
    onProgress: UploadProgress,
  ): Promise<string> {
    const all: Record<string, string> = { ...fields };
    const files: Record<string, string> = {};
    for (const [name, given] of Object.entries(inputs)) {
      if (isRemote(given)) all[name] = given;
      else files[name] = given;
    }
    let answer: UploadAnswer;
    if (Object.keys(files).length === 0) {
      const response = await this.#send('/jobs', { method: 'POST', body: new URLSearchParams(all) });
      const location = response.headers.get('location') ?? undefined;
      const code = response.headers.get(kCode) ?? undefined;
      answer = { status: response.status, location, text: await response.text(), code };
    } else {
      answer = await postFiles(new URL(`${this.base}/jobs`), all, files, onProgress, this.#authorization).catch(
        (thrown) => {
          throw thrown instanceof OtfError ? thrown : unreachable(this.base, thrown);
        },
      );
    }
    const id = answer.location?.replace(/\/+$/, '').split('/').pop();
    if (answer.status !== 303 || !id) throw refusal(answer.status, answer.text, answer.code);
    return id;
  }

  /** All that a server of ours says of its jobs; of another one what UWS lists of them. */
  async list(filter: JobFilter): Promise<JobSummary[]> {
    const query = new URLSearchParams();
    for (const phase of filter.phase ?? []) query.append('PHASE', phase);
    if (filter.after !== undefined) query.set('AFTER', filter.after);
    if (filter.last !== undefined) query.set('LAST', String(filter.last));
    const more = filter.idPrefix === undefined ? '' : `&ID=${encodeURIComponent(filter.idPrefix)}`;
    const answer = await this.#send(`/summaries?${query}${more}`);
    const text = await answer.text();
    if (answer.status !== 200 && answer.status !== 404) throw refusal(answer.status, text, answer.headers.get(kCode));
    const ours = answer.status === 200 && (answer.headers.get('content-type') ?? '').startsWith('application/json');
    const jobs = ours ? parseSummaries(text) : parseJobs(await this.#text(`/jobs?${query}`));
    const named = jobs.filter(({ id }) => id.startsWith(filter.idPrefix ?? ''));
    return named.map((job) => ({ ...job, href: this.#reachable(job.href) }));
  }

  /**
   * The whole id of which this is the beginning, or the one in this address. Throws OTF_NOT_FOUND, and OTF_USAGE with the
   * candidates where there are several, and for the address of another server.
   */
  async resolve(begin: string): Promise<string> {
    if (isAddress(begin)) return jobOfAddress(begin, this.base);
    if (kWholeId.test(begin)) return begin;
    const found = /^[\w-]{1,64}$/.test(begin) ? await this.list({ idPrefix: begin }) : [];
    const [first] = found;
    if (found.some(({ id }) => id === begin)) return begin;
    if (first && found.length === 1) return first.id;
    if (!first) throw new OtfError('OTF_NOT_FOUND', 'no such job');
    const named = found.slice(0, kNamed).map(({ id, image }) => (image === undefined ? id : `${id} (${image})`));
    const rest = found.length > kNamed ? `, and ${found.length - kNamed} more` : '';
    throw new OtfError('OTF_USAGE', `${begin} begins the ids of ${found.length} jobs: ${named.join(', ')}${rest}`);
  }

  /** `waitS`: the server answers when the phase changes, or after that time. */
  async job(id: string, waitS = 0): Promise<RemoteJob> {
    const job = parseJob(await this.#text(`${path(id)}${waitS > 0 ? `?WAIT=${waitS}` : ''}`));
    const results = job.results.map((result) => ({ ...result, href: this.#reachable(result.href) }));
    return { ...job, results };
  }

  async abort(id: string): Promise<void> {
    await this.#expect(await this.#phase(id, 'ABORT'), [200, 303]);
  }

  /** A job that was created; one that runs or has run stays as it is. False: there is none. */
  async start(id: string): Promise<boolean> {
    const response = await this.#phase(id, 'RUN');
    if (response.status === 404) return false;
    // It has been started before (OTF_PHASE_FORBIDS).
    const started = response.status === 403 && (await this.job(id)).phase !== 'PENDING';
    if (!started) await this.#expect(response, [200, 303]);
    return true;
  }

  #phase(id: string, phase: 'RUN' | 'ABORT'): Promise<Response> {
    // As JSON: the answer is not redirected, whatever the style of the job.
    const headers = { 'content-type': 'application/json' };
    return this.#send(`${path(id)}/phase`, { method: 'POST', body: JSON.stringify({ PHASE: phase }), headers });
  }

  async delete(id: string): Promise<void> {
    await this.#expect(await this.#send(path(id), { method: 'DELETE' }), [303]);
  }

  /** Jobs of everybody by their phase, as a server of ours counts them. */
  async counts(): Promise<Record<string, number>> {
    const response = await this.#send('/server');
    const text = await response.text();
    if (response.status !== 200) throw refusal(response.status, text, response.headers.get(kCode));
    const { jobs } = JSON.parse(text) as { jobs?: Record<string, number> };
    return jobs ?? {};
  }

  /** By owner, as GET /usage gives it. */
  async usage(days: Record<string, string>): Promise<unknown> {
    const response = await this.#send(`/usage?${new URLSearchParams(days)}`, {
      headers: { accept: 'application/json' },
    });
    const text = await response.text();
    if (response.status !== 200) throw refusal(response.status, text, response.headers.get(kCode));
    return JSON.parse(text);
  }

  /** Its events (server-sent) of these topics, until the signal: an answer to be read. Throws what fetch throws. */
  events(topics: readonly string[], signal: AbortSignal): Promise<Response> {
    const query = topics.map((topic) => `TOPIC=${encodeURIComponent(topic)}`).join('&');
    const headers = { accept: 'text/event-stream', ...this.#authorization };
    return fetch(`${this.base}/events?${query}`, { redirect: 'manual', signal, headers });
  }

  /** Does it show itself to browsers? */
  async hasPage(): Promise<boolean> {
    const answer = await this.#send('/', { headers: { accept: 'text/html' } });
    await answer.arrayBuffer();
    return answer.status === 200 && (answer.headers.get('content-type') ?? '').startsWith('text/html');
  }

  /** CIANNA_models.xml: the models of the server, as the observatory's clients read them. */
  modelRegistry(): Promise<string> {
    return this.#text('/model-files/CIANNA_models.xml');
  }

  /**
   * A server writes its addresses as it sees itself (its Host header, its public URL); behind a tunnel or another proxy
   * only the address given here leads to it. Addresses of other services stay as they are.
   */
  #reachable(href: string): string {
    const inTree = URL.canParse(href, this.base) ? /\/(?:jobs|uws)\/.*$/.exec(new URL(href, this.base).pathname) : null;
    return inTree ? this.base + inTree[0] + new URL(href, this.base).search : href;
  }

  /** Into `target`, by a temporary name beside it. */
  async download(result: RemoteResult, target: string): Promise<void> {
    const response = await this.#send(result.href);
    if (response.status !== 200 || !response.body)
      throw refusal(response.status, await response.text(), response.headers.get(kCode));
    const temporary = `${target}.${randomBytes(4).toString('hex')}.part`;
    const isGone = forNow(temporary);
    try {
      await pipeline(Readable.fromWeb(response.body as never), createWriteStream(temporary));
      await rename(temporary, target);
    } catch (thrown) {
      await rm(temporary, { force: true });
      if (thrown instanceof OtfError) throw thrown;
      throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${target}: ${systemReason(thrown)}`, { cause: thrown });
    } finally {
      isGone();
    }
  }

  async #text(place: string): Promise<string> {
    const response = await this.#send(place, { headers: kAcceptXml });
    const text = await response.text();
    if (response.status !== 200) throw refusal(response.status, text, response.headers.get(kCode));
    return text;
  }

  async #expect(response: Response, statuses: number[]): Promise<void> {
    const text = await response.text();
    if (!statuses.includes(response.status)) throw refusal(response.status, text, response.headers.get(kCode));
  }

  async #send(place: string, init: RequestInit = {}): Promise<Response> {
    const url = place.startsWith('/') ? this.base + place : place;
    // A result may lie elsewhere: who has it is told nothing.
    const ours = url === this.base || url.startsWith(`${this.base}/`);
    const headers = { ...(init.headers as Record<string, string>), ...(ours ? this.#authorization : {}) };
    const server = ours ? this.base : new URL(url).origin;
    const lost = (thrown: unknown, begun: boolean) => unreachable(server, thrown, begun);
    return answerOf(url, { ...init, headers }, this.#timeoutMs, lost);
  }
}

/** `begun`: its answer had. */
function unreachable(server: string, thrown: unknown, begun = false): OtfError {
  const cause =
    (thrown as { cause?: { code?: string; message?: string } }).cause ??
    (thrown as { code?: string; message?: string });
  const reason = kReasons.get(cause.code ?? '') ?? cause.message ?? String(thrown);
  const what = begun
    ? `${server} did not end its answer: ${reason}; the network, or the server, failed: ask again`
    : `cannot reach ${server}: ${reason}; is the server running (cianna-otf serve)?`;
  return new OtfError('OTF_SERVER_UNREACHABLE', what, { cause: thrown });
}

const kReasons = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ENOTFOUND', 'unknown host'],
  ['ECONNRESET', 'the connection was cut'],
  ['EPIPE', 'the connection was cut'],
]);

/** What the server has or gets itself: a URL it fetches, or job:ID/RESULT of a job it has. */
export function isRemote(input: string): boolean {
  return /^((https?|davs?|s3):\/\/|job:|upload:)/.test(input);
}

/** Ids come from the command line: they must not become other paths. */
function path(id: string): string {
  return `/jobs/${encodeURIComponent(id)}`;
}

/** Of the answer: which refusal it is. */
const kCode = 'OTF-Error';

function refusal(status: number, text: string, told: string | null | undefined): OtfError {
  let message = text.trim();
  try {
    const parsed = JSON.parse(text) as { error?: unknown };
    if (typeof parsed.error === 'string') message = parsed.error;
  } catch {
    // Plain text, as DALI has it.
  }
  const line = message.split('\n')[0]?.slice(0, 300) || 'no reason given';
  if (status === 404) return new OtfError('OTF_NOT_FOUND', line);
  if (status === 401) return new OtfError('OTF_AUTH_REQUIRED', `${line} (CIANNA_OTF_TOKEN, --token-file)`);
  // What the server says passes: a quota that is used up for now.
  const passing = status < 500 && isErrorCode(told) && kErrorCatalogue[told].uws === 'transient' ? told : undefined;
  return new OtfError(
    kRefusals.get(status) ?? passing ?? 'OTF_SERVER_ANSWER',
    `the server answered ${status}: ${line}`,
  );
}

/** Those after which asking again, or with something else, can help. */
const kRefusals = new Map<number, ErrorCode>([
  [413, 'OTF_TOO_LARGE'],
  [429, 'OTF_RATE_LIMITED'],
  [502, 'OTF_SHORTAGE'],
  [503, 'OTF_SHORTAGE'],
  [504, 'OTF_SHORTAGE'],
]);
