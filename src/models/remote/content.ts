/**
 * Files by what is in them: a folder whose names are SHA-256. What is there under its name is whole and right, for it got the
 * name after it was checked; two who want the same fetch it once.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { OtfError, systemReason } from '../../errors/catalogue.js';
import { isAlive } from '../../io/alive.js';
import { sha256File } from '../../io/checksum.js';
import { forNow } from '../../io/leftovers.js';

/** Writes it to `path`; what is wrong with it is found out here. */
export type Bring = (path: string) => Promise<void>;

const kName = /^[0-9a-f]{64}$/;
const kLockStepMs = 50;
/** For whoever found the lock of one who is gone at the same moment: the last of them has it. */
const kTakenMs = 200;

export class Content {
  readonly #dir: string;
  readonly #takenMs: number;

  constructor(dir: string, takenMs = kTakenMs) {
    this.#dir = dir;
    this.#takenMs = takenMs;
  }

  /** Undefined when it is not there. */
  async path(sha256: string): Promise<string | undefined> {
    const path = join(this.#dir, sha256);
    return stat(path).then(
      () => path,
      () => undefined,
    );
  }

  /** Its path; brought now if it is not there. Throws OTF_MODEL_CHECKSUM when something else came, and what `bring` throws. */
  async get(sha256: string, bring: Bring): Promise<string> {
    await mkdir(this.#dir, { recursive: true }).catch((thrown) => {
      throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot make ${this.#dir}: ${systemReason(thrown)}`);
    });
    for (;;) {
      const there = await this.path(sha256);
      if (there) return there;
      const unlock = await this.#lock(sha256);
      if (!unlock) {
        await pause(kLockStepMs);
        continue;
      }
      try {
        return (await this.path(sha256)) ?? (await this.#bring(sha256, bring));
      } finally {
        unlock();
      }
    }
  }

  async #bring(sha256: string, bring: Bring): Promise<string> {
    const part = join(this.#dir, `${sha256}.${randomBytes(4).toString('hex')}.part`);
    const isGone = forNow(part);
    try {
      await bring(part);
      const found = await sha256File(part);
      if (found !== sha256) throw wrong(`what came`, found, sha256);
      // Nobody changes it by mistake through a link.
      await chmod(part, 0o444);
      const path = join(this.#dir, sha256);
      await rename(part, path);
      return path;
    } finally {
      await rm(part, { force: true });
      isGone();
    }
  }

  /** Undefined while somebody else has it. The lock of one who is gone is replaced, never removed: others may be about to do the same. */
  async #lock(sha256: string): Promise<(() => void) | undefined> {
    const path = join(this.#dir, `${sha256}.lock`);
    const token = randomBytes(8).toString('hex');
    const mine = `${process.pid} ${token}`;
    const unlock = () => {
      if (textOf(path) === mine) rmSync(path, { force: true });
    };
    try {
      const descriptor = openSync(path, 'wx', 0o600);
      writeSync(descriptor, mine);
      closeSync(descriptor);
      return unlock;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, thrown);
    }
    if (isHeld(path)) return undefined;
    const own = `${path}.${token}`;
    try {
      writeFileSync(own, mine, { mode: 0o600 });
      renameSync(own, path);
    } catch (thrown) {
      rmSync(own, { force: true });
      throw unwritable(path, thrown);
    }
    await pause(this.#takenMs);
    return textOf(path) === mine ? unlock : undefined;
  }

  /** Everything that is there, and what is wrong with it. */
  async verify(): Promise<{ sha256: string; fault?: OtfError }[]> {
    const names = (await readdir(this.#dir).catch(() => [])).filter((name) => kName.test(name)).sort();
    const verdicts: { sha256: string; fault?: OtfError }[] = [];
    for (const sha256 of names) {
      const path = join(this.#dir, sha256);
      const found = await sha256File(path);
      verdicts.push(found === sha256 ? { sha256 } : { sha256, fault: wrong(path, found, sha256) });
    }
    return verdicts;
  }
}

/** Its maker writes his number at once: an empty one has just been made. One that has just gone is nobody's to replace. */
function isHeld(path: string): boolean {
  const text = textOf(path);
  if (text === undefined) return true;
  return text === '' || isAlive(Number.parseInt(text, 10));
}

/** Undefined: it is not there. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function unwritable(path: string, thrown: unknown): OtfError {
  return new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${path}: ${systemReason(thrown)}`);
}

function wrong(what: string, found: string, wanted: string): OtfError {
  const both = `sha256 ${found.slice(0, 12)}..., not ${wanted.slice(0, 12)}...`;
  return new OtfError('OTF_MODEL_CHECKSUM', `${what} has ${both}: it is damaged or not what the index says`);
}
