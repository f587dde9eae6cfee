/**
 * Files as programs ask for them: done on the disk of the history, at once for who waits in its own thread, after a while for
 * others, and refused when the disk is full or broken. Files elsewhere (models, the program) are only waited for.
 */
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Disk, type Node, real } from './disk.js';
import { SimHandle } from './handle.js';
import type { Sim } from './sim.js';

export interface Faults {
  /** Of writes, syncs and changes of names. */
  ioErrors: number;
  /** Of writes that take less than they were given. */
  shortWrites: number;
  /** What a sync takes at most. */
  syncMs: number;
}

export interface Scene {
  sim: Sim;
  disk: Disk;
  faults: Faults;
}

type Path = string;
type Any = (...args: never[]) => unknown;

/** Descriptors of files on the disk. */
const open = new Map<number, { node: Node; path: string }>();

export function systemError(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated, ${what}`), { code, syscall: what });
}

/** Throws what such a disk says to a write or a change of names. `makes`: it needs room. */
function guard({ sim, disk, faults }: Scene, what: string, makes: boolean): void {
  disk.watch?.();
  if (makes && disk.full) throw systemError('ENOSPC', what);
  if (faults.ioErrors > 0 && sim.chance(faults.ioErrors)) {
    sim.note(`EIO ${what}`);
    throw systemError('EIO', what);
  }
}

function syncs(scene: () => Scene, begun: () => boolean) {
  const at = (path: unknown) => (begun() ? scene().disk.inside(path) : undefined);
  const within = (path: unknown) => at(path) !== undefined;
  const removeAll = (path: string) => {
    const rel = at(path);
    if (rel === undefined) return;
    const found = real.lstatSync(path, { throwIfNoEntry: false });
    if (!found) return;
    if (found.isDirectory()) {
      for (const name of real.readdirSync(path)) removeAll(join(path, name));
      scene().disk.removing(rel);
      real.rmdirSync(path);
    } else {
      scene().disk.removing(rel);
      real.unlinkSync(path);
    }
  };
  const syncDescriptor = (fd: number, what: string) => {
    const known = open.get(fd);
    if (!known) return;
    guard(scene(), what, false);
    if (known.node.folder) scene().disk.syncedFolder(known.path);
    else scene().disk.syncedFile(known.node, real.readFileSync(`/proc/self/fd/${fd}`));
  };
  const wholly = (path: Path, data: string | Uint8Array, flag: string, options: unknown) => {
    const rel = at(path);
    const { mode, flush = false } = (typeof options === 'object' && options) as { mode?: number; flush?: boolean };
    const write = (piece: string | Uint8Array) =>
      real.writeFileSync(path, piece, { flag, ...(mode === undefined ? {} : { mode }) });
    if (rel === undefined) return write(data);
    const bytes = Buffer.from(data as string);
    if (flag === 'wx' && real.existsSync(path)) throw systemError('EEXIST', 'open');
    guard(scene(), 'open', !real.existsSync(path));
    try {
      guard(scene(), 'write', bytes.length > 0);
    } catch (thrown) {
      write(bytes.subarray(0, Math.floor(scene().sim.random() * bytes.length)));
      scene().disk.added(rel, false);
      throw thrown;
    }
    write(bytes);
    const node = scene().disk.added(rel, false);
    if (flush) scene().disk.syncedFile(node, real.readFileSync(path));
  };
  const calls = {
    openSync(path: Path, flags: string | number = 'r', mode?: number) {
      const rel = at(path);
      if (rel === undefined) return real.openSync(path, flags, mode);
      const writes = typeof flags === 'number' ? (flags & 3) !== 0 : /[wa+]/.test(flags);
      if (writes) guard(scene(), 'open', !real.existsSync(path));
      const fd = real.openSync(path, flags, mode);
      const folder = !writes && real.fstatSync(fd).isDirectory();
      open.set(fd, { node: scene().disk.added(rel, folder), path: rel });
      return fd;
    },
    closeSync(fd: number) {
      open.delete(fd);
      real.closeSync(fd);
    },
    writeSync(fd: number, data: Uint8Array, offset = 0, length = data.length - offset, position: number | null = null) {
      if (!open.has(fd)) return real.writeSync(fd, data, offset, length, position);
      guard(scene(), 'write', true);
      const { sim, faults } = scene();
      const less = length > 1 && sim.chance(faults.shortWrites);
      return real.writeSync(fd, data, offset, less ? 1 + Math.floor(sim.random() * (length - 1)) : length, position);
    },
    writevSync(fd: number, pieces: readonly Uint8Array[], position?: number): number {
      const all = Buffer.concat(pieces);
      return calls.writeSync(fd, all, 0, all.length, position ?? null);
    },
    fsyncSync: (fd: number) => syncDescriptor(fd, 'fsync'),
    fdatasyncSync: (fd: number) => syncDescriptor(fd, 'fdatasync'),
    writeFileSync: (path: Path | number, data: string | Uint8Array, options?: unknown) => {
      if (typeof path === 'number') return real.writeFileSync(path, data, options as never);
      return wholly(path, data, (options as { flag?: string } | undefined)?.flag ?? 'w', options);
    },
    appendFileSync: (path: Path, data: string | Uint8Array, options?: unknown) => wholly(path, data, 'a', options),
    renameSync(from: Path, to: Path) {
      const [a, b] = [at(from), at(to)];
      if (a !== undefined && b !== undefined) {
        guard(scene(), 'rename', false);
        if (!real.existsSync(from)) throw systemError('ENOENT', 'rename');
        scene().disk.moving(a, b);
      }
      real.renameSync(from, to);
    },
    mkdirSync(path: Path, options?: { recursive?: boolean; mode?: number }): string | undefined {
      const rel = at(path);
      if (rel !== undefined && !real.existsSync(path)) {
        guard(scene(), 'mkdir', true);
        if (options?.recursive && rel !== '') calls.mkdirSync(join(path, '..'), options);
      }
      const made = real.mkdirSync(path, options);
      if (rel !== undefined && rel !== '') scene().disk.added(rel, true);
      return made;
    },
    rmSync(path: Path, options: { recursive?: boolean; force?: boolean } = {}) {
      if (!within(path)) return real.rmSync(path, options);
      if (!real.existsSync(path)) {
        if (options.force) return;
        throw systemError('ENOENT', 'rm');
      }
      guard(scene(), 'rm', false);
      removeAll(path);
    },
    unlinkSync(path: Path) {
      if (!within(path)) return real.unlinkSync(path);
      guard(scene(), 'unlink', false);
      real.accessSync(path);
      removeAll(path);
    },
    linkSync(from: Path, to: Path) {
      const [a, b] = [at(from), at(to)];
      if (b !== undefined) guard(scene(), 'link', true);
      real.linkSync(from, to);
      const node = a === undefined ? undefined : scene().disk.node(a);
      if (b !== undefined && node) scene().disk.linked(b, node);
      else if (b !== undefined) scene().disk.added(b, false);
    },
    statfsSync(path: Path) {
      const found = real.statfsSync(path);
      if (!within(path)) return found;
      // How much room this machine has is no business of a history.
      const blocks = scene().disk.full ? 0 : 1 << 24;
      return Object.assign(found, { bavail: blocks, bfree: blocks, blocks: 1 << 25, bsize: 4096 });
    },
  };
  return calls;
}

/** Those that only look, or change what is no name and no content. */
const kPlain = ['readdir', 'readFile', 'stat', 'lstat', 'access', 'realpath', 'chmod', 'copyFile', 'mkdtemp'] as const;
const kChanging = ['rename', 'rm', 'mkdir', 'writeFile', 'appendFile', 'link', 'unlink', 'statfs'] as const;

/** `begun`: there is a history; before it, files are those of this machine. */
export function installFiles(scene: () => Scene, begun: () => boolean): void {
  const changed = syncs(scene, begun);
  Object.assign(fs, changed);
  const now = fs as unknown as Record<string, Any>;
  const require = createRequire(import.meta.url);
  const before = { ...(require('node:fs/promises') as Record<string, Any>) };
  const promises: Record<string, unknown> = {};
  for (const name of [...kPlain, ...kChanging]) {
    const work = now[`${name}Sync`] as Any;
    promises[name] = (...args: unknown[]) => {
      // Modules are loaded by their addresses, outside of any history.
      if (!begun() || args[0] instanceof URL) return before[name]?.(...(args as never[]));
      return scene().sim.io(() => work.apply(now, args as never[]));
    };
  }
  promises.open = (path: Path, flags = 'r', mode?: number) =>
    scene().sim.io(() => new SimHandle(scene, fs.openSync(path, flags, mode)));
  promises.opendir = (path: Path) =>
    scene().sim.io(() => {
      const entries = fs.readdirSync(path, { withFileTypes: true });
      const each = async function* () {
        for (const entry of entries) yield await scene().sim.io(() => entry, 0.1);
      };
      return Object.assign(each(), { close: async () => undefined });
    });
  Object.assign(require('node:fs/promises') as object, promises);
  Object.assign(fs, callbacks(scene, begun));
  syncBuiltinESMExports();
}

type Done = (error: unknown, ...values: unknown[]) => void;

/** With a callback at their end; streams of files use some. */
function callbacks(scene: () => Scene, begun: () => boolean): Record<string, unknown> {
  const now = fs as unknown as Record<string, Any>;
  const before = { ...now };
  const of =
    (name: string, beside: (args: unknown[]) => unknown[] = () => []) =>
    (...args: unknown[]) => {
      if (!begun()) {
        before[name]?.(...(args as never[]));
        return;
      }
      const done = args.pop() as Done;
      const { sim, faults } = scene();
      sim
        .io(() => now[`${name}Sync`]?.apply(now, args as never[]), name.endsWith('sync') ? faults.syncMs : undefined)
        .then(
          (value) => done(null, value, ...beside(args)),
          (thrown) => done(thrown),
        );
    };
  const writev = of('writev', ([, pieces]) => [pieces]);
  Object.defineProperty(writev, promisify.custom, {
    value: async (fd: number, buffers: Uint8Array[], position?: number) => ({
      bytesWritten: await scene().sim.io(() => fs.writevSync(fd, buffers, position)),
      buffers,
    }),
  });
  const second = (args: unknown[]) => [args[1]];
  const several = of('readv', second);
  // Into the first of its buffers only, as a read may: how many there are depends on the histories before.
  const readv = (fd: unknown, buffers: readonly unknown[], ...rest: unknown[]) =>
    several(fd, buffers.slice(0, 1), ...rest);
  const plain = ['fsync', 'fdatasync', 'open', 'close', 'fstat', 'stat', 'mkdir', 'rename', 'unlink'];
  return {
    ...Object.fromEntries(plain.map((name) => [name, of(name)])),
    ...{ writev, readv, read: of('read', second), write: of('write', second) },
  };
}

/** Of a server that is no more: the machine closes them. */
export function closeAll(): void {
  for (const fd of open.keys()) real.closeSync(fd);
  open.clear();
}
