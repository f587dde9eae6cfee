// Steps 3 and 4: native code. cmake and make decide what is out of date, so that a call with nothing to do takes a moment.
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { kFuzzers } from './fuzzers.mjs';
import { fail, kRoot, runQuietly } from './step.mjs';

export const kAddon = 'build/Release/cianna_otf.node';

/** Builds of their own: folder, what cmake is told, and which targets are built (none: all). */
export const kTrees = {
  sanitize: {
    folder: 'build/native-sanitize',
    options: ['-DOTF_TESTS=ON', '-DOTF_SANITIZE=ON'],
    targets: ['otf_tests'],
  },
  fuzz: {
    folder: 'build/fuzz',
    options: ['-DOTF_FUZZ=ON', '-DCMAKE_CXX_COMPILER=clang++', '-DCMAKE_C_COMPILER=clang'],
    targets: Object.keys(kFuzzers).map((name) => `fuzz_${name}`),
  },
};

function parallel() {
  return process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? String(availableParallelism());
}

/** A cache made in another place (a moved or copied checkout) would stop cmake: begin that folder anew. */
async function dropForeignCache(folder) {
  const cache = await readFile(join(folder, 'CMakeCache.txt'), 'utf8').catch(() => '');
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(cache)?.[1];
  if (home !== undefined && join(home, '.') !== join(kRoot, '.')) await rm(folder, { recursive: true });
}

/** Warnings are errors in CI and for who asks for it, never in a user's build: the next compiler knows new ones. */
function warningsAreErrors() {
  const asked = process.env.OTF_WERROR ?? (process.env.CI === 'true' ? '1' : undefined);
  return asked === undefined ? undefined : { 0: 'OFF', 1: 'ON' }[asked];
}

/** A tree configured for another environment (CIANNA_ROOT: third_party/README.md; OTF_WERROR) is configured again. */
async function followEnvironment(folder, wanted = {}) {
  const cache = await readFile(join(folder, 'CMakeCache.txt'), 'utf8');
  const cached = (name) => new RegExp(`^${name}:[A-Z]+=(.*)$`, 'm').exec(cache)?.[1] ?? '';
  const root = process.env.CIANNA_ROOT;
  const sameRoot = root === undefined || cached('CIANNA_ROOT') === (root && resolve(kRoot, root));
  const options = Object.entries({ ...wanted, OTF_WERROR: warningsAreErrors() }).filter(
    ([name, value]) => value !== undefined && cached(name) !== value,
  );
  if (sameRoot && options.length === 0) return;
  const settings = options.map(([name, value]) => `-D${name}=${value}`);
  await runQuietly('cmake', ['-S', '.', '-B', folder, ...settings], `cmake in ${folder}`);
}

/** Configured once: afterwards the Makefile itself runs cmake again when a CMakeLists.txt changed. */
async function build(folder, targets = []) {
  // A Makefile of before a target was added has no rule that would lead it to look at CMakeLists.txt.
  if (targets.length > 0) await runQuietly('cmake', [folder], `cmake in ${folder}`);
  const args = ['--build', folder, '--parallel', parallel(), ...(targets.length > 0 ? ['--target', ...targets] : [])];
  await runQuietly('cmake', args, `the build in ${folder}`);
}

/** With `tests` the native test programs too, in the same tree: most of what they need is the addon's. */
export async function buildAddon({ tests }) {
  await dropForeignCache('build');
  if (!existsSync('build/Makefile')) {
    // cmake-js knows where node-addon-api and Node's headers are; the package node-api-headers spares it a download.
    const configure = ['node_modules/cmake-js/bin/cmake-js', 'configure', '--out', 'build', '-G', 'Unix Makefiles'];
    await runQuietly(process.execPath, configure, 'cmake-js configure');
  }
  await followEnvironment('build', tests ? { OTF_TESTS: 'ON' } : {});
  await build('build', tests ? ['all', 'otf_tests'] : []);
  if (!existsSync(kAddon)) fail(`the native build ended without ${kAddon}`);
  return {};
}

/** Programs of scripts/gpu-kit.mjs, in the addon's tree. */
export async function buildKit() {
  await build('build', ['otf_kit']);
  return {};
}

export async function buildNativeTree({ folder, options, targets }) {
  await dropForeignCache(folder);
  if (!existsSync(join(folder, 'Makefile'))) {
    await runQuietly('cmake', ['-S', '.', '-B', folder, '-G', 'Unix Makefiles', ...options], `cmake in ${folder}`);
  }
  await followEnvironment(folder);
  await build(folder, targets);
  return {};
}
