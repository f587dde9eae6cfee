/**
 * Who asks? In this order: the name a trusted proxy has written into its header; an API token, as Bearer or as the password of
 * Basic (RFC 6750, RFC 7617); a JWT of the configured issuer; nobody, where nobody may ask.
 */
import { join } from 'node:path';
import { isLoopback } from '../config/addresses.js';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { OidcVerifier } from './oidc.js';
import { kUserScopes, ownerName, type Principal } from './principal.js';
import { isToken, matching } from './token.js';
import { Tokens } from './token-file.js';

/** What of a request is looked at; a request is one. */
export interface Credentials {
  /** The header as it came; '' = none. */
  readonly authorization: string;
  /** Of auth.owner_header; '' = none. */
  readonly named: string;
  /** Address of the peer. */
  readonly remote: string;
  /** It was made for this server's peer to pass on, or to a name that is not this machine's own: somebody else's. */
  readonly relayed: boolean;
}

export interface AuthParts {
  config: Pick<Config, 'auth' | 'server' | 'storage'>;
  /** The file of tokens cannot be read any more. */
  onFault: (fault: unknown) => void;
}

const kNobody: Principal = { owner: null, scopes: new Set([...kUserScopes, 'metrics'] as const) };
/** On this machine alone. */
const kAnybodyHere: Principal = { owner: null, scopes: new Set([...kUserScopes, 'metrics', 'work'] as const) };
const kReader: Principal = { owner: null, scopes: new Set(['read'] as const) };
const kExposed =
  'others can reach it, and nobody has to say who he is: make a token (cianna-otf token add NAME), set auth.oidc_issuer or ' +
  'auth.owner_header, or say auth.anonymous = true';

const kWanted = 'say who you are: this server wants a token (Authorization: Bearer TOKEN)';
const kNoneYet =
  'this server lets nobody in without a name (auth.anonymous = false) and knows no names yet: who runs it has to make a token ' +
  '(cianna-otf token add NAME), or to set auth.oidc_issuer or auth.owner_header';
const kRelayed =
  'this server is for people on its own machine, and you come from elsewhere, through a proxy: who runs it has to set ' +
  'public_url and how people say who they are (docs/operator.md), or auth.anonymous = true';

export class Authenticator {
  readonly #auth: Config['auth'];
  readonly #tokens: Tokens;
  readonly #oidc: OidcVerifier | undefined;
  readonly #local: boolean;
  readonly #proxies: ReadonlySet<string>;
  readonly #admins: ReadonlySet<string>;

  /** Throws OTF_CONFIG_INVALID, also for a server that would be open to others without anybody having said so. */
  constructor({ config, onFault }: AuthParts) {
    const { auth, server } = config;
    this.#auth = auth;
    this.#tokens = new Tokens(tokensPath(config), onFault);
    this.#oidc = auth.oidc_issuer === '' ? undefined : new OidcVerifier(auth);
    // Behind a proxy everybody comes from this machine; whoever has given it an address for others knows that.
    const seen = server.public_url === '' ? server.host : new URL(server.public_url).hostname;
    const names = [['host', server.host] as const, ['public_url', seen] as const];
    const reached = [...names, ...server.hosts.map((name) => ['hosts', name] as const)];
    const foreign = reached.find(([, name]) => !isLoopback(name));
    this.#local = foreign === undefined;
    this.#proxies = new Set(auth.trusted_proxies.map(canonical));
    this.#admins = new Set(auth.admins);
    if (foreign && !this.#isSetUp && auth.anonymous === undefined) {
      throw new OtfError('OTF_CONFIG_INVALID', `server.${foreign[0]} ${foreign[1]}: ${kExposed}`);
    }
  }

  /** How people may say who they are, and whether they have to, when they come to this server itself. */
  ways(): { anonymous: boolean; tokens: boolean; oidc: boolean } {
    const { anonymous = this.#local && !this.#isSetUp } = this.#auth;
    return { anonymous: anonymous !== false, tokens: this.#tokens.there, oidc: this.#oidc !== undefined };
  }

  /** Is there any way to say who one is? */
  get #isSetUp(): boolean {
    return this.#oidc !== undefined || this.#auth.owner_header !== '' || this.#tokens.there;
  }

  /**
   * What people without a name may do: as configured; else on this machine alone, as long as nobody has set up names. A
   * proxy before the server is on this machine, too, and those behind it are not.
   */
  #nobody(asking: Credentials): Principal | undefined {
    const here = this.#local && !asking.relayed;
    const { anonymous = here && !this.#isSetUp } = this.#auth;
    if (anonymous === 'read') return kReader;
    if (!anonymous) return undefined;
    return here ? kAnybodyHere : kNobody;
  }

  /** Throws, or rejects with, OTF_AUTH_REQUIRED, OTF_TOKEN_INVALID, OTF_AUTH_UNAVAILABLE. A promise only for a JWT that is not known. */
  identify(asking: Credentials): Principal | Promise<Principal> {
    const { authorization, named } = asking;
    const user = named === '' || !this.#proxies.has(canonical(asking.remote)) ? undefined : ownerName(named);
    if (user !== undefined) return this.#user(user);
    const token = authorization === '' ? '' : tokenOf(authorization);
    // Where there are no tokens, tools that always send something are passed over.
    if (token === '' || (this.#oidc === undefined && !this.#tokens.there)) return this.#anonymous(asking);
    if (isToken(token)) return this.#ofToken(token);
    if (this.#oidc && token.split('.').length === 3) return this.#oidc.verify(token);
    throw new OtfError('OTF_TOKEN_INVALID', 'this is no token of this server');
  }

  #user(owner: string): Principal {
    return { owner, scopes: new Set(this.#admins.has(owner) ? [...kUserScopes, 'admin'] : kUserScopes) };
  }

  #anonymous(asking: Credentials): Principal {
    const nobody = this.#nobody(asking);
    if (nobody) return nobody;
    const unset = this.#auth.anonymous === undefined ? kRelayed : kNoneYet;
    throw new OtfError('OTF_AUTH_REQUIRED', this.#isSetUp ? kWanted : unset);
  }

  #ofToken(text: string): Principal {
    const record = matching(text, this.#tokens.records());
    if (!record) throw new OtfError('OTF_TOKEN_INVALID', 'this token is unknown, or was revoked');
    const { id, owner, scopes, hash, expiresMs } = record;
    const isLate = () => expiresMs !== null && Date.now() >= expiresMs;
    if (isLate()) {
      throw new OtfError('OTF_TOKEN_INVALID', `this token expired at ${new Date(expiresMs ?? 0).toISOString()}`);
    }
    const isGood = () => this.#tokens.records().get(id)?.hash === hash && !isLate();
    return { owner, scopes: new Set(scopes), isGood };
  }
}

export function tokensPath({ auth, storage }: Pick<Config, 'auth' | 'storage'>): string {
  return auth.tokens_file === '' ? join(storage.data_dir, 'tokens.json') : auth.tokens_file;
}

/** '' = nobody: tools that were given no name send an empty one (Basic with neither user nor password). */
function tokenOf(authorization: string): string {
  const [, scheme = '', value = ''] = /^(\S+)\s+(.*)$/.exec(authorization.trim()) ?? [];
  if (/^bearer$/i.test(scheme) && value !== '') return value.trim();
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(value, 'base64').toString('utf8');
    if (pair === ':' || pair === '') return '';
    // As the password; as the name, with nothing for a password, it is what some tools can send.
    const colon = pair.indexOf(':');
    return pair.slice(colon + 1) || pair.slice(0, colon);
  }
  throw new OtfError('OTF_TOKEN_INVALID', 'the Authorization header is neither Bearer nor Basic');
}

/** ::ffff:127.0.0.1 and 127.0.0.1 are one; the server writes IPv6 addresses at length. */
function canonical(address: string): string {
  const mapped = /^(?:0{0,4}:){5}ffff:(.*)$/i.exec(address)?.[1] ?? /^::ffff:(.*)$/i.exec(address)?.[1];
  if (mapped !== undefined) {
    const words = mapped.split(':');
    if (words.length !== 2) return mapped;
    const [high = 0, low = 0] = words.map((word) => Number.parseInt(word, 16));
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  if (!address.includes(':')) return address;
  return URL.canParse(`http://[${address}]`) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
