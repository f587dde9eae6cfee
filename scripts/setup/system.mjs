// Step 1: packages of the distribution. Needed ones stop the set-up when they cannot be had; the checkers used by some
// tests (clang's fuzzer, astropy, stilts, nginx, nats-server, mosquitto, Slurm) are optional: those tests are skipped with the reason.
import { existsSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sqlitePackages } from './npm.mjs';
import { capture, fail, runQuietly } from './step.mjs';

// ocl-icd-opencl-dev: libdnnl-dev of Debian 12 only recommends it, but its CMake files demand OpenCL.
const kLibraries = [
  ...['libcfitsio-dev', 'wcslib-dev', 'libdnnl-dev', 'libpng-dev', 'zlib1g-dev', 'ocl-icd-opencl-dev'],
  ...['libexpat1-dev', 'libcminpack-dev', 'libfftw3-dev', 'libchealpix-dev'],
];
const kBuild = ['cmake', 'make', 'g++', 'pkg-config', ...kLibraries];
const kTests = ['doctest-dev'];
/** What checks C++ (scripts/lint.mjs): a version that Debian 12 and 13 both have. clang's omp.h is a package of its own. */
const kLint = ['clang-format-19', 'clang-tidy-19', 'libomp-19-dev'];
/**
 * Independent readers of what we write, the older client's library, network namespaces, the field's WebDAV door,
 * certificates, a terminal for programs, an engine of workflows, and the language of another.
 */
const kReaders = [
  'python3-astropy',
  'python3-pyvo',
  'python3-prov',
  'python3-requests',
  'stilts',
  'iproute2',
  'xrootd-server',
  'rclone',
  'openssl',
  'tmux',
  'cwltool',
  'groovy',
].map((name) => [name]);
/** The browser that drives the page; fonts-dejavu-core: it draws no text without any font. */
const kBrowser = ['chromium', 'fonts-dejavu-core'];
/** Their services start when they are installed, unless the machine says that none may (policy-rc.d of Debian Policy, 9.3.3). */
const kServices = existsSync('/usr/sbin/policy-rc.d')
  ? [
      ['nginx-light'],
      ['nats-server'],
      ['mosquitto', 'mosquitto-clients'],
      ['slurmctld', 'slurmd', 'slurm-client', 'munge'],
    ]
  : [];
/** After a day a package that could not be installed is tried again. */
const kRetryMs = 24 * 3600 * 1000;

export async function installed(packages) {
  const { output } = await capture('dpkg-query', [
    '-W',
    '-f',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
    '${Package} ${db:Status-Status}\n',
    ...packages,
  ]);
  const present = new Set();
  for (const line of output.split('\n')) {
    if (line.endsWith(' installed')) present.add(line.split(' ')[0]);
  }
  return present;
}

async function missingOf(packages) {
  const present = await installed(packages);
  return packages.filter((name) => !present.has(name));
}

/** libFuzzer lives in the run-time package of clang's own version: `clang` depends on clang-14, so libclang-rt-14-dev. */
async function fuzzerPackages() {
  const { output } = await capture('apt-cache', ['depends', 'clang']);
  const version = /Depends: clang-(\d+)/.exec(output)?.[1];
  return version ? ['clang', `libclang-rt-${version}-dev`] : ['clang'];
}

/** How to become root: [] when root, ['sudo', '-n'] when sudo asks no password, null otherwise. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  const { code } = await capture('sudo', ['-n', 'true']);
  return code === 0 ? ['sudo', '-n'] : null;
}

async function candidateMissing(packages) {
  const { output } = await capture('apt-cache', ['policy', ...packages]);
  const known = new Set();
  for (const block of output.split(/\n(?=\S)/)) {
    if (!block.includes('Candidate: (none)')) known.add(block.split(':')[0]);
  }
  return packages.some((name) => !known.has(name));
}

/** false: could not be had. Not `optional`: stops the set-up instead, with apt's log. */
async function aptInstall(prefix, packages, { optional }) {
  const run = (args, settings) => {
    const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300', ...args];
    const [command, ...rest] = [...prefix, ...apt];
    return runQuietly(command, rest, `apt-get ${args[0]}`, settings);
  };
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  if (await candidateMissing(packages)) await run(['update'], { optional: true });
  if (await run(install, { optional: true })) return true;
  // Package lists older than the mirror name files that are gone.
  await run(['update'], { optional: true });
  return run(install, { optional });
}

/** Where a package that cannot be had is remembered, so that not every run asks the mirror again. */
function failureNote(packages) {
  return join('build', `.no-${packages.join('-')}`);
}

async function failedLately(packages) {
  const found = await stat(failureNote(packages)).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < kRetryMs;
}

async function rememberFailure(packages) {
  await mkdir('build', { recursive: true });
  await writeFile(failureNote(packages), '');
}

function printCommand(packages) {
  process.stderr.write(`setup: sudo apt-get install -y --no-install-recommends ${packages.join(' ')}\n`);
}

/** All of `packages`, or the set-up stops; `more` are named with them in the command that is printed. */
export async function installPackages(packages, more = []) {
  const missing = await missingOf(packages);
  if (missing.length + more.length > 0) printCommand([...missing, ...more]);
  if (missing.length === 0) return;
  const prefix = await rootPrefix();
  if (prefix === null) fail('these system packages are missing: type the command above, then run this again');
  await aptInstall(prefix, missing, { optional: false });
}

/** @returns {Promise<{clang: boolean, note?: string}>} */
export async function installSystemPackages({ tests }) {
  if ((await capture('dpkg-query', ['--version'])).code !== 0) return checkWithoutDpkg(tests);
  const needed = [...kBuild, ...(await sqlitePackages()), ...(tests ? kTests : [])];
  const fuzzer = tests ? await fuzzerPackages() : [];
  const optional = tests ? [fuzzer, kLint, ...kReaders, kBrowser, ...kServices] : [];
  const missingOptional = await missingOf(optional.flat());
  await installPackages(needed, missingOptional);
  if (missingOptional.length === 0) return { clang: tests };

  const prefix = await rootPrefix();
  const skipped = [];
  for (const group of optional) {
    const absent = await missingOf(group);
    if (absent.length === 0) continue;
    const hopeless = prefix === null || (await failedLately(absent));
    if (!hopeless && (await aptInstall(prefix, absent, { optional: true }))) continue;
    if (!hopeless) await rememberFailure(absent);
    skipped.push(...absent);
  }
  const note = skipped.length > 0 ? `without ${skipped.join(', ')}: the tests that use them are skipped` : '';
  return { clang: tests && !fuzzer.some((name) => skipped.includes(name)), note };
}

/** Not Debian: nothing can be installed from here, so only say what is not found. */
async function checkWithoutDpkg(tests) {
  const absent = [];
  for (const program of ['cmake', 'make', 'g++', 'pkg-config']) {
    if ((await capture(program, ['--version'])).code !== 0) absent.push(program);
  }
  for (const library of ['cfitsio', 'wcslib', 'libpng', 'expat', 'cminpack', 'fftw3f', 'chealpix']) {
    if ((await capture('pkg-config', ['--exists', library])).code !== 0) absent.push(library);
  }
  if (absent.length > 0) fail(`not a Debian system, and not found: ${absent.join(', ')} (oneDNN is needed too)`);
  const clang = tests && (await capture('clang++', ['--version'])).code === 0;
  return { clang, note: 'not a Debian system: packages taken as they are' };
}
