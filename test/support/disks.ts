/** Small file systems of a test's own: that become full, take few files, run no programs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

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
  t.after(() => {
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
  try {
    execFileSync('mount', ['--bind', folder, folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  let over = false;
  const end = () => {
    if (!over) execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
    over = true;
  };
  t.after(end);
  execFileSync('mount', ['-o', 'remount,bind,ro', folder], { stdio: 'ignore' });
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
