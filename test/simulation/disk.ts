/**
 * A disk below fsync(2). What programs see is a real folder; what a power cut leaves is decided here:
 *
 *   names    changes of names reach the disk in their order, as in the journal of a file system: a cut leaves a prefix of them,
 *            and everything up to the last one that a synced file or folder took part in
 *   contents what was synced is there; of what was written since, anything: all of it, none, or blocks of both
 *
 * SQLite writes by itself: of its files the log is known as far as the server has synced it, and the database, which SQLite
 * syncs before it writes over its log, is taken as it is.
 */
import fs from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What is there without anybody's doing, before this module's users replace it. */
export const real: typeof fs = { ...fs };

export interface Node {
  folder: boolean;
  /** Content that was synced last; undefined: never. */
  synced: Buffer | undefined;
  /** Content when its last name went. */
  last: Buffer | undefined;
}

type NameChange = { add: string; node: Node } | { remove: string } | { move: string; to: string };

/** Of the program alone; of the power; of the power, when nothing had reached the disk that was not synced. */
export type Cut = 'kill' | 'power' | 'worst';

const kBlock = 4096;
const kMost = 1 << 24;

export class Disk {
  readonly root: string;
  /** Nothing can be written any more. */
  full = false;
  /** It says that it has synced, and has not. */
  lies = false;
  /** Called before everything that changes it. */
  watch: (() => void) | undefined;
  readonly #chance: () => number;
  /** As programs see it, and as it is on the disk; paths below the root. */
  readonly #live: Map<string, Node>;
  readonly #durable: Map<string, Node>;
  #pending: NameChange[] = [];

  constructor(root: string, chance: () => number) {
    this.root = root;
    this.#chance = chance;
    real.mkdirSync(root, { recursive: true });
    this.#live = this.#asIs();
    this.#durable = new Map(this.#live);
  }

  /** Of a path of the system; undefined: it is somewhere else. */
  inside(path: unknown): string | undefined {
    if (typeof path !== 'string' && !(path instanceof URL)) return undefined;
    const text = path instanceof URL ? path.pathname : path;
    if (text === this.root) return '';
    return text.startsWith(`${this.root}/`) ? text.slice(this.root.length + 1).replace(/\/+$/, '') : undefined;
  }

  node(path: string): Node | undefined {
    return this.#live.get(path);
  }

  added(path: string, folder: boolean): Node {
    const known = this.#live.get(path);
    if (known) return known;
    const node: Node = { folder, synced: undefined, last: undefined };
    this.#change({ add: path, node });
    return node;
  }

  /** Another name for a file. */
  linked(path: string, node: Node): void {
    this.#change({ add: path, node });
  }

  removing(path: string): void {
    const node = this.#live.get(path);
    if (node && !node.folder) node.last = real.readFileSync(join(this.root, path));
    this.#change({ remove: path });
  }

  moving(from: string, to: string): void {
    // Made by somebody who is not known here, such as native code.
    if (!this.#live.has(from)) this.added(from, real.statSync(join(this.root, from)).isDirectory());
    if (this.#live.has(to) && from !== to) this.removing(to);
    this.#change({ move: from, to });
  }

  syncedFile(node: Node, content: Buffer): void {
    if (this.lies) return;
    node.synced = content;
    const path = pathOf(this.#live, node);
    if (path !== undefined) this.#settle((change) => touches(change, path));
  }

  syncedFolder(path: string): void {
    if (this.lies) return;
    this.#settle((change) => touches(change, path, true));
  }

  /** What the next start finds, in another folder. It may be asked again and again; with a `chance` of its own nothing else is changed by that. */
  after(cut: Cut, root: string, chance = this.#chance): Disk {
    this.#meetStrangers();
    const survivors = () => this.#survivors(chance);
    const names = { kill: () => this.#live, power: survivors, worst: () => this.#durable }[cut]();
    real.mkdirSync(root, { recursive: true });
    for (const [path, node] of [...names].sort(([a], [b]) => a.length - b.length)) {
      if (node.folder) {
        real.mkdirSync(join(root, path), { recursive: true });
        continue;
      }
      const content = this.#contentOf(node, path, cut, chance);
      real.mkdirSync(dirname(join(root, path)), { recursive: true });
      real.writeFileSync(join(root, path), content);
    }
    return new Disk(root, chance);
  }

  #change(change: NameChange): void {
    apply(this.#live, change);
    this.#pending.push(change);
  }

  /** Everything up to the last change that `last` says is on the disk. */
  #settle(last: (change: NameChange) => boolean): void {
    const count = this.#pending.findLastIndex(last) + 1;
    for (const change of this.#pending.splice(0, count)) apply(this.#durable, change);
  }

  #survivors(chance: () => number): Map<string, Node> {
    const names = new Map(this.#durable);
    const count = Math.floor(chance() * (this.#pending.length + 1));
    for (const change of this.#pending.slice(0, count)) apply(names, change);
    return names;
  }

  /** Files that SQLite or native code has made, and those it has removed. */
  #meetStrangers(): void {
    const there = this.#asIs();
    for (const [path, { folder }] of there) {
      if (!this.#live.has(path)) this.added(path, folder);
    }
    for (const path of [...this.#live.keys()]) if (!there.has(path)) this.#change({ remove: path });
  }

  #asIs(): Map<string, Node> {
    const found = new Map<string, Node>();
    for (const entry of real.readdirSync(this.root, { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath, entry.name).slice(this.root.length + 1);
      const folder = entry.isDirectory();
      const content = folder || !entry.isFile() ? undefined : real.readFileSync(join(this.root, path));
      if (folder || entry.isFile()) found.set(path, { folder, synced: content, last: undefined });
    }
    return found;
  }

  #contentOf(node: Node, path: string, cut: Cut, chance: () => number): Buffer {
    const at = pathOf(this.#live, node);
    const now = at === undefined ? (node.last ?? Buffer.alloc(0)) : real.readFileSync(join(this.root, at));
    if (cut === 'kill' || basename(path) === 'otf.sqlite') return now;
    const { synced = Buffer.alloc(0) } = node;
    if (now.equals(synced)) return now;
    if (cut === 'worst') return synced;
    const choice = chance();
    if (choice < 0.3) return now;
    if (choice < 0.6) return synced;
    return torn(synced, now, chance);
  }
}

/** Each block as it was or as it is; as long as one of the two, with nothing in blocks that never came. */
function torn(before: Buffer, now: Buffer, chance: () => number): Buffer {
  const length = chance() < 0.5 ? now.length : Math.max(before.length, Math.floor(chance() * now.length));
  const left = Buffer.alloc(Math.min(kMost, length));
  for (let at = 0; at < left.length; at += kBlock) {
    const from = chance() < 0.5 ? now : before;
    if (at < from.length) from.copy(left, at, at, Math.min(at + kBlock, left.length, from.length));
  }
  // What was synced and not written since cannot be lost.
  const same = sameUpTo(before, now);
  before.copy(left, 0, 0, Math.min(same, left.length));
  return left;
}

function sameUpTo(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  for (let at = 0; at < most; at++) if (a[at] !== b[at]) return at;
  return most;
}

function apply(names: Map<string, Node>, change: NameChange): void {
  if ('add' in change) names.set(change.add, change.node);
  else if ('remove' in change) names.delete(change.remove);
  else {
    for (const [path, node] of [...names]) {
      if (path !== change.move && !path.startsWith(`${change.move}/`)) continue;
      names.delete(path);
      names.set(change.to + path.slice(change.move.length), node);
    }
  }
}

/** Of a file: its own name. Of a folder: the names in it. */
function touches(change: NameChange, path: string, within = false): boolean {
  const named = 'add' in change ? [change.add] : 'remove' in change ? [change.remove] : [change.move, change.to];
  return named.some((name) => (within ? folderOf(name) === path : name === path));
}

function folderOf(path: string): string {
  const folder = dirname(path);
  return folder === '.' ? '' : folder;
}

function pathOf(names: ReadonlyMap<string, Node>, node: Node): string | undefined {
  for (const [path, each] of names) if (each === node) return path;
  return undefined;
}
