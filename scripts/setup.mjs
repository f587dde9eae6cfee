// Set-up of a checkout, with Node built-ins only (nothing is installed yet when it starts). Steps:
//   0. the machine       a combination that cannot work is refused in one line
//   1. system packages   Debian/Ubuntu: what is missing is printed as an apt command and run (root or password-less sudo)
//   2. npm packages      `npm ci`, when node_modules does not belong to package-lock.json; SQLite where Node is 20
//   3. native addon      cmake-js configures, cmake builds what changed: build/Release/cianna_otf.node
//   4. native tests      with --test: build/native-tests, built with the addon; --fuzz: build/fuzz; --sanitize:
//                        build/native-sanitize
//   5. TypeScript        `tsc -b`: dist/
//   6. web page          Vite bundles src/web: dist/web
//   7. link              with --link: cianna-otf on the PATH
// Each step looks first and does nothing when nothing is missing; of one that fails, all output is in build/logs.
// Environment: CMAKE_BUILD_PARALLEL_LEVEL limits the cores; OTF_WERROR=1 (and CI=true) makes compiler warnings errors.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { writeBuildInfo } from './build-info.mjs';
import { isLinked, linkCommand, linkOffer } from './setup/link.mjs';
import { refuseImpossible } from './setup/machine.mjs';
import { buildAddon, buildNativeTree, kTrees } from './setup/native.mjs';
import { buildSqlite, installNpmPackages, sqliteIsCompiled } from './setup/npm.mjs';
import { fail, kRoot, runQuietly, step } from './setup/step.mjs';
import { installSystemPackages } from './setup/system.mjs';
import { buildPage } from './setup/web.mjs';

/** @param {{test?: boolean, fuzz?: boolean, sanitize?: boolean}} wanted */
export async function setUp(wanted) {
  refuseImpossible();
  process.chdir(kRoot);
  const native = wanted.test || wanted.fuzz || wanted.sanitize;
  const { clang } = await step('system packages', () => installSystemPackages({ tests: Boolean(native) }));
  await step('npm packages', installNpmPackages);
  if (sqliteIsCompiled()) await step('SQLite for Node 20', buildSqlite);
  const addon = wanted.test ? 'native addon and tests' : 'native addon';
  await step(addon, () => buildAddon({ tests: Boolean(wanted.test) }));
  if (wanted.sanitize) await step('sanitized native tests', () => buildNativeTree(kTrees.sanitize));
  if (wanted.fuzz || wanted.test) {
    if (clang) await step('fuzz target', () => buildNativeTree(kTrees.fuzz));
    else if (wanted.fuzz) fail('fuzzing needs clang with its libFuzzer run-time: see the packages named above');
  }
  await step('TypeScript', async () => {
    await runQuietly(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], 'tsc');
    await writeBuildInfo();
  });
  await step('web page', buildPage);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      run: { type: 'boolean' },
      test: { type: 'boolean' },
      fuzz: { type: 'boolean' },
      sanitize: { type: 'boolean' },
      link: { type: 'boolean' },
    },
  });
  await setUp(values);
  if (values.link) {
    const note = await linkCommand().catch((thrown) => fail(`the link: ${thrown.message}`));
    process.stderr.write(`setup: ${note}\n`);
  } else if (process.env.npm_lifecycle_event === 'setup' && !(await isLinked())) {
    process.stderr.write(`setup: ${linkOffer()}\n`);
  }
}
