// `npm run sbom`: what a built checkout is made of, for whoever has to know before he runs it. Written to build/sbom:
//   cianna-otf.cdx.json   CycloneDX: npm packages of run time, those that are in the page, Debian's libraries, the models
//   licences.txt           the same as a table of licences
// The same commit and the same packages give the same bytes: the time is that of the commit, and there is no number at random.
import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { capture, fail, kRoot } from './setup/step.mjs';

const kOut = join(kRoot, 'build/sbom');
const kBinaries = 'build/Release';
const kPage = 'src/web';

/** Output of a program that must end well. */
async function output(command, ...args) {
  const { code, output: text, errors } = await capture(command, args);
  if (code !== 0) fail(`${command} ${args[0]}: ${errors.trim().split('\n')[0]}`);
  return text;
}

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

/** Components of npm: what runs, and what is in the page with what that needs. */
async function npmComponents() {
  const [all, run] = await npmDocuments();
  const wanted = new Set(run.components.map((component) => component['bom-ref']));
  const needs = new Map(all.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn ?? []]));
  const bundled = await bundledNames();
  const open = all.components.filter(({ name }) => bundled.has(name)).map((component) => component['bom-ref']);
  while (open.length > 0) {
    const ref = open.pop();
    if (wanted.has(ref)) continue;
    wanted.add(ref);
    open.push(...(needs.get(ref) ?? []));
  }
  const components = all.components.filter((component) => wanted.has(component['bom-ref']));
  const refs = new Set([...wanted, all.metadata.component['bom-ref']]);
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }));
  return { document: all, components, dependencies };
}

/** Debian packages of the libraries that the binaries are linked with. */
async function libraryPackages() {
  const libraries = new Set();
  for (const name of await readdir(join(kRoot, kBinaries))) {
    const text = await output('ldd', join(kRoot, kBinaries, name));
    for (const [, path] of text.matchAll(/=> (\/\S+)/g)) {
      const place = await realpath(path);
      // Debian 12 lists some files by their old place.
      libraries.add(place).add(place.replace(/^\/usr(?=\/lib)/, ''));
    }
  }
  const { output: owners } = await capture('dpkg-query', ['-S', ...libraries]);
  return [...new Set(owners.split('\n').flatMap((line) => line.match(/^([^:\s]+)[:,]/)?.[1] ?? []))].sort();
}

/** Short names of licences in a machine-readable copyright file (Debian's DEP-5); none where it is prose. */
function licencesOf(copyright) {
  if (!/^Format:\s*https?:\/\/\S*copyright-format/im.test(copyright)) return [];
  const names = [...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].map(([, name]) => name.trim());
  return [...new Set(names)].sort();
}

async function debianComponents() {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const form = '-f=${Package}\t${Version}\t${Architecture}\n';
  const rows = (await output('dpkg-query', '-W', form, ...(await libraryPackages()))).trim().split('\n');
  return Promise.all(
    rows.map(async (row) => {
      const [name, version, architecture] = row.split('\t');
      const file = `/usr/share/doc/${name}/copyright`;
      const licences = licencesOf(await readFile(file, 'utf8').catch(() => ''));
      const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
      const stated = licences.length > 0 ? licences : [`see ${file}`];
      return { 'bom-ref': purl, type: 'library', name, version, purl, licenses: stated.map(named) };
    }),
  );
}

function named(name) {
  return { license: { name } };
}

async function modelComponents() {
  const components = [];
  for (const name of (await readdir(join(kRoot, 'models'))).sort()) {
    const card = parse(await readFile(join(kRoot, 'models', name, 'model.toml'), 'utf8'));
    const hashes = [{ alg: 'SHA-256', content: card.sha256 }];
    const type = 'machine-learning-model';
    components.push({
      'bom-ref': `model:${card.id}`,
      type,
      name: card.id,
      description: card.title,
      hashes,
      licenses: [named(card.licence)],
    });
  }
  return components;
}

function licenceText({ licenses = [] }) {
  return (
    licenses.map(({ expression, license }) => expression ?? license?.id ?? license?.name).join(', ') || 'not stated'
  );
}

function table(title, components) {
  const rows = components.map(
    (it) => `| ${it.name} | ${it.version ?? ''} | ${licenceText(it).replaceAll('|', '\\|')} |`,
  );
  return [`## ${title}`, '', '| | version | licences |', '|---|---|---|', ...rows, ''].join('\n');
}

async function main() {
  const { document, components, dependencies } = await npmComponents();
  const [libraries, models] = [await debianComponents(), await modelComponents()];
  const committed = await capture('git', ['-C', kRoot, 'show', '-s', '--format=%cI', 'HEAD']);
  const { serialNumber: _, ...rest } = document;
  const timestamp = new Date(committed.code === 0 ? committed.output.trim() : 0).toISOString();
  const bom = {
    ...rest,
    metadata: { ...document.metadata, timestamp, component: { ...document.metadata.component, name: 'cianna-otf' } },
    components: [...components, ...libraries, ...models],
    dependencies,
  };
  const licences = [
    '# Licences of what cianna-otf is made of\n',
    table('npm packages, those in the page too', components),
    table("Debian's libraries (every licence their sources have)", libraries),
    table('Models', models),
  ].join('\n');
  await mkdir(kOut, { recursive: true });
  await writeFile(join(kOut, 'cianna-otf.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`);
  await writeFile(join(kOut, 'licences.txt'), licences);
  const counts = `${components.length} npm packages, ${libraries.length} libraries, ${models.length} models`;
  process.stdout.write(`build/sbom/cianna-otf.cdx.json and licences.txt: ${counts}\n`);
}

await main();
