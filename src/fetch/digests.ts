/** Checksums of what is fetched, all at once as it comes: those asked for, and SHA-256. */
import { createHash, type Hash } from 'node:crypto';

export const kDigests = ['sha256', 'md5', 'adler32'] as const;
export type DigestName = (typeof kDigests)[number];
/** Lower-case hexadecimal. */
export type Digests = Readonly<Partial<Record<DigestName, string>>>;

/** Hexadecimal digits of each. */
export const kDigestDigits: Readonly<Record<DigestName, number>> = { sha256: 64, md5: 32, adler32: 8 };

export class Summing {
  readonly #hashes: Map<DigestName, Hash | Adler32>;

  constructor(names: Iterable<DigestName>) {
    this.#hashes = new Map();
    for (const name of names) this.#hashes.set(name, name === 'adler32' ? new Adler32() : createHash(name));
  }

  update(bytes: Buffer): void {
    for (const hash of this.#hashes.values()) hash.update(bytes);
  }

  /** Once. */
  end(): Digests {
    return Object.fromEntries([...this.#hashes].map(([name, hash]) => [name, hash.digest('hex')]));
  }
}

/** RFC 1950, section 8.2; what WLCG sites keep of their files. */
class Adler32 {
  #a = 1;
  #b = 0;

  update(bytes: Buffer): void {
    // Most sums that stay below 2^32 before they are reduced (RFC 1950: NMAX).
    const most = 5552;
    for (let from = 0; from < bytes.length; from += most) {
      const to = Math.min(from + most, bytes.length);
      for (let index = from; index < to; index++) {
        this.#a += bytes[index] ?? 0;
        this.#b += this.#a;
      }
      this.#a %= 65521;
      this.#b %= 65521;
    }
  }

  digest(_: 'hex'): string {
    return (this.#b * 65536 + this.#a).toString(16).padStart(8, '0');
  }
}

/** Of a Digest header (RFC 3230): those that are known, in hexadecimal. */
export function readDigestHeader(header: string | undefined): Digests {
  const found: [DigestName, string][] = [];
  for (const part of (header ?? '').split(',')) {
    const [, label = '', value = ''] = /^\s*([A-Za-z0-9-]+)=(\S+)\s*$/.exec(part) ?? [];
    const name = kHeaderNames.get(label.toLowerCase());
    if (name === undefined) continue;
    // ADLER32 is written in hexadecimal there, the others in base64.
    const hex =
      name === 'adler32' ? value.toLowerCase().padStart(8, '0') : Buffer.from(value, 'base64').toString('hex');
    if (/^[0-9a-f]+$/.test(hex) && hex.length === kDigestDigits[name]) found.push([name, hex]);
  }
  return Object.fromEntries(found);
}

const kHeaderNames = new Map<string, DigestName>([
  ['sha-256', 'sha256'],
  ['md5', 'md5'],
  ['adler32', 'adler32'],
]);
