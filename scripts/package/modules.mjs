// npm packages of run time, without what only a build, another system or another Node would read.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { sqliteIsCompiled } from '../setup/npm.mjs';
import { fail, kRoot } from '../setup/step.mjs';

/** They build the addon, or SQLite; and of the two SQLites one is this Node's. */
const kNotAtRunTime = new Set(['cmake-js', 'node-addon-api', 'node-api-headers', 'prebuild-install']);
kNotAtRunTime.add(sqliteIsCompiled() ? 'better-sqlite3' : 'better-sqlite3-node20');

const kSources = /\.(d\.[cm]?ts|[cm]?ts|tsx|flow|map|md|markdown|c|cc|cpp|h|hpp|o|a|d|gyp|gypi|mk|sh|stamp|yml)$/i;
const kMakefile = /(^|\/)Makefile$/;
/** The same once more, for require(): whoever uses these here imports them. Half of all files. */
const kTwins = new Map([
  ['es-toolkit', /\.js$/],
  ['zod', /\.cjs$/],
]);
const kElsewhere = /(darwin|win32|freebsd|openbsd|musl|arm|ia32|loong|riscv|android)/;
const kLeftOfABuild = /(^|\/)(obj\.target|\.deps)\/|^(tests?|docs?|examples?|bench|benchmarks?|\.github)\//;

/** @returns {Promise<Module[]>} `name`: its own, which for an alias is not that of its folder */
export async function modulesOfRunTime() {
  const found = new Map();
  const visit = async (folder) => {
    const { dependencies = {}, optionalDependencies = {} } = await manifest(folder);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (kNotAtRunTime.has(name)) continue;
      const place = nearest(name, folder);
      if (place === undefined && Object.hasOwn(optionalDependencies, name)) continue;
      if (place === undefined) fail(`${name} is not in node_modules: npm run setup`);
      if (found.has(place)) continue;
      const { name: own, version } = await manifest(place);
      found.set(place, { folder: place, name: own, version });
      await visit(place);
    }
  };
  await visit(kRoot);
  return [...found.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** @typedef {{folder: string, name: string, version: string}} Module */

async function manifest(folder) {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
}

/** As Node looks: in the folder's own node_modules, then in those above. */
function nearest(name, from) {
  for (let folder = from.replace(/\/$/, ''); ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) return place;
    if (folder === kRoot.replace(/\/$/, '') || folder === '/') return undefined;
  }
}

/** Files of a package that are wanted, named from its folder. */
export async function filesOfModule({ folder, name: module }) {
  const twin = kTwins.get(module);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return names.filter((name) => isWanted(name) && !twin?.test(name)).sort();
}

function isWanted(name) {
  // Packages inside a package are visited on their own.
  if (name.startsWith('node_modules/') || kSources.test(name) || kLeftOfABuild.test(name) || kMakefile.test(name))
    return false;
  if (!name.endsWith('.node')) return true;
  // uWebSockets.js has one for each Node, named by its modules' version.
  const [, abi] = /_(\d+)\.node$/.exec(name) ?? [];
  return (
    !kElsewhere.test(name) &&
    !name.includes('test_extension') &&
    (abi ?? process.versions.modules) === process.versions.modules
  );
}
