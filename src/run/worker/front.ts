/** The server as its worker asks it for files, and brings it some. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { OtfError, toOtfError } from '../../errors/catalogue.js';
import { kSoftware } from '../../version.js';
import { kTermsSchema, type Terms } from '../remote/terms.js';

export interface Wanted {
  sha256?: string | undefined;
  size?: number | undefined;
}

export interface Errand {
  /** Opens the files of a job. */
  attempt?: string;
  signal: AbortSignal;
}

const kOwnerOnly = 0o600;
const kAgainMs = 500;
const kMostAgainMs = 5000;
/** No answer, or no byte, for so long: asked again. */
const kStallMs = 60_000;
const kRefusalChars = 500;
const [kUnauthorized, kForbidden] = [401, 403];
/** Beside 500 and more: too slow, too early, too many. */
const kPassing = [408, 425, 429];
const kPartBytes = 1 << 16;

export interface FrontParts {
  server: string;
  /** What opens it now; asked for again when it opens nothing any more. */
  token: () => Promise<string | undefined>;
  stallMs?: number;
}

export class Front {
  readonly #base: string;
  readonly #ownToken: FrontParts['token'];
  readonly #stallMs: number;
  #token: string | undefined;

  constructor({ server, token, stallMs = kStallMs }: FrontParts) {
    this.#base = server.replace(/\/+$/, '');
    this.#ownToken = token;
    this.#stallMs = stallMs;
  }

  /** Asked once. Throws OTF_SERVER_UNREACHABLE, OTF_SERVER_ANSWER. */
  async terms(): Promise<Terms> {
    const response = await this.#ask('/work', {}, AbortSignal.timeout(this.#stallMs));
    const read = kTermsSchema.safeParse(await response.json().catch(() => undefined));
    if (!read.success) {
      const where = read.error.issues[0]?.path.join('.') ?? '';
      throw new OtfError('OTF_SERVER_ANSWER', `${this.#base}/work is not what this worker knows (${where})`);
    }
    const { version } = read.data;
    if (version === kSoftware.version) return read.data;
    const both = `the server is ${kSoftware.name} ${version}, this is ${kSoftware.version}`;
    throw new OtfError('OTF_SERVER_ANSWER', `${both}: results would not be the same; install the same version`);
  }

  /** Whole and as wanted at `path`, however often it is cut short. Throws what the server refuses with, or the signal's reason. */
  async download(address: string, path: string, wanted: Wanted, errand: Errand): Promise<void> {
    const file = await open(path, 'w', kOwnerOnly);
    try {
      let hash = createHash('sha256');
      let received = 0;
      await this.#untilDone(errand.signal, async (signal, moves) => {
        // Cut behind its last byte: there is no rest to ask for.
        if (received > 0 && received === wanted.size) return;
        if (wanted.size === undefined) {
          hash = createHash('sha256');
          received = 0;
          await file.truncate();
        }
        const range = received > 0 ? { range: `bytes=${received}-` } : undefined;
        const response = await this.#ask(address, { ...errand, ...(range ? { headers: range } : {}) }, signal);
        if (range && response.status !== 206) throw unreachable(`${address}: the rest of it was not to be had`);
        for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
          moves();
          await file.write(piece, 0, piece.length, received).catch(refuseFullDisk);
          hash.update(piece);
          received += piece.length;
        }
        if (wanted.size !== undefined && received < wanted.size) throw unreachable(`${address}: ended early`);
      });
      const sha256 = hash.digest('hex');
      if ((wanted.sha256 ?? sha256) === sha256 && (wanted.size ?? received) === received) return;
      throw new OtfError('OTF_SERVER_ANSWER', `${address} came with another sha256 than the server has for it`);
    } finally {
      await file.close();
    }
  }

  /** The server has it. Throws as download. */
  async upload(address: string, path: string, size: number, errand: Errand): Promise<void> {
    await this.#untilDone(errand.signal, async (signal, moves) => {
      const sent = posted(createReadStream(path), size, moves);
      const response = await this.#ask(address, { ...errand, ...sent }, signal);
      await response.arrayBuffer();
    });
  }

  /** How a run has ended, with its files (bundle.ts): what the server answers. Throws as download. */
  async end(jobId: string, body: Buffer, errand: Errand): Promise<unknown> {
    let answer: unknown;
    await this.#untilDone(errand.signal, async (signal, moves) => {
      const sent = posted(partsOf(body), body.length, moves);
      const response = await this.#ask(`/work/jobs/${jobId}/end`, { ...errand, ...sent }, signal);
      answer = await response.json();
    });
    return answer;
  }

  /** Again and again, as long as the server only cannot be reached, or says nothing any more: a network may lose that a connection has ended. */
  async #untilDone(signal: AbortSignal, act: (signal: AbortSignal, moves: () => void) => Promise<void>): Promise<void> {
    for (let waitMs = kAgainMs; ; waitMs = Math.min(2 * waitMs, kMostAgainMs)) {
      const stalled = new AbortController();
      const what = `${this.#base}: nothing for ${this.#stallMs / 1000} s`;
      const timer = setTimeout(() => stalled.abort(unreachable(what)), this.#stallMs);
      try {
        return await act(AbortSignal.any([signal, stalled.signal]), () => timer.refresh());
      } catch (thrown) {
        if (signal.aborted) throw signal.reason;
        if (toOtfError(thrown).code !== 'OTF_SERVER_UNREACHABLE' && !isCut(thrown)) throw thrown;
        await pause(waitMs, undefined, { signal }).catch(() => {
          throw signal.reason;
        });
      } finally {
        clearTimeout(timer);
      }
    }
  }

  async #ask(
    address: string,
    how: {
      attempt?: string;
      method?: string;
      headers?: Record<string, string>;
      body?: ReadableStream<Uint8Array>;
    },
    signal: AbortSignal,
  ): Promise<Response> {
    const { attempt, method = 'GET', headers = {}, body } = how;
    this.#token ??= await this.#ownToken();
    const token = this.#token;
    const init = {
      method,
      signal,
      headers: {
        ...headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(attempt === undefined ? {} : { 'otf-attempt': attempt }),
      },
      ...(body ? { body, duplex: 'half' } : {}),
    };
    let response: Response;
    try {
      response = await fetch(`${this.#base}${address}`, init as RequestInit);
    } catch (thrown) {
      const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
      throw unreachable(`${this.#base}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    if (response.ok) return response;
    const said = (await response.text().catch(() => '')).slice(0, kRefusalChars).replace(/\s+/g, ' ').trim();
    const what = `${this.#base}${address.split('?')[0]} answers ${response.status}: ${said}`;
    const { status } = response;
    if (status >= 500 || kPassing.includes(status)) throw unreachable(what);
    if (status !== kUnauthorized && status !== kForbidden) throw new OtfError('OTF_SERVER_ANSWER', what);
    // One that is given out in time takes the place of the one before.
    this.#token = await this.#ownToken().catch(() => token);
    if (this.#token !== token) throw unreachable(what);
    throw new OtfError(status === kForbidden ? 'OTF_FORBIDDEN' : 'OTF_TOKEN_INVALID', what);
  }
}

/** A body, and each time some of it goes. */
function posted(pieces: Iterable<Buffer> | AsyncIterable<Buffer>, bytes: number, moves: () => void) {
  const watched = async function* () {
    for await (const piece of pieces) {
      moves();
      yield piece;
    }
  };
  const body = Readable.toWeb(Readable.from(watched(), { objectMode: false })) as ReadableStream<Uint8Array>;
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes) };
  return { method: 'POST', headers, body };
}

function* partsOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += kPartBytes) yield body.subarray(at, at + kPartBytes);
}

/** The server does not know this worker any more: no fault of a job. */
export function isShutOut(error: OtfError): boolean {
  return error.code === 'OTF_TOKEN_INVALID' || error.code === 'OTF_FORBIDDEN';
}

/** A connection that ended in the middle of a body (undici). */
function isCut(thrown: unknown): boolean {
  return thrown instanceof TypeError && /terminated|fetch failed/.test(thrown.message);
}

/** Somebody else has room for it. */
function refuseFullDisk(thrown: unknown): never {
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') throw new OtfError('OTF_SHORTAGE', 'the disk of the worker is full');
  throw thrown;
}

function unreachable(message: string): OtfError {
  return new OtfError('OTF_SERVER_UNREACHABLE', message);
}
