/**
 * OpenID Connect: bearer tokens in JWT that a configured issuer has signed (OpenID Connect Core 1.0; RFC 7519, RFC 9068).
 * Keys are the issuer's own (OpenID Connect Discovery 1.0), fetched when they are needed and kept for a while; what was found
 * good is remembered for a minute.
 */
import { createHash } from 'node:crypto';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { isTrustedAddress } from '../config/addresses.js';
import type { Config } from '../config/schema.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { kUserScopes, ownerName, type Principal, type Scope } from './principal.js';

/** Signatures with keys only their maker has (RFC 7518, section 3.1; RFC 8037). Never `none`, never a shared key. */
const kAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const kClockToleranceS = 30;
const kFetchMs = 5000;
const kRememberedMs = 60_000;
const kRemembered = 1000;
const kMostAtOnce = 64;
/** A real one has one or two kilobytes. */
const kMaxChars = 16_384;
const kMaxDiscoveryBytes = 1 << 18;

type Settings = Pick<
  Config['auth'],
  'oidc_issuer' | 'oidc_audience' | 'oidc_owner_claim' | 'oidc_groups_claim' | 'oidc_admin_group' | 'admins'
>;

export class OidcVerifier {
  readonly #settings: Settings;
  readonly #known = new Map<string, { principal: Principal; untilMs: number }>();
  #keys: Promise<JWTVerifyGetKey> | undefined;
  #underWay = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Rejects with OTF_TOKEN_INVALID, or OTF_AUTH_UNAVAILABLE when the issuer cannot be asked. At once for one that is known. */
  verify(token: string): Principal | Promise<Principal> {
    const digest = createHash('sha256').update(token).digest('hex');
    const known = this.#known.get(digest);
    if (known && Date.now() < known.untilMs) return known.principal;
    return this.#verify(token, digest);
  }

  async #verify(token: string, digest: string): Promise<Principal> {
    if (token.length > kMaxChars) throw invalid('it is too long');
    if (this.#underWay >= kMostAtOnce) throw unavailable('too many tokens are being looked at');
    this.#underWay++;
    try {
      const payload = await this.#payload(token);
      const principal = this.#principal(payload);
      const untilMs = Math.min(Date.now() + kRememberedMs, (payload.exp ?? 0) * 1000);
      this.#known.set(digest, { principal, untilMs });
      const [oldest] = this.#known.keys();
      if (this.#known.size > kRemembered && oldest !== undefined) this.#known.delete(oldest);
      return principal;
    } finally {
      this.#underWay--;
    }
  }

  async #payload(token: string): Promise<JWTPayload> {
    // Loaded where it is used only.
    const { errors, jwtVerify } = await import('jose');
    this.#keys ??= this.#discover();
    const keys = await this.#keys.catch((thrown) => {
      // Asked again with the next token.
      this.#keys = undefined;
      throw thrown;
    });
    const { oidc_issuer: issuer, oidc_audience: audience } = this.#settings;
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: kAlgorithms,
        clockTolerance: kClockToleranceS,
        requiredClaims: ['exp', 'iss', 'aud', 'sub'],
      });
      return payload;
    } catch (thrown) {
      if (thrown instanceof errors.JWTExpired) throw invalid('it has expired');
      if (thrown instanceof errors.JWKSTimeout) throw unavailable('it does not answer');
      const ours = thrown instanceof errors.JOSEError && thrown.code !== 'ERR_JOSE_GENERIC';
      if (!ours) throw unavailable(systemReason(thrown));
      throw invalid(thrown.message.replace(/\s+/g, ' ').slice(0, 120));
    }
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    const { createRemoteJWKSet } = await import('jose');
    const { oidc_issuer: issuer } = this.#settings;
    const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    let found: { issuer?: unknown; jwks_uri?: unknown };
    try {
      const answer = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(kFetchMs) });
      if (!answer.ok) throw new Error(`it answered ${answer.status}`);
      const text = await answer.text();
      if (text.length > kMaxDiscoveryBytes) throw new Error('its configuration is too long');
      found = JSON.parse(text) as typeof found;
    } catch (thrown) {
      throw unavailable(systemReason(thrown));
    }
    // Discovery 1.0, section 4.3: else it speaks for somebody else.
    if (found.issuer !== issuer) throw unavailable('its configuration names another issuer');
    const keys = String(found.jwks_uri ?? '');
    if (!isTrustedAddress(keys)) throw unavailable('its keys are at no https address');
    return createRemoteJWKSet(new URL(keys), { timeoutDuration: kFetchMs });
  }

  #principal(payload: JWTPayload): Principal {
    const { oidc_owner_claim, oidc_groups_claim, oidc_admin_group, admins } = this.#settings;
    const claim = payload[oidc_owner_claim];
    const owner = typeof claim === 'string' ? ownerName(claim) : undefined;
    if (owner === undefined) throw invalid(`its claim "${oidc_owner_claim}" names nobody`);
    const groups = payload[oidc_groups_claim];
    const leads = oidc_admin_group !== '' && Array.isArray(groups) && groups.includes(oidc_admin_group);
    const scopes: readonly Scope[] = leads || admins.includes(owner) ? [...kUserScopes, 'admin'] : kUserScopes;
    const endMs = ((payload.exp ?? 0) + kClockToleranceS) * 1000;
    return { owner, scopes: new Set(scopes), isGood: () => Date.now() < endMs };
  }
}

function invalid(why: string): OtfError {
  return new OtfError('OTF_TOKEN_INVALID', `this token is not accepted: ${why}`);
}

function unavailable(why: string): OtfError {
  return new OtfError('OTF_AUTH_UNAVAILABLE', `tokens cannot be checked now, the issuer cannot be asked: ${why}`);
}
