/**
 * Attempts: one worker has one go at one job. Its name cannot be guessed and says which job it is of, so that it opens the
 * job's files to whoever was given it, and still does after a restart of the server, which keeps no list of them.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OtfError, systemReason } from '../../errors/catalogue.js';

const kFile = 'worker.secret';
const kOwnerOnly = 0o600;
const kSecretBytes = 32;
const kMostKnown = 10_000;
const kShape = /^([0-9a-f]{16})\.([0-9a-f]{32})$/;

export class Attempts {
  readonly #secret: Buffer;
  /** To the job it is of, of the latest: each is asked for several times. */
  readonly #known = new Map<string, string>();

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  new(jobId: string): string {
    const name = randomBytes(8).toString('hex');
    const attempt = `${name}.${this.#sign(jobId, name)}`;
    this.#remember(attempt, jobId);
    return attempt;
  }

  /** Is it one of the job's? */
  isOf(jobId: string, attempt: string): boolean {
    if (this.#known.get(attempt) === jobId) return true;
    const [, name, signature] = kShape.exec(attempt) ?? [];
    if (name === undefined || signature === undefined) return false;
    const is = timingSafeEqual(Buffer.from(signature), Buffer.from(this.#sign(jobId, name)));
    if (is) this.#remember(attempt, jobId);
    return is;
  }

  #remember(attempt: string, jobId: string): void {
    this.#known.set(attempt, jobId);
    const [oldest] = this.#known.keys();
    if (this.#known.size > kMostKnown && oldest !== undefined) this.#known.delete(oldest);
  }

  #sign(jobId: string, name: string): string {
    return createHmac('sha256', this.#secret).update(`${jobId} ${name}`).digest('hex').slice(0, 32);
  }
}

/** Of a server, made with the first use of its data folder. Throws OTF_STORE_UNUSABLE. */
export function workSecret(dataDir: string): Buffer {
  const path = join(dataDir, kFile);
  let secret: Buffer;
  try {
    mkdirSync(dataDir, { recursive: true });
    if (!existsSync(path)) {
      // Whole or not at all: half a secret would be a damaged one from then on. One server at a time has the folder.
      const made = `${path}.new`;
      writeFileSync(made, randomBytes(kSecretBytes), { mode: kOwnerOnly, flush: true });
      renameSync(made, path);
    }
    secret = readWorkSecret(dataDir);
  } catch (thrown) {
    throw new OtfError('OTF_STORE_UNUSABLE', `cannot use ${path}: ${systemReason(thrown)}`, { cause: thrown });
  }
  if (secret.length === kSecretBytes) return secret;
  throw new OtfError('OTF_STORE_UNUSABLE', `${path} is damaged: remove it, and what workers hold now is run again`);
}

/** As it is there. Throws what the system says. */
export function readWorkSecret(dataDir: string): Buffer {
  return readFileSync(join(dataDir, kFile));
}

/** By which whoever can read the secret knows that the folder is the server's. */
export function shareMark(secret: Buffer): string {
  return createHmac('sha256', secret).update('share').digest('hex');
}

const kPart = 'part-';

/** In the job's folder, until it counts: no name of a file that anybody else makes. */
export function partName(attempt: string, file: string): string {
  return `${kPart}${attemptName(attempt)}-${file}`;
}

export function isPart(name: string): boolean {
  return name.startsWith(kPart);
}

/** Opens nothing: for names of files, and for people. */
export function attemptName(attempt: string): string {
  return attempt.slice(0, 16);
}
