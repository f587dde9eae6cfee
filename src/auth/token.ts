/**
 * API tokens: `otf_<id>_<secret>`. The id is public, the secret 256 random bits; what is kept is its SHA-256, which for
 * something that cannot be guessed needs neither salt nor slowness (NIST SP 800-63B, section 5.1.2.2, look-up secrets).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Scope } from './principal.js';

export interface TokenRecord {
  id: string;
  owner: string;
  scopes: Scope[];
  /** SHA-256 of the secret, hexadecimal. */
  hash: string;
  /** Milliseconds since 1970. */
  createdMs: number;
  /** null = never. */
  expiresMs: number | null;
  note: string;
}

const kToken = /^otf_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

export function newToken(): { text: string; id: string; hash: string } {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { text: `otf_${id}_${secret}`, id, hash: digest(secret).toString('hex') };
}

/** By its looks. */
export function isToken(text: string): boolean {
  return kToken.test(text);
}

const kNobody = digest('');

/** The record the token is of; undefined = none. An unknown id takes as long as a wrong secret. */
export function matching(text: string, records: ReadonlyMap<string, TokenRecord>): TokenRecord | undefined {
  const [, id = '', secret = ''] = kToken.exec(text) ?? [];
  const record = records.get(id);
  const wanted = record === undefined ? kNobody : Buffer.from(record.hash, 'hex');
  const given = digest(secret);
  return wanted.length === given.length && timingSafeEqual(wanted, given) ? record : undefined;
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
