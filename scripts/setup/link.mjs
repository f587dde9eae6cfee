// Step 6, when asked for (`npm run setup -- --link`): the command `cianna-otf` on the PATH, as a link to this checkout.
import { lstat, mkdir, readlink, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { kRoot } from './step.mjs';

const kName = 'cianna-otf';
const kTarget = join(kRoot, 'bin/cianna-otf.js');

/** Where commands of this user, or of everybody when it is root, lie. */
export function linkFolder() {
  return process.getuid?.() === 0 ? '/usr/local/bin' : join(homedir(), '.local/bin');
}

function onPath(dir) {
  return (process.env.PATH ?? '').split(delimiter).includes(dir);
}

/** Is there a command of this name already, of this checkout? */
export async function isLinked(dir = linkFolder()) {
  return (await readlink(join(dir, kName)).catch(() => '')) === kTarget;
}

/** Makes the link; what lies there and is none is left alone. Throws one line. Gives the line to be shown. */
export async function linkCommand(dir = linkFolder()) {
  const path = join(dir, kName);
  const there = await lstat(path).catch(() => undefined);
  if (there && !there.isSymbolicLink()) throw new Error(`${path} is there and is no link: move it away first`);
  await mkdir(dir, { recursive: true });
  await rm(path, { force: true });
  await symlink(kTarget, path);
  if (onPath(dir)) return `${path}: type cianna-otf`;
  return `${path}; ${dir} is not on your PATH: add it, e.g. with export PATH="${dir}:$PATH" in ~/.profile`;
}

/** What to do to have it, for those who have not. */
export function linkOffer() {
  return `the command: node bin/cianna-otf.js, or npm run setup -- --link for cianna-otf in ${linkFolder()}`;
}
