/**
 * Sockets without a network: what of uWebSockets.js the server uses, and clients that speak with it. Pieces of a body arrive
 * when the history says so; a client may take its time, or go.
 */
import type { Sim } from './sim.js';

export interface SimRequest {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: Buffer;
  /** Its body comes in so many pieces, with pauses of up to `slowMs` before each. */
  pieces?: number;
  slowMs?: number;
  /** It goes away after so long. */
  leavesMs?: number;
}

/** `gone`: there was no answer, or no whole one. */
export type SimAnswer =
  | { gone: true }
  | { gone: false; status: number; headers: Record<string, string>; body: string; bytes: Buffer };

type Handler = (res: SimResponse, req: unknown) => void;

/** An answer under way. The rules of uWebSockets.js hold: it is not to be touched once it has ended or its client has gone. */
class SimResponse {
  status = '200 OK';
  readonly headers: Record<string, string> = {};
  readonly #pieces: Buffer[] = [];
  readonly #sim: Sim;
  readonly #done: (answer: SimAnswer) => void;
  readonly #remote: string;
  over = false;
  onAbort: (() => void) | undefined;
  onPiece: ((chunk: ArrayBuffer, isLast: boolean) => void) | undefined;
  #bytes = 0;
  #onWritable: ((offset: number) => boolean) | undefined;

  constructor(sim: Sim, remote: string, done: (answer: SimAnswer) => void) {
    this.#sim = sim;
    this.#remote = remote;
    this.#done = done;
  }

  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): this {
    this.onPiece = handler;
    return this;
  }

  onAborted(handler: () => void): this {
    this.onAbort = handler;
    return this;
  }

  onWritable(handler: (offset: number) => boolean): this {
    this.#onWritable = handler;
    return this;
  }

  cork(work: () => void): this {
    this.#alive('cork');
    work();
    return this;
  }

  writeStatus(status: string): this {
    this.#alive('writeStatus');
    this.status = status;
    return this;
  }

  writeHeader(name: string, value: string): this {
    this.#alive('writeHeader');
    if (/[\r\n]/.test(name + value)) this.#sim.fault(`a header with an end of line: ${name}`);
    this.headers[name.toLowerCase()] = value;
    return this;
  }

  getWriteOffset(): number {
    return this.#bytes;
  }

  /** False: it has been taken, but the client is slow. */
  write(chunk: string | Buffer): boolean {
    this.#alive('write');
    this.#take(Buffer.from(chunk as string));
    return !this.#slow();
  }

  tryEnd(chunk: Buffer, total: number): [boolean, boolean] {
    this.#alive('tryEnd');
    const slow = chunk.length > 1 && this.#slow();
    const taken = slow ? chunk.subarray(0, Math.floor(this.#sim.random() * chunk.length)) : chunk;
    this.#take(Buffer.from(taken));
    const whole = this.#bytes >= total;
    if (whole) this.#end();
    return [taken.length === chunk.length, whole];
  }

  end(body: string | Buffer = '', _close = false): this {
    this.#alive('end');
    this.#take(Buffer.from(body as string));
    this.#end();
    return this;
  }

  endWithoutBody(): this {
    this.#alive('endWithoutBody');
    this.#end();
    return this;
  }

  close(): this {
    if (!this.over) this.abort();
    return this;
  }

  pause(): this {
    return this;
  }

  resume(): this {
    return this;
  }

  getRemoteAddress(): ArrayBuffer {
    return Uint8Array.from(this.#remote.split('.').map(Number)).buffer;
  }

  getRemoteAddressAsText(): ArrayBuffer {
    return Uint8Array.from(Buffer.from(this.#remote)).buffer;
  }

  /** The connection ends before the answer does. */
  abort(): void {
    if (this.over) return;
    this.over = true;
    this.onAbort?.();
    this.#done({ gone: true });
  }

  #alive(what: string): void {
    if (this.over) throw new Error(`${what}() of an answer that has ended`);
  }

  #take(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
  }

  /** Sometimes; then it can be written to again later. */
  #slow(): boolean {
    if (!this.#sim.chance(0.2)) return false;
    const again = () => {
      if (this.over) return;
      const taken = this.#onWritable?.(this.#bytes);
      if (taken === false && !this.over) this.#sim.at(this.#sim.between(1, 200), 'server', again);
    };
    this.#sim.at(this.#sim.between(1, 200), 'server', again);
    return true;
  }

  #end(): void {
    this.over = true;
    const { status, headers } = this;
    const bytes = Buffer.concat(this.#pieces);
    const answer = {
      gone: false,
      status: Number(status.slice(0, 3)),
      headers,
      body: bytes.toString('utf8'),
      bytes,
    } as const;
    // It has left the server: a crash now does not take it back.
    this.#sim.at(this.#sim.between(0.1, 3), 'world', () => this.#done(answer));
  }
}

/** The server's side: routes, and who is connected. */
export class SimApp {
  readonly #sim: Sim;
  readonly #routes: { parts: string[]; handler: Handler }[] = [];
  readonly #open = new Set<SimResponse>();
  #listening = false;

  constructor(sim: Sim) {
    this.#sim = sim;
  }

  any(pattern: string, handler: Handler): this {
    this.#routes.push({ parts: pattern.split('/'), handler });
    return this;
  }

  filter(): this {
    return this;
  }

  listen(_host: string, _port: number, _options: number, done: (socket: unknown) => void): this {
    this.#sim.at(0.1, 'server', () => {
      this.#listening = true;
      done(this);
    });
    return this;
  }

  stopListening(): void {
    this.#listening = false;
  }

  close(): this {
    this.#listening = false;
    for (const each of [...this.#open]) each.abort();
    return this;
  }

  /** The program is no more: what it had not sent is lost, and none of it hears of that. */
  vanish(): void {
    this.#listening = false;
    for (const each of this.#open) {
      each.onAbort = undefined;
      each.abort();
    }
  }

  send(request: SimRequest, remote = '127.0.0.1'): Promise<SimAnswer> {
    if (!this.#listening) return this.#sim.pause(1).then(() => ({ gone: true }));
    return new Promise((resolve) => {
      const res: SimResponse = new SimResponse(this.#sim, remote, (answer) => {
        this.#open.delete(res);
        resolve(answer);
      });
      this.#open.add(res);
      this.#sim.at(this.#sim.between(0.05, 2), 'server', () => this.#arrive(res, request));
      // Whoever is not answered goes at last: a proxy would not wait for ever, either.
      this.#sim.at(request.leavesMs ?? 600_000, 'world', () => res.abort());
    });
  }

  #arrive(res: SimResponse, request: SimRequest): void {
    if (res.over) return;
    const [path = '', query = ''] = request.path.split(/\?(.*)/s);
    const { handler, variables } = this.#route(path);
    const headers: Record<string, string> = { host: 'localhost:8080', ...request.headers };
    const body = request.body ?? Buffer.alloc(0);
    if (request.method !== 'GET') headers['content-length'] ??= String(body.length);
    handler(res, {
      getMethod: () => request.method.toLowerCase(),
      getQuery: () => query,
      getUrl: () => path,
      getParameter: (index: number) => variables[index] ?? '',
      getHeader: (name: string) => headers[name] ?? '',
      forEach: (each: (name: string, value: string) => void) => {
        for (const [name, value] of Object.entries(headers)) each(name, value);
      },
    });
    if (request.method !== 'GET') this.#feed(res, body, request);
  }

  #feed(res: SimResponse, body: Buffer, { pieces = 1, slowMs = 1 }: SimRequest): void {
    const step = Math.max(1, Math.ceil(body.length / pieces));
    let delay = 0;
    for (let at = 0; at === 0 || at < body.length; at += step) {
      const piece = body.subarray(at, at + step);
      delay += this.#sim.between(0, slowMs);
      this.#sim.at(delay, 'server', () => {
        // After its answer the rest passes unread.
        if (!res.over) res.onPiece?.(Uint8Array.from(piece).buffer, at + step >= body.length);
      });
    }
  }

  /** As uWebSockets.js: names before variables, and anything else last. */
  #route(path: string): { handler: Handler; variables: string[] } {
    const parts = path.split('/');
    let best: { handler: Handler; variables: string[]; rank: string } | undefined;
    for (const route of this.#routes) {
      const open = route.parts.at(-1) === '*';
      if (open ? route.parts.length > parts.length : route.parts.length !== parts.length) continue;
      const rank = route.parts.map((part) => (part === '*' ? '0' : part.startsWith(':') ? '1' : '2')).join('');
      const fits = route.parts.every(
        (part, i) => part === '*' || part === parts[i] || (part[0] === ':' && parts[i] !== ''),
      );
      if (!fits || (best && best.rank >= rank)) continue;
      best = { handler: route.handler, variables: parts.filter((_, i) => route.parts[i]?.startsWith(':')), rank };
    }
    if (!best) throw new Error(`no route for ${path}`);
    return best;
  }
}
