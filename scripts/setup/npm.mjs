// Step 2: npm packages, exactly those of package-lock.json. Their install scripts do not run (.npmrc): what is needed lies
// in the packages, but for the SQLite library of Node 20, which is compiled.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { capture, runQuietly } from './step.mjs';

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

/** The header files of this very Node where they lie beside it, so that node-gyp need not fetch them. */
async function headersBeside() {
  const prefix = dirname(dirname(process.execPath));
  const text = await readFile(join(prefix, 'include/node/node_version.h'), 'utf8').catch(() => '');
  const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(text)?.[1],
  );
  return parts.join('.') === process.versions.node ? { npm_config_nodedir: prefix } : {};
}

/** As src/jobs/sqlite.ts decides: better-sqlite3 13 has its binary in the package, 12 has not. */
export function sqliteIsCompiled() {
  return Number(process.versions.napi) < 10;
}

/** What compiling it takes: node-gyp's Python, and Node's headers where Node is the distribution's own. */
export async function sqlitePackages() {
  if (!sqliteIsCompiled()) return [];
  if (process.env.npm_config_nodedir !== undefined || (await headersBeside()).npm_config_nodedir !== undefined) {
    return ['python3'];
  }
  const { output } = await capture('apt-cache', ['policy', 'libnode-dev']);
  const own = output.includes(`Candidate: ${process.versions.node}`);
  return own ? ['python3', 'libnode-dev'] : ['python3'];
}

/** Its package fetches a ready build where it can, and compiles otherwise. */
export async function buildSqlite() {
  const name = 'better-sqlite3-node20';
  const probe = ['-e', `new (require('${name}'))(':memory:')`];
  if (existsSync(join('node_modules', name, 'build')) && (await capture(process.execPath, probe)).code === 0) return {};
  const env = process.env.npm_config_nodedir === undefined ? await headersBeside() : {};
  await runQuietly('npm', ['rebuild', name, '--ignore-scripts=false', '--foreground-scripts'], 'SQLite for Node 20', {
    env,
  });
  return { note: 'built' };
}
