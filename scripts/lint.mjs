// `npm run lint [-- NAME...]`: style is a machine's job. Four checks, each by name:
//   biome    TypeScript, scripts and JSON
//   rooms    imports and includes against the arrows of scripts/lint/rooms.mjs
//   format   C++ against .clang-format, by clang-format-19: another version decides otherwise
//   tidy     C++ against .clang-tidy, by clang-tidy-19, but for the tests; a file that was clean is looked at again when it, a
//            header it includes, its compile command or the list of checks has changed (build/lint/tidy.json)
// `npm run format` puts right what the first two find. A check whose program is not here is skipped, with the reason; the
// set-up for the tests installs both.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readTexts, wrongArrows } from './lint/rooms.mjs';
import { capture, kRoot } from './setup/step.mjs';

const kVersion = 19;
const kClean = 'build/lint/tidy.json';

/** @typedef {{ok: boolean, output: string} | {skipped: string}} Verdict */

async function checkBiome() {
  const biome = ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'];
  const { code, output, errors } = await capture(process.execPath, biome);
  return { ok: code === 0, output: output + errors };
}

/** Why `program` cannot decide; undefined: it can. Debian's file of that name is of that version. */
async function missing(program) {
  if ((await capture(program, ['--version'])).code === 0) return undefined;
  return `${program} is not here (apt-get install ${program})`;
}

/** In the index, or new and not ignored: what is not added yet is checked, too. */
async function filesOf(...patterns) {
  const asked = ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns];
  const { code, output, errors } = await capture('git', asked);
  if (code !== 0) throw new Error(`git ls-files: ${errors.trim()}`);
  return output
    .trim()
    .split('\n')
    .filter((file) => existsSync(join(kRoot, file)));
}

const sources = () => filesOf('native/*.cpp', 'native/*.h', 'native/*.c', 'native/*.cu');

async function checkRooms() {
  const faults = wrongArrows(readTexts(kRoot, [...(await filesOf('src/*.ts', 'src/*.tsx')), ...(await sources())]));
  return { ok: faults.length === 0, output: faults.join('\n') };
}

async function checkFormat() {
  const program = `clang-format-${kVersion}`;
  const skipped = await missing(program);
  if (skipped !== undefined) return { skipped };
  const { code, output, errors } = await capture(program, ['--dry-run', '--Werror', ...(await sources())]);
  return { ok: code === 0, output: output + errors };
}

/** What a file is made of: itself and the headers of ours it includes, however deep. */
function contents(file, seen = new Set()) {
  const path = join(kRoot, file);
  if (seen.has(file) || !existsSync(path)) return '';
  seen.add(file);
  const text = readFileSync(path, 'utf8');
  const included = [...text.matchAll(/^#include "([^"]+)"/gm)].map(([, name]) => contents(`native/${name}`, seen));
  return text + included.join('');
}

/** The commands the addon is built with (CMake writes them), by file, without tests. */
function compileCommands() {
  const found = JSON.parse(readFileSync(join(kRoot, 'build/compile_commands.json'), 'utf8'));
  const own = found.map(({ file, command }) => [resolve(file).slice(resolve(kRoot).length + 1), command]);
  // doctest's macros are no style of ours, and main.cpp of the tests is in there once per room.
  return own.filter(([file]) => /^native\/.*\.cpp$/.test(file) && !/\/tests\/|_test\.cpp$/.test(file));
}

async function inParallel(items, work) {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

async function checkTidy() {
  const program = `clang-tidy-${kVersion}`;
  const skipped = await missing(program);
  if (skipped !== undefined) return { skipped };
  if (!existsSync(join(kRoot, 'build/compile_commands.json')))
    return { skipped: 'nothing is built here (npm run setup)' };
  const list = readFileSync(join(kRoot, '.clang-tidy'), 'utf8');
  const known = existsSync(join(kRoot, kClean)) ? JSON.parse(readFileSync(join(kRoot, kClean), 'utf8')) : {};
  const clean = {};
  const changed = [];
  for (const [file, command] of compileCommands()) {
    const hash = createHash('sha256')
      .update(`${list}${command}${contents(file)}`)
      .digest('hex');
    if (known[file] === hash) clean[file] = hash;
    else changed.push([file, hash]);
  }
  let output = '';
  await inParallel(changed, async ([file, hash]) => {
    const found = await capture(program, ['-p', 'build', '--quiet', file]);
    if (found.code === 0) clean[file] = hash;
    else output += found.output || found.errors || `${file}: ${program} was ended before it had looked\n`;
  });
  mkdirSync(join(kRoot, 'build/lint'), { recursive: true });
  writeFileSync(join(kRoot, kClean), JSON.stringify(clean));
  return { ok: output === '', output };
}

/** @type {Record<string, () => Promise<Verdict>>} */
export const kChecks = { biome: checkBiome, rooms: checkRooms, format: checkFormat, tidy: checkTidy };

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(kChecks);
  const unknown = names.find((name) => !Object.hasOwn(kChecks, name));
  if (unknown !== undefined) {
    console.error(`no check '${unknown}': ${Object.keys(kChecks).join(', ')}`);
    process.exit(2);
  }
  for (const name of names) {
    const verdict = await kChecks[name]();
    if ('skipped' in verdict) console.log(`${name}: skipped: ${verdict.skipped}`);
    else if (verdict.ok) console.log(`${name}: clean`);
    else {
      console.log(`${verdict.output.trim()}\n${name}: see above`);
      process.exitCode = 1;
    }
  }
}
