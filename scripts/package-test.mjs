// `npm run test:package [-- bookworm|trixie]...`: makes the package twice, which must give the same bytes, and runs it (package/try.sh)
// in roots that debootstrap --variant=minbase left and nothing else, with an empty environment. Needs root. A package made on
// Debian 13 is tried on Debian 13 alone: it needs that glibc.
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { baseRoot, copyRoot, kBare, removeLeftovers, removeRoot } from './fresh/base.mjs';
import { canIsolate, endOnSignals, runInside } from './fresh/inside.mjs';
import { sha256 } from './package/archive.mjs';
import { capture, fail, kRoot, runQuietly, step } from './setup/step.mjs';
import { installPackages } from './setup/system.mjs';

const kSuites = ['bookworm', 'trixie'];
const kMade = 'build/package';
const kAgain = 'build/package-again';
const kProgram = 'cianna-otf';

/** What `npm run package` says; the second time nothing is built. */
async function make(folder, ...more) {
  const args = [join(kRoot, 'scripts/package.mjs'), '-o', folder, ...more];
  const { code, output, errors } = await capture(process.execPath, args);
  if (code !== 0) fail(`npm run package: ${errors.trim().split('\n').pop()}`);
  return { output, digest: sha256(await readFile(join(kRoot, folder, kProgram))) };
}

async function tryIn(suite) {
  const base = await step(`bare root ${suite}`, () => baseRoot(suite, kBare));
  const root = await copyRoot(base.folder);
  try {
    await mkdir(join(root, 'opt'), { recursive: true });
    await copyFile(join(kRoot, kMade, kProgram), join(root, 'opt', kProgram));
    await copyFile(join(kRoot, 'scripts/package/try.sh'), join(root, 'opt/try.sh'));
    return await runInside(root, { command: `sh /opt/try.sh /opt/${kProgram}` });
  } finally {
    await removeRoot(root);
  }
}

const asked = process.argv.slice(2);
if (asked.some((suite) => !kSuites.includes(suite))) fail(`npm run test:package [-- ${kSuites.join('|')}]`);
if (process.getuid?.() !== 0 || !(await canIsolate()))
  fail('bare roots are made by root, where mount namespaces are allowed');
endOnSignals();
await installPackages(['debootstrap', 'debian-archive-keyring']);
await removeLeftovers();
const first = await make(kMade);
const again = await make(kAgain, '--as-built');
if (first.digest !== again.digest) fail(`two packages of the same have other bytes: ${kMade}, ${kAgain}`);
await runQuietly('rm', ['-r', kAgain], 'rm');
process.stdout.write(`${first.output}made twice: the same bytes\n`);
const newGlibc = !/needs glibc 2\.(\d|[12]\d|3[0-6]) /.test(first.output);
for (const suite of asked.length > 0 ? asked : kSuites) {
  if (suite === 'bookworm' && newGlibc) {
    process.stdout.write('bookworm: left out, its glibc is older than that of the system this is made on\n');
    continue;
  }
  process.stdout.write(`--- ${suite}\n`);
  const code = await tryIn(suite);
  if (code !== 0) process.exit(code);
}
