/** Small file systems of a test's own: that become full, take few files, run no programs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { atEnd } from './endings.js';

/** Why the tests of them are skipped, or false. */
export const kNoDisks = process.getuid?.() === 0 ? false : 'file systems are mounted by root only';

/** `options` of tmpfs, e.g. size=24m. Undefined: mounting is not allowed here. */
export function mounted(t: TestContext, options: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'otf-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmdirSync(folder);
    return undefined;
  }
  atEnd(t, () => {
    execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
    rmdirSync(folder);
  });
  return folder;
}

/**
 * No name can be made, changed or removed in it any more, and nothing opened for writing; what is open already is written on.
 * The result makes an end of that. Undefined: mounting is not allowed here.
 */
export function readOnlyFromNow(t: TestContext, folder: string): (() => void) | undefined {
  // Elsewhere first: where files are opened for writing, a mount cannot be made read-only, and one of one that is, is.
  const aside = mkdtempSync(join(tmpdir(), 'otf-aside-'));
  const mount = (...args: string[]) => execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    mount('--bind', folder, aside);
  } catch {
    rmdirSync(aside);
    return undefined;
  }
  try {
    mount('-o', 'remount,bind,ro', aside);
    mount('--bind', aside, folder);
  } finally {
    execFileSync('umount', ['-l', aside], { stdio: 'ignore' });
    rmdirSync(aside);
  }
  let over = false;
  const end = () => {
    if (!over) execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
    over = true;
  };
  atEnd(t, end);
  return end;
}

/** To the last byte of its disk. */
export function fillUp(path: string): void {
  for (let bytes = 1 << 20; bytes >= 1; ) {
    try {
      writeFileSync(path, Buffer.alloc(bytes), { flag: 'a' });
    } catch {
      bytes >>= 4;
    }
  }
}
