/**
 * Files that can be made again, up to a limit, and as long as the disk has room for what cannot: the one used longest ago
 * goes first. What an earlier run of the program left is removed at the start.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface CachedFile {
  path: string;
  size: number;
}

interface Entry {
  /** While it is made, and when it is there. */
  file: Promise<CachedFile>;
  /** 0 while it is made. */
  size: number;
  /** Whoever works with it now: it stays until they have done. */
  users: number;
  path: string;
}

export class FileCache {
  readonly #dir: string;
  readonly #limitBytes: number;
  /** By name, the one used longest ago first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  /** A file's name is used once: what is being removed is in nobody's way. */
  #count = 0;
  readonly #isRoom: () => boolean;

  /** `isRoom`: nobody else needs the disk. */
  constructor(dir: string, limitBytes: number, isRoom: () => boolean = () => true) {
    this.#dir = dir;
    this.#limitBytes = limitBytes;
    this.#isRoom = isRoom;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  /** Removes everything there is. */
  async open(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true });
  }

  /**
   * The file of this name (of ours: GROUP/NAME), made if it is not there; several who want it wait for one. It is not removed
   * before `work` has ended. `make` writes the path and gives the size; when it throws nothing is left.
   */
  async use<T>(
    name: string,
    make: (path: string) => Promise<number>,
    work: (file: CachedFile) => T | Promise<T>,
  ): Promise<T> {
    const entry = this.#entries.get(name) ?? this.#begin(name, make);
    // To the end of the line.
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    entry.users++;
    try {
      return await work(await entry.file);
    } finally {
      entry.users--;
      if (this.#entries.get(name) !== entry) await this.#drop(entry);
      await this.shrink();
    }
  }

  /** To what may be kept. */
  async shrink(): Promise<void> {
    for (const [name, { users }] of this.#entries) {
      if (this.#bytes <= this.#limitBytes && this.#isRoom()) return;
      if (users === 0) await this.#remove(name);
    }
  }

  /** Everything of a group: nobody gets it any more, and it is removed as soon as nobody works with it. */
  async forget(group: string): Promise<void> {
    const names = [...this.#entries.keys()].filter((name) => name.startsWith(`${group}/`));
    await Promise.all(names.map((name) => this.#remove(name)));
  }

  #begin(name: string, make: (path: string) => Promise<number>): Entry {
    const path = join(this.#dir, String(++this.#count));
    const made = async (): Promise<CachedFile> => {
      try {
        entry.size = await make(path);
        this.#bytes += entry.size;
        return { path, size: entry.size };
      } catch (thrown) {
        if (this.#entries.get(name) === entry) this.#entries.delete(name);
        await rm(path, { force: true });
        throw thrown;
      }
    };
    const entry: Entry = { file: Promise.resolve({ path, size: 0 }), size: 0, users: 0, path };
    entry.file = made();
    return entry;
  }

  async #remove(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    if (entry) await this.#drop(entry);
  }

  /** One that has left the list. */
  async #drop(entry: Entry): Promise<void> {
    if (entry.users > 0) return;
    this.#bytes -= entry.size;
    entry.size = 0;
    await rm(entry.path, { force: true });
  }
}
