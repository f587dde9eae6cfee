/** The file of API tokens: hashes only, for its user alone, written whole. The server sees a change within half a second. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { forNow } from '../io/leftovers.js';
import { writeFileAtomically } from '../io/write.js';
import { kScopes } from './principal.js';
import type { TokenRecord } from './token.js';

const kFile = z.strictObject({
  version: z.literal(1),
  tokens: z.array(
    z.strictObject({
      id: z.string().regex(/^[0-9a-f]{12}$/),
      owner: z.string().min(1),
      scopes: z.array(z.enum(kScopes)).min(1),
      hash: z.string().regex(/^[0-9a-f]{64}$/),
      createdMs: z.number(),
      expiresMs: z.number().nullable(),
      note: z.string(),
    }),
  ),
});

const kOwnerOnly = 0o600;
const kLookedAtMs = 500;
const kLockMs = 5000;
const kLockStepMs = 20;

/** Undefined = there is no such file. Throws OTF_CONFIG_INVALID when it is none of ours. */
export function readTokens(path: string): TokenRecord[] | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new OtfError('OTF_CONFIG_INVALID', `cannot read the tokens ${path}: ${systemReason(thrown)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new OtfError('OTF_CONFIG_INVALID', `${path} is no file of tokens: it is no JSON`);
  }
  const checked = kFile.safeParse(value);
  if (checked.success) return checked.data.tokens;
  const issue = checked.error.issues[0];
  throw new OtfError('OTF_CONFIG_INVALID', `${path} is no file of tokens: ${issue?.path.join('.')} ${issue?.message}`);
}

/** One at a time, whoever else changes it. Gives what `change` gives. */
export async function changeTokens<T>(path: string, change: (tokens: TokenRecord[]) => T): Promise<T> {
  await mkdir(dirname(path), { recursive: true }).catch((thrown) => {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot make ${dirname(path)}: ${systemReason(thrown)}`);
  });
  const unlock = await lock(`${path}.lock`);
  try {
    const tokens = readTokens(path) ?? [];
    const result = change(tokens);
    const text = `${JSON.stringify({ version: 1, tokens }, null, 2)}\n`;
    await writeFileAtomically(path, [text], kOwnerOnly, ownerOf(path));
    return result;
  } finally {
    unlock();
  }
}

/** Root writes for the server, whose file it stays: one of root's own would lock out everybody, the server with them. */
function ownerOf(path: string): { uid: number; gid: number } | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  return statSync(path, { throwIfNoEntry: false }) ?? statSync(dirname(path));
}

/** open(2), O_EXCL: whoever makes the file has the lock. */
async function lock(path: string): Promise<() => void> {
  for (const untilMs = performance.now() + kLockMs; ; await pause(kLockStepMs)) {
    try {
      await (await open(path, 'wx', kOwnerOnly)).close();
      const isGone = forNow(path);
      return () => {
        rmSync(path, { force: true });
        isGone();
      };
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: ${systemReason(thrown)}`);
      }
      if (performance.now() > untilMs) {
        throw new OtfError('OTF_OUTPUT_UNWRITABLE', `somebody else changes the tokens; if nobody does, remove ${path}`);
      }
    }
  }
}

/** The tokens as they are now. A file that cannot be read any more holds none: nobody gets in by damaging it. */
export class Tokens {
  readonly #path: string;
  readonly #onFault: (fault: unknown) => void;
  #records: ReadonlyMap<string, TokenRecord> = new Map();
  #there = false;
  #seen = '';
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** Throws OTF_CONFIG_INVALID when the file is there and none of ours. */
  constructor(path: string, onFault: (fault: unknown) => void) {
    this.#path = path;
    this.#onFault = onFault;
    this.#seen = this.#stamp();
    this.#take(readTokens(path));
  }

  /** Has anybody ever made one? Revoking the last does not open the door again. */
  get there(): boolean {
    this.#look();
    return this.#there;
  }

  records(): ReadonlyMap<string, TokenRecord> {
    this.#look();
    return this.#records;
  }

  #look(): void {
    const now = performance.now();
    if (now - this.#lookedMs < kLookedAtMs) return;
    this.#lookedMs = now;
    const stamp = this.#stamp();
    if (stamp === this.#seen) return;
    this.#seen = stamp;
    try {
      this.#take(readTokens(this.#path));
    } catch (thrown) {
      this.#records = new Map();
      this.#onFault(thrown);
    }
  }

  #take(tokens: TokenRecord[] | undefined): void {
    this.#there ||= tokens !== undefined;
    this.#records = new Map((tokens ?? []).map((token) => [token.id, token]));
  }

  #stamp(): string {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeMs}`;
  }
}
