/** The program in a folder of its own, to be changed by a test: code is copied, the rest linked. */
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { kRoot } from './cli.js';
import { tempDir } from './server.js';

/** Its root. `linked`: of what is not code, these parts only. */
export async function copyProgram(t: TestContext, linked = ['build', 'models', 'node_modules']): Promise<string> {
  const copy = join(await tempDir(t), 'copy');
  await mkdir(copy);
  for (const part of ['bin', 'dist', 'package.json'])
    await cp(join(kRoot, part), join(copy, part), { recursive: true });
  for (const part of linked) await symlink(join(kRoot, part), join(copy, part));
  return copy;
}
