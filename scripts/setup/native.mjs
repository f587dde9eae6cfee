// Steps 3 and 4: native code. cmake and make decide what is out of date, so that a call with nothing to do takes a moment.
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fail, kRoot, runQuietly } from './step.mjs';

export const kAddon = 'build/Release/cianna_otf.node';

/** Native test builds: folder, what cmake is told, and which target is built (none: all). */
export const kTrees = {
  test: { folder: 'build/native-tests', options: ['-DOTF_TESTS=ON'] },
  sanitize: { folder: 'build/native-sanitize', options: ['-DOTF_TESTS=ON', '-DOTF_SANITIZE=ON'] },
  fuzz: {
    folder: 'build/fuzz',
    options: ['-DOTF_FUZZ=ON', '-DCMAKE_CXX_COMPILER=clang++', '-DCMAKE_C_COMPILER=clang'],
    target: 'fuzz_model',
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

/** A tree configured with another CIANNA_ROOT than the environment names (third_party/README.md) is configured again. */
async function followCianna(folder) {
  const root = process.env.CIANNA_ROOT;
  if (root === undefined) return;
  const cache = await readFile(join(folder, 'CMakeCache.txt'), 'utf8');
  const known = /^CIANNA_ROOT:PATH=(.*)$/m.exec(cache)?.[1] ?? '';
  if (known === (root && resolve(kRoot, root))) return;
  await runQuietly('cmake', ['-S', '.', '-B', folder], `cmake in ${folder}`);
}

/** Configured once: afterwards the Makefile itself runs cmake again when a CMakeLists.txt changed. */
async function build(folder, target) {
  const args = ['--build', folder, '--parallel', parallel(), ...(target ? ['--target', target] : [])];
  await runQuietly('cmake', args, `the build in ${folder}`);
}

export async function buildAddon() {
  await dropForeignCache('build');
  if (!existsSync('build/Makefile')) {
    // cmake-js knows where node-addon-api and Node's headers are; the package node-api-headers spares it a download.
    const configure = ['node_modules/cmake-js/bin/cmake-js', 'configure', '--out', 'build', '-G', 'Unix Makefiles'];
    await runQuietly(process.execPath, configure, 'cmake-js configure');
  }
  await followCianna('build');
  await build('build');
  if (!existsSync(kAddon)) fail(`the native build ended without ${kAddon}`);
  return {};
}

export async function buildNativeTree({ folder, options, target }) {
  await dropForeignCache(folder);
  if (!existsSync(join(folder, 'Makefile'))) {
    await runQuietly('cmake', ['-S', '.', '-B', folder, '-G', 'Unix Makefiles', ...options], `cmake in ${folder}`);
  }
  await followCianna(folder);
  await build(folder, target);
  return {};
}
