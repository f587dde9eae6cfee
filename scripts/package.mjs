// `npm run package [-- -o FOLDER] [--as-built]`: the program as one file for Linux on x86-64, which needs no Node, no npm and no
// package there: glibc and what every Node needs (the C++ runtime of the machine, for Node itself). In FOLDER (build/package):
//   cianna-otf            the Node that runs this, with server, commands, page, models, native parts and Debian's libraries inside
//   THIRD-PARTY.txt       whose work is in it, with the words of the licences; cianna-otf.cdx.json: the same as CycloneDX
// At its first start it unpacks itself into the user's cache, under a name made of its content (src/standalone). The same
// checkout, packages and Node give the same bytes.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pack, sha256 } from './package/archive.mjs';
import { makeExecutable, refuseUnfitNode } from './package/executable.mjs';
import { gather } from './package/gather.mjs';
import { kRoot, step } from './setup/step.mjs';
import { setUp } from './setup.mjs';

const { values } = parseArgs({
  options: {
    output: { type: 'string', short: 'o', default: 'build/package' },
    'as-built': { type: 'boolean', default: false }, // what `npm test` has built
  },
});
const folder = resolve(values.output);
const kName = 'cianna-otf';

/** Of 12345678: "12.3 MB". */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** What is in it, group by group: files, bytes unpacked, bytes in the executable. */
function report(parts, contents, size, digest, glibc) {
  const listed = new Map(JSON.parse(contents).files.map((file) => [file.path, file]));
  const groups = new Map();
  for (const { group, path } of parts) {
    const sum = groups.get(group) ?? { files: 0, bytes: 0, packed: 0 };
    const { bytes, packed } = listed.get(path);
    groups.set(group, { files: sum.files + 1, bytes: sum.bytes + bytes, packed: sum.packed + packed });
  }
  const row = (name, files, bytes, packed) =>
    `  ${name.padEnd(24)}${String(files).padStart(7)}${bytes.padStart(12)}${packed.padStart(12)}`;
  const rows = [...groups].map(([name, { files, bytes, packed }]) =>
    row(name, files, megabytes(bytes), megabytes(packed)),
  );
  const inside = [...groups.values()].reduce((sum, { packed }) => sum + packed, 0);
  return [
    `${join(folder, kName)}: ${megabytes(size)}, sha256 ${digest}`,
    `needs glibc ${glibc} or later on x86-64; on an older system it says so`,
    row('', 'files', 'unpacked', 'inside'),
    ...rows,
    row(`Node ${process.versions.node}`, '', '', megabytes(size - inside)),
  ].join('\n');
}

if (!values['as-built']) await setUp({});
process.chdir(kRoot);
await refuseUnfitNode();
await mkdir(folder, { recursive: true });
const work = await mkdtemp(join(folder, '.making-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const { parts, glibc, papers } = await step('what goes in', () => gather(work));
const { version } = JSON.parse(await readFile(join(kRoot, 'package.json'), 'utf8'));
const packed = await step('compressing', () => pack(parts, { version, glibc }));
await step('one file', () => makeExecutable(work, join(work, kName), packed));
await rename(join(work, kName), join(folder, kName));
for (const [name, text] of Object.entries(papers)) await writeFile(join(folder, name), text);
const { size } = await stat(join(folder, kName));
const digest = sha256(await readFile(join(folder, kName)));
console.log(report(parts, packed.contents, size, digest, glibc));
