/**
 * Pages of other origins may read answers when the configuration names them (server.cors_origins): Aladin Lite, notebooks.
 * Source: WHATWG Fetch, section 3.3 (CORS protocol). Credentials are never allowed.
 */
import { type Headers, kPlainType, type TextAnswer, text } from '../uws/exchange.js';

const kExposed =
  'Location, Retry-After, OTF-Error, ETag, Content-Disposition, Content-Length, Content-Range, Accept-Ranges';
const kMaxAgeS = 600;
/** Names of headers, as a preflight lists them. */
const kHeaderNames = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+(\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*$/;
const kMaxHeaderNames = 500;

export class Cors {
  readonly #any: boolean;
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#any = origins.includes('*');
    this.#origins = new Set(origins);
  }

  /** Off: nothing of this is in any answer. */
  get on(): boolean {
    return this.#origins.size > 0;
  }

  allows(origin: string): boolean {
    return origin !== '' && (this.#any || this.#origins.has(origin));
  }

  /** What every answer to `origin` ('' = none was sent) carries, beside its own headers. */
  added(origin: string, own: Headers): Headers {
    if (this.#any) return { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': kExposed };
    // Also where it is not allowed: a cache must not give one origin's answer to another.
    const vary = { Vary: own.Vary === undefined ? 'Origin' : `${own.Vary}, Origin` };
    if (!this.allows(origin)) return vary;
    return { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': kExposed, ...vary };
  }

  /** The answer to a preflight; undefined when the request is none, or its origin is not allowed. */
  preflight(header: (name: string) => string, methods: readonly string[]): TextAnswer | undefined {
    if (!this.allows(header('origin')) || header('access-control-request-method') === '') return undefined;
    const asked = header('access-control-request-headers');
    const sound = asked.length <= kMaxHeaderNames && kHeaderNames.test(asked);
    return text(204, kPlainType, '', {
      'Access-Control-Allow-Methods': methods.includes('GET') ? ['HEAD', ...methods].join(', ') : methods.join(', '),
      ...(sound ? { 'Access-Control-Allow-Headers': asked } : {}),
      'Access-Control-Max-Age': String(kMaxAgeS),
    });
  }
}
