// Everything the package holds, read from a built checkout.
import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { bill } from '../sbom/bill.mjs';
import { packagesOf } from '../sbom/debian.mjs';
import { fail, kRoot, output } from '../setup/step.mjs';
import { isElf, librariesOf, oldestGlibc, requirePlaces } from './elf.mjs';
import { thirdParty } from './licences.mjs';
import { filesOfModule, modulesOfRunTime } from './modules.mjs';

const kBinaries = 'build/Release';
/** The engine cuda is a library of its own, where it is built. */
const kPrograms = ['cianna_otf.node', 'otf-engine', 'otf-reader'];
const kWhereThereIs = ['libotf_cuda.so'];
/** Compiled code without tests, benchmarks, and what only a compiler or a debugger reads. */
const kDist = /^(?!(test|bench)\/)(?!.*(\.d\.[cm]?ts|\.map|\.tsbuildinfo)$)(?!web\/\.made-of$)/;
const kExamples = /^simulated-field-1024\./;

/** @typedef {{group: string, path: string, program: boolean, bytes: Buffer}} Part */

/**
 * @param {string} work a folder for files on the way
 * @returns {Promise<{parts: Part[], glibc: string, papers: Record<string, string>}>} `papers`: also for beside the file
 */
export async function gather(work) {
  const programs = await stripped(work);
  const modules = await modulesOfRunTime();
  const carried = [];
  for (const module of modules) for (const name of await filesOfModule(module)) carried.push(join(module.folder, name));
  const addons = carried.filter((file) => file.endsWith('.node'));
  const libraries = await librariesOf([...programs, ...addons]);
  await requirePlaces(programs, [...libraries.values()]);
  const packages = await packagesOf(libraries.values());
  const { bom, licences: table } = await bill({
    packages,
    only: new Set(modules.map(nameAndVersion)),
    more: [nodeComponent()],
  });
  const licences = await thirdParty({
    modules: [...modules, ...modulesOfPage(bom, modules)],
    packages,
    table,
  });

  const parts = [];
  const add = async (group, path, file) => parts.push(await part(group, path, file));
  for (const file of programs) await add('native parts', `${kBinaries}/${basename(file)}`, file);
  for (const [name, file] of libraries) await add("Debian's libraries", `${kBinaries}/lib/${name}`, file);
  for (const name of await below('dist', (path) => kDist.test(path)))
    await add(name.startsWith('web/') ? 'the page' : 'server and commands', `dist/${name}`, join(kRoot, 'dist', name));
  for (const file of carried) await add('npm packages', relative(kRoot, file), file);
  for (const name of await below('models', () => true))
    await add('models', `models/${name}`, join(kRoot, 'models', name));
  for (const name of await below('examples', (path) => kExamples.test(path)))
    await add('example', `examples/${name}`, join(kRoot, 'examples', name));
  for (const name of ['package.json', 'LICENSE']) await add('papers', name, join(kRoot, name));
  const papers = { 'cianna-otf.cdx.json': `${JSON.stringify(bom, null, 2)}\n`, 'THIRD-PARTY.txt': licences };
  for (const [path, text] of Object.entries(papers))
    parts.push({ group: 'papers', path, program: false, bytes: Buffer.from(text) });
  const glibc = await oldestGlibc([process.execPath, ...programs, ...addons, ...libraries.values()]);
  return { parts, glibc, papers };
}

/** Copies of our programs without what only a debugger reads. */
async function stripped(work) {
  const names = [...kPrograms, ...kWhereThereIs.filter((name) => existsSync(join(kRoot, kBinaries, name)))];
  const copies = [];
  for (const name of names) {
    const [from, copy] = [join(kRoot, kBinaries, name), join(work, name)];
    if (!existsSync(from)) fail(`${from} is not built: npm run setup`);
    await copyFile(from, copy);
    // The identity of a build is made of paths, too.
    await output('strip', '--remove-section=.note.gnu.build-id', copy);
    copies.push(copy);
  }
  return copies;
}

async function part(group, path, file) {
  // By what it is, not by its bits, which a checkout under another umask has not.
  const program = (await isElf(file)) && !/\.(node|so)(\.|$)/.test(path);
  return { group, path, program, bytes: await readFile(file) };
}

async function below(folder, wanted) {
  const root = join(kRoot, folder);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  return names.filter(wanted).sort();
}

function nameAndVersion({ name, version }) {
  return `${name}@${version}`;
}

/** Packages that are in the page's script, and not beside it. */
function modulesOfPage({ components }, modules) {
  const beside = new Set(modules.map(nameAndVersion));
  return components
    .filter((each) => each.purl?.startsWith('pkg:npm/') && !beside.has(nameAndVersion(each)))
    .map(({ name, version }) => ({ folder: join(kRoot, 'node_modules', name), name, version }));
}

function nodeComponent() {
  const { node } = process.versions;
  const purl = `pkg:generic/node@${node}`;
  const licenses = [{ license: { name: 'MIT, and those of its parts' } }];
  return { 'bom-ref': purl, type: 'application', name: 'node', version: node, purl, licenses };
}
