// npm packages: those that run, and those that Vite puts into the page.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, kRoot, output } from '../setup/step.mjs';

const kPage = 'src/web';

/** npm's own document of everything in the lock, and of what runs (development packages left out). */
async function npmDocuments() {
  const version = (await output('npm', '--version')).trim();
  if (Number.parseInt(version, 10) < 10) fail(`npm ${version} cannot list parts: npm 10 can`);
  const form = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
  const [all, run] = await Promise.all([output('npm', ...form), output('npm', ...form, '--omit=dev')]);
  return [JSON.parse(all), JSON.parse(run)];
}

/** Names of the packages that Vite puts into the page's script. */
async function bundledNames() {
  const names = new Set();
  for (const entry of await readdir(join(kRoot, kPage), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
    const text = await readFile(join(entry.parentPath, entry.name), 'utf8');
    for (const [, name] of text.matchAll(/\bfrom '((?:@[\w.-]+\/)?[\w][\w.-]*)(?:\/[^']*)?'/g)) names.add(name);
  }
  return names;
}

/** `refs` and all that they need. */
function closure(needs, refs) {
  const found = new Set();
  const open = [...refs];
  while (open.length > 0) {
    const ref = open.pop();
    if (found.has(ref)) continue;
    found.add(ref);
    open.push(...(needs.get(ref) ?? []));
  }
  return found;
}

/**
 * Components of npm: what runs, and what is in the page with what that needs. `only`: packages (name@version); those that
 * run are left out when they are not among them.
 */
export async function npmComponents(only) {
  const [all, run] = await npmDocuments();
  const bundled = await bundledNames();
  const needs = new Map(all.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn ?? []]));
  const refOf = (component) => component['bom-ref'];
  const inPage = closure(needs, all.components.filter(({ name }) => bundled.has(name)).map(refOf));
  const runs = run.components
    .filter(({ name, version }) => only === undefined || only.has(`${name}@${version}`))
    .map(refOf);
  const wanted = new Set([...runs, ...inPage]);
  const components = all.components.filter((component) => wanted.has(refOf(component)));
  const refs = new Set([...wanted, refOf(all.metadata.component)]);
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }));
  return { document: all, components, dependencies };
}
