/**
 * Requests a browser makes for somebody else's page. A server on this machine is within reach of every page its user
 * looks at: by its address (Origin, Sec-Fetch-Site: RFC 6454, W3C Fetch Metadata) and by a name whose owner lets it
 * resolve to us (Host: DNS rebinding). Programs send neither header of the first kind, and the address they were given.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { isLoopback } from '../config/addresses.js';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import type { Cors } from './cors.js';

/** What of a request is looked at. */
export interface Caller {
  readonly method: string;
  header: (name: string) => string;
}

const kAny = '*';
/** Those that change nothing: what they give is kept from other pages by the browser. */
const kSafe = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Host headers seen to be fine, so that most requests cost one look. Any port of an address is fine: so it is bounded. */
const kKept = 64;

export class Trust {
  readonly #hosts: ReadonlySet<string>;
  readonly #own: string | undefined;
  readonly #cors: Cors;
  readonly #known = new Set<string>();

  constructor({ server }: Config, cors: Cors) {
    const own = server.public_url === '' ? undefined : new URL(server.public_url);
    const names = ['localhost', server.host, hostname(), ...server.hosts, ...(own ? [own.hostname] : [])];
    this.#hosts = new Set(names.map((name) => name.toLowerCase()));
    this.#own = own?.origin;
    this.#cors = cors;
  }

  /** Undefined = go on. OTF_HOST_UNKNOWN, OTF_ORIGIN_REFUSED. */
  refusal(caller: Caller): OtfError | undefined {
    const host = caller.header('host');
    if (!this.#knows(host)) {
      const name = /^[\w.:[\]-]{1,100}$/.test(host) ? `"${host}"` : 'that';
      return new OtfError('OTF_HOST_UNKNOWN', `this server is not called ${name}: server.hosts has its further names`);
    }
    if (kSafe.has(caller.method)) return undefined;
    const origin = caller.header('origin');
    if (origin !== '') return this.#isOwn(origin, host) ? undefined : refused(origin);
    const site = caller.header('sec-fetch-site');
    return site === 'cross-site' || site === 'same-site' ? refused(site) : undefined;
  }

  /** No header: no browser. An address is nobody's to point elsewhere. */
  #knows(host: string): boolean {
    if (host === '' || this.#known.has(host)) return true;
    const name = nameOf(host);
    if (!this.#hosts.has(kAny) && !this.#hosts.has(name) && isIP(name) === 0) return false;
    if (this.#known.size < kKept) this.#known.add(host);
    return true;
  }

  /** A proxy may speak TLS for us: only the host can be compared. */
  #isOwn(origin: string, host: string): boolean {
    if (origin === this.#own || this.#cors.allows(origin)) return true;
    return URL.canParse(origin) && host !== '' && new URL(origin).host === host.toLowerCase();
  }
}

/** Most requests are to one name. */
let lastHost = { header: '', loopback: true };

/** Is this Host header a name of this machine that only this machine can use? '' = there is none. */
export function isLoopbackHost(header: string): boolean {
  if (header !== lastHost.header) lastHost = { header, loopback: header === '' || isLoopback(nameOf(header)) };
  return lastHost.loopback;
}

/** Of a Host header: lower case, without port and brackets. */
function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

function refused(who: string): OtfError {
  const name = who.slice(0, 100);
  return new OtfError(
    'OTF_ORIGIN_REFUSED',
    `pages of "${name}" may not do this: server.cors_origins has those that may`,
  );
}
