/**
 * One request on its socket. uWebSockets.js has hard rules, kept here and nowhere else: HttpRequest is valid only until the
 * handler returns or awaits (everything needed is copied first), HttpResponse only until it ends or the client goes, and
 * writes belong into a cork.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Principal } from '../auth/principal.js';
import { toOtfError } from '../errors/catalogue.js';
import type { Uploads } from '../jobs/folders.js';
import type { Answer, BodyKinds, Form, Headers, Request, TextAnswer } from '../uws/exchange.js';
import { problemAnswer } from '../uws/problem.js';
import { IncomingBody } from './body.js';
import type { Cors } from './cors.js';
import { endHead, type Outlet, RangeInvalid, sendFile } from './download.js';
import { sendEvents } from './event-stream.js';
import { kMultipartOverhead, readBytes, readForm, readJson } from './form.js';
import { sendPieces } from './pieces.js';
import { kStatusLines } from './status-lines.js';
import { isLoopbackHost } from './trust.js';

export interface ConnectionOptions {
  uploads: Uploads;
  maxUploadBytes: number;
  maxText: number;
  /** Configured address; '' = from the Host header. */
  publicUrl: string;
  scheme: 'http' | 'https';
  /** Used when there is no sound Host header. */
  fallbackHost: () => string;
  ownerHeader: string;
  /** Somebody changed something, or was not let in. */
  onAudit: (event: AuditEvent) => void;
  cors: Cors;
  onAnswered: (method: string, route: string, status: number, seconds: number, bytesIn: number) => void;
  onInternal: (thrown: unknown, route: string) => void;
}

export interface AuditEvent {
  method: string;
  route: string;
  status: number;
  /** null = anonymous, or not let in. */
  owner: string | null;
  remote: string;
  /** That was made, or that it is about. */
  jobId?: string | undefined;
}

const kCopiedHeaders = [
  'accept',
  'accept-encoding',
  'access-control-request-headers',
  'access-control-request-method',
  'authorization',
  'content-length',
  'content-type',
  'forwarded',
  'host',
  'inference-header-content-length',
  'if-none-match',
  'if-range',
  'origin',
  'otf-attempt',
  'range',
  'sec-fetch-mode',
  'sec-fetch-site',
  'transfer-encoding',
  'via',
  'x-forwarded-for',
  'x-real-ip',
] as const;
/** Of those, what proxies say of themselves (RFC 7239, RFC 9110 section 7.6.3, and what was there before). */
const kProxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'] as const;
/** Anything else has no place in a URL we write into documents. */
const kHost = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;

export class Connection implements Request, Outlet {
  readonly res: HttpResponse;
  readonly method: string;
  readonly variables: readonly string[];
  readonly query: string;
  gone = false;
  /** Who asks, once that is known (server.ts): until then nobody. */
  principal: Principal | undefined;
  #ended = false;
  /** Valid until the handler returns; then `#headers` has what may still be asked for. */
  #req: HttpRequest | undefined;
  #headers: Record<string, string> | undefined;
  readonly #started = performance.now();
  readonly #route: string;
  readonly #options: ConnectionOptions;
  readonly #body: IncomingBody | undefined;
  #goneCallbacks: (() => void)[] = [];
  #writerGone: (() => void) | undefined;
  #listening = false;
  #remote: string | undefined;

  constructor(
    res: HttpResponse,
    req: HttpRequest,
    route: string,
    variables: readonly string[],
    options: ConnectionOptions,
  ) {
    this.res = res;
    this.#req = req;
    this.#route = route;
    this.method = req.getMethod().toUpperCase();
    this.variables = variables;
    this.query = req.getQuery();
    this.#options = options;
    if (this.method !== 'GET' && this.method !== 'HEAD') {
      this.listen();
      this.#body = new IncomingBody(res);
    }
  }

  /** To be called before anything is awaited: afterwards `gone` tells the truth and headers are copies. */
  listen(): void {
    if (this.#listening || !this.#req) return;
    this.#listening = true;
    const headers: Record<string, string> = {};
    for (const name of [...kCopiedHeaders, this.#options.ownerHeader])
      if (name !== '') headers[name] = this.#req.getHeader(name);
    this.#headers = headers;
    this.#req = undefined;
    this.#remote = this.remote;
    this.res.onAborted(() => {
      this.gone = true;
      this.#body?.detach(true);
      this.#writerGone?.();
      for (const callback of this.#goneCallbacks) callback();
    });
  }

  header(name: string): string {
    return (this.#headers ? this.#headers[name] : this.#req?.getHeader(name)) ?? '';
  }

  get origin(): string {
    if (this.#options.publicUrl !== '') return this.#options.publicUrl;
    const host = this.header('host');
    return `${this.#options.scheme}://${kHost.test(host) ? host : this.#options.fallbackHost()}`;
  }

  get remote(): string {
    // Readable only while the socket is there.
    this.#remote ??= Buffer.from(this.res.getRemoteAddressAsText()).toString('latin1');
    return this.#remote;
  }

  get authorization(): string {
    return this.header('authorization');
  }

  /** As the peer's proxy names him: worth what the peer is worth. */
  get named(): string {
    return this.#options.ownerHeader === '' ? '' : this.header(this.#options.ownerHeader);
  }

  get relayed(): boolean {
    return !isLoopbackHost(this.header('host')) || kProxyHeaders.some((name) => this.header(name) !== '');
  }

  get owner(): string | null {
    return this.principal?.owner ?? null;
  }

  get admin(): boolean {
    return this.principal?.scopes.has('admin') ?? false;
  }

  async form(accept: BodyKinds = {}): Promise<Form> {
    if (!this.#body) throw new Error(`${this.method} requests have no body to read`);
    return readForm({
      body: this.#body,
      contentType: this.header('content-type'),
      contentLength: this.header('content-length'),
      chunked: this.header('transfer-encoding') !== '',
      query: this.query,
      uploads: this.#options.uploads,
      maxBytes: accept.maxBytes ?? this.#options.maxUploadBytes,
      maxText: this.#options.maxText,
      accept,
    });
  }

  async json(): Promise<unknown> {
    if (!this.#body) throw new Error(`${this.method} requests have no body to read`);
    return readJson({ body: this.#body, maxBytes: this.#options.maxUploadBytes });
  }

  async bytes(maxBytes: number): Promise<Buffer> {
    if (!this.#body) throw new Error(`${this.method} requests have no body to read`);
    return readBytes({ body: this.#body, maxBytes, announced: Number(this.header('content-length') || '0') });
  }

  onGone(callback: () => void): void {
    if (this.gone) callback();
    else this.#goneCallbacks.push(callback);
  }

  onWriterGone(callback: () => void): void {
    this.#writerGone = callback;
  }

  send(write: (res: HttpResponse) => void): void {
    if (this.gone || this.#ended) return;
    this.res.cork(() => write(this.res));
  }

  finished(status: number): void {
    this.#ended = true;
    const seconds = (performance.now() - this.#started) / 1000;
    this.#options.onAnswered(this.method, this.#route, status, seconds, this.#body?.receivedBytes ?? 0);
  }

  /** To be asked before the answer ends: then the socket says no more where it came from. */
  #auditOf({ status, headers }: TextAnswer): AuditEvent | undefined {
    const { method, owner } = this;
    const changes = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
    if (!changes && status !== 401 && status !== 403) return undefined;
    const [asked] = this.variables;
    const jobId = asked ?? (status === 303 ? headers.Location?.split('/').pop() : undefined);
    return { method, route: this.#route, status, owner, remote: this.remote, jobId };
  }

  /**
   * The rest of its body may come and pass unread: the client sees the answer, and the connection goes on. One that does
   * not say how long it is, or says what was refused, is cut off.
   */
  #willEnd(): boolean {
    const announced = Number(this.header('content-length') || Number.NaN);
    return announced <= this.#options.maxUploadBytes + kMultipartOverhead;
  }

  /** The headers of an answer, with those that let pages of other origins read it. */
  #shared(own: Headers): Headers {
    const { cors } = this.#options;
    return cors.on ? { ...own, ...cors.added(this.header('origin'), own) } : own;
  }

  async answer(answer: Answer): Promise<void> {
    try {
      if (answer.kind === 'text') this.answerText(answer);
      else if (answer.kind === 'pieces') {
        await sendPieces(this, answer, this.#shared(answer.headers), this.method === 'HEAD');
      } else if (answer.kind === 'events') sendEvents(this, answer, this.#shared({}));
      else {
        await sendFile(
          this,
          { ...answer, headers: this.#shared(answer.headers) },
          {
            head: this.method === 'HEAD',
            range: this.header('range'),
            ifRange: this.header('if-range'),
            ifNoneMatch: this.header('if-none-match'),
            acceptEncoding: this.header('accept-encoding'),
          },
        );
      }
    } catch (thrown) {
      this.answerProblem(thrown);
    }
  }

  answerProblem(thrown: unknown, headers: Record<string, string> = {}): void {
    if (toOtfError(thrown).kind.operators !== undefined) this.#options.onInternal(thrown, this.#route);
    const range = thrown instanceof RangeInvalid ? { 'Content-Range': `bytes */${thrown.size}` } : {};
    this.answerText(problemAnswer(thrown, this, { ...headers, ...range }));
  }

  /** Not even a refusal could be written: the connection is of no use any more. */
  readonly giveUp = (thrown: unknown): void => {
    this.#options.onInternal(thrown, this.#route);
    if (this.gone || this.#ended) return;
    this.#ended = true;
    this.res.close();
  };

  /** Synchronous: the way of every status request. */
  answerText(answer: TextAnswer): void {
    if (this.gone || this.#ended) return;
    const body = this.#body;
    const headers = this.#shared(answer.headers);
    const close = body !== undefined && !body.complete && !this.#willEnd();
    const audit = this.#auditOf(answer);
    body?.ignoreRest();
    this.res.cork(() => {
      this.res.writeStatus(kStatusLines[answer.status] ?? String(answer.status));
      for (const name in headers) this.res.writeHeader(name, headers[name] ?? '');
      if (this.method === 'HEAD') endHead(this.res, Buffer.byteLength(answer.body));
      else this.res.end(answer.body, close);
    });
    body?.detach(false);
    this.finished(answer.status);
    if (audit) this.#options.onAudit(audit);
  }
}
