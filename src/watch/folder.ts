/**
 * New files of a folder and those below it. They are looked for again and again: network file systems tell nobody of what
 * others write. A file counts when it was the same twice, so that one that is being written is left alone.
 */
import { opendir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { isImageName } from '../fetch/image-names.js';
import type { Seen, Source } from './source.js';

const kMostDepth = 32;
/** Stands for bytes of a name that are no UTF-8: the file cannot be found by it. */
const kNoUtf8 = '\ufffd';

export class FolderSource implements Source {
  readonly label: string;
  readonly #dir: string;
  readonly #settleMs: number;
  readonly #say: (line: string) => void;
  /** Were told of. */
  readonly #nameless = new Set<string>();
  /** By path: how it was, and since when. */
  #known = new Map<string, { version: string; sinceMs: number; told: boolean }>();

  constructor(dir: string, settleMs: number, say: (line: string) => void) {
    this.#say = say;
    this.#dir = resolve(dir);
    this.#settleMs = settleMs;
    this.label = this.#dir;
  }

  async *present(): AsyncIterable<string> {
    const there = new Map<string, string>();
    await this.#look(this.#dir, there, 0);
    for (const [path, version] of there) yield this.#key(path, version);
  }

  /** A file that changes is another one. */
  #key(path: string, version: string): string {
    return `${relative(this.#dir, path)} ${version}`;
  }

  async *objects(signal: AbortSignal): AsyncIterable<Seen> {
    for (;;) {
      const now = performance.now();
      const there = new Map<string, string>();
      await this.#look(this.#dir, there, 0);
      const before = this.#known;
      this.#known = new Map();
      for (const [path, version] of [...there].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const known = before.get(path);
        const same = known?.version === version ? known : { version, sinceMs: now, told: false };
        this.#known.set(path, same);
        if (same.told || (known === undefined && this.#settleMs > 0) || now - same.sinceMs < this.#settleMs) continue;
        same.told = true;
        yield { key: this.#key(path, version), input: path, name: basename(path) };
        if (signal.aborted) return;
      }
      await pause(Math.max(200, this.#settleMs / 2), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  async #look(dir: string, into: Map<string, string>, depth: number): Promise<void> {
    try {
      for await (const entry of await opendir(dir)) {
        const path = join(dir, entry.name);
        if (entry.isDirectory() && !entry.name.startsWith('.') && depth < kMostDepth)
          await this.#look(path, into, depth + 1);
        else if (isImageName(entry.name)) {
          // Gone again, or a link to nothing.
          const found = await stat(path).catch(() => undefined);
          if (found?.isFile() && found.size > 0) into.set(path, `${found.size} ${found.mtimeMs}`);
          else if (!found && path.includes(kNoUtf8)) this.#tellNameless(path);
        }
      }
    } catch (thrown) {
      // A folder below may have been removed meanwhile.
      if (depth > 0) return;
      throw new OtfError('OTF_INPUT_UNREADABLE', `cannot read ${dir}: ${systemReason(thrown)}`);
    }
  }

  #tellNameless(path: string): void {
    if (this.#nameless.has(path)) return;
    this.#nameless.add(path);
    this.#say(`${path}: passed over, for its name is not UTF-8: rename it`);
  }
}
