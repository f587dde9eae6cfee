// Step 6: the page, bundled by Vite: dist/web, its files also compressed, so that the server compresses nothing. Done again
// only when its sources, the packages or this script have changed: dist/web/.made-of says what it was made of.
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { kRoot, runQuietly } from './step.mjs';

const kSources = 'src/web';
const kMade = 'dist/web';
const kStamp = join(kMade, '.made-of');
const kBeside = ['package-lock.json', 'scripts/setup/web.mjs'];
/** Pictures of other formats are compressed already. */
const kCompressible = /\.(js|css|html|svg)$/;

export async function buildPage() {
  const wanted = await digest();
  if ((await readFile(join(kRoot, kStamp), 'utf8').catch(() => '')) === wanted) return {};
  const vite = ['node_modules/vite/bin/vite.js', 'build', '--config', join(kSources, 'vite.config.mjs')];
  await runQuietly(process.execPath, vite, 'vite build');
  await compress();
  await writeFile(join(kRoot, kStamp), wanted);
  return { note: 'built' };
}

async function filesBelow(folder) {
  const entries = await readdir(join(kRoot, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function digest() {
  const hash = createHash('sha256');
  const files = [...(await filesBelow(kSources)), ...kBeside.map((file) => join(kRoot, file))].sort();
  for (const file of files)
    hash
      .update(file.slice(kRoot.length))
      .update('\0')
      .update(await readFile(file));
  return hash.digest('hex');
}

async function compress() {
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  for (const file of (await filesBelow(kMade)).filter((name) => kCompressible.test(name))) {
    const bytes = await readFile(file);
    await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, brotli));
    await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildPage();
