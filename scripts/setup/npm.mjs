// Step 2: npm packages, exactly those of package-lock.json.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { runQuietly } from './step.mjs';

const kStamp = 'node_modules/.cianna-otf-lock';

export async function installNpmPackages() {
  const lock = createHash('sha256')
    .update(await readFile('package-lock.json'))
    .digest('hex');
  const stamped = await readFile(kStamp, 'utf8').catch(() => '');
  if (stamped === lock) return {};
  // Development packages too, whatever NODE_ENV says: the compiler is one of them.
  await runQuietly('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci');
  await writeFile(kStamp, lock);
  return { note: 'installed' };
}
