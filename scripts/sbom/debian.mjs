// Debian packages: of the libraries that the binaries are linked with.
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, kRoot, output } from '../setup/step.mjs';
import { named } from './licence.mjs';

const kBinaries = 'build/Release';

/** Debian packages of the libraries that the binaries are linked with. */
export async function libraryPackages() {
  const libraries = new Set();
  for (const name of await readdir(join(kRoot, kBinaries))) {
    const text = await output('ldd', join(kRoot, kBinaries, name));
    for (const [, path] of text.matchAll(/=> (\/\S+)/g)) libraries.add(path);
  }
  return packagesOf(libraries);
}

/** Names of the packages that libraries (paths) come from, each once. */
export async function packagesOf(libraries) {
  const places = new Set();
  for (const path of libraries) {
    const place = await realpath(path);
    // Debian 12 lists some files by their old place.
    places.add(place).add(place.replace(/^\/usr(?=\/lib)/, ''));
  }
  const { output: owners } = await capture('dpkg-query', ['-S', ...places]);
  return [...new Set(owners.split('\n').flatMap((line) => line.match(/^([^:\s]+)[:,]/)?.[1] ?? []))].sort();
}

export function copyrightOf(name) {
  return `/usr/share/doc/${name}/copyright`;
}

/** Short names of licences in a machine-readable copyright file (Debian's DEP-5); none where it is prose. */
function licencesOf(copyright) {
  if (!/^Format:\s*https?:\/\/\S*copyright-format/im.test(copyright)) return [];
  const names = [...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].map(([, name]) => name.trim());
  return [...new Set(names)].sort();
}

/** Components of packages (names). */
export async function debianComponents(packages) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const form = '-f=${Package}\t${Version}\t${Architecture}\n';
  const rows = (await output('dpkg-query', '-W', form, ...packages)).trim().split('\n');
  return Promise.all(
    rows.map(async (row) => {
      const [name, version, architecture] = row.split('\t');
      const file = copyrightOf(name);
      const licences = licencesOf(await readFile(file, 'utf8').catch(() => ''));
      const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
      const stated = licences.length > 0 ? licences : [`see ${file}`];
      return { 'bom-ref': purl, type: 'library', name, version, purl, licenses: stated.map(named) };
    }),
  );
}
