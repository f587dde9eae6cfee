/** Style is a machine's job; `npm run format` puts right what the first two find. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { kRoot } from './support/cli.js';

type Verdict = { ok: boolean; output: string } | { skipped: string };

const { kChecks } = await import(pathToFileURL(join(kRoot, 'scripts/lint.mjs')).href);
const { kHouses, wrongArrows } = await import(pathToFileURL(join(kRoot, 'scripts/lint/rooms.mjs')).href);

for (const [check, name] of [
  ['biome', 'TypeScript and scripts are linted and formatted'],
  ['rooms', 'imports and includes follow the arrows between rooms'],
  ['format', 'C++ is formatted'],
  ['tidy', 'C++ is clean by .clang-tidy'],
] as const) {
  test(name, async (t) => {
    const verdict: Verdict = await kChecks[check]();
    if ('skipped' in verdict) t.skip(verdict.skipped);
    else assert.ok(verdict.ok, verdict.output);
  });
}

const kArrows: Record<string, [file: string, text: string, says: RegExp | undefined]> = {
  'an import that is allowed': ['src/uws/a.ts', "import { x } from '../jobs/job.js';", undefined],
  'one of another package': ['src/errors/a.ts', "import { x } from 'zod';", undefined],
  'a forbidden import': [
    'src/models/a.ts',
    "import { x } from '../results/rows.js';",
    /models may use engine, errors, fetch, io \(/,
  ],
  'a forbidden type': [
    'src/jobs/a.ts',
    "export type { X } from '../http/server.js';",
    /'..\/http\/server.js' is forbidden/,
  ],
  'one over many lines': ['src/errors/a.ts', "import {\n  x,\n} from '../io/xml.js';", /src\/errors may use nothing/],
  'one when it is needed': ['src/tasks/a.ts', "await import('../uws/job.js')", /forbidden/],
  'one by the name of the package': ['src/io/a.ts', "import { x } from '#otf/cli/main.js';", /forbidden/],
  'tests and benchmarks from the program': ['src/cli/a.ts', "import { x } from '../../bench/engine.js';", /forbidden/],
  'a room nobody has named': ['src/utils/a.ts', '', /src\/utils is no room/],
  'an include that is allowed': ['native/sky/a.cpp', '#include "fits/fits.h"', undefined],
  'a forbidden include': ['native/fits/a.h', '#include "sky/wcs.h"', /native\/fits may use error, process, tensor/],
  'one of a test': ['native/model/tests/a.cpp', '#include "engine/engine.h"', /native\/model may use/],
  'an engine back from its parent': ['native/engine/a.cpp', '#include "engine/onednn/plan.h"', /forbidden/],
};

for (const [name, [file, text, says]] of Object.entries(kArrows)) {
  test(`arrows between rooms: ${name}`, () => {
    const faults: string[] = wrongArrows(new Map([[file, text]]));
    if (says === undefined) return assert.deepEqual(faults, []);
    assert.equal(faults.length, 1);
    assert.ok(faults[0]?.startsWith(`${file}: `), faults[0]);
    assert.match(faults[0] ?? '', says);
  });
}

test('arrows between rooms: a list with a circle holds no direction', () => {
  const house = { ...kHouses[0], rooms: { a: ['b'], b: ['c'], c: ['a'] } };
  assert.match(wrongArrows(new Map(), [house]).join(), /circle: a -> b -> c -> a/);
});

test('the program imports packages that an installation without those of development has', () => {
  const { dependencies } = JSON.parse(readFileSync(join(kRoot, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const faults: string[] = [];
  for (const file of readdirSync(join(kRoot, 'src'), { recursive: true, encoding: 'utf8' })) {
    // The page is bundled.
    if (!/\.[cm]?tsx?$/.test(file) || file.startsWith('web/')) continue;
    const text = readFileSync(join(kRoot, 'src', file), 'utf8');
    const imports = /^(?:import|export) (?!type )[^;]*?from '([^'.#][^']*)'|\bimport\('([^'.#][^']*)'\)/gm;
    for (const [, named, awaited] of text.matchAll(imports)) {
      const name = /^(@[^/]+\/)?[^/]+/.exec(named ?? awaited ?? '')?.[0] ?? '';
      if (!name.startsWith('node:') && !Object.hasOwn(dependencies, name)) faults.push(`src/${file}: ${name}`);
    }
  }
  assert.deepEqual(faults, []);
});

test('what a client calls something is not looked up in an object: every object has a "constructor"', () => {
  const faults: string[] = [];
  for (const file of readdirSync(join(kRoot, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    for (const [index, line] of readFileSync(join(kRoot, 'src', file), 'utf8')
      .split('\n')
      .entries()) {
      const code = line.replace(/\/\/.*|^\s*\/?\*.*|`[^`]*`|'[^']*'|"[^"]*"/g, "''");
      const operator =
        /[\w\])'] in [\w(]/.test(code.replace(/\[\w+ in /g, '[')) &&
        !/\bfor \(const \w+ in /.test(code) &&
        !/'' in /.test(code);
      const table = /\bconst k\w+: (Readonly<)?Record<string,/.test(code);
      if (operator || table) faults.push(`src/${file}:${index + 1}: ${line.trim()}`);
    }
  }
  assert.deepEqual(faults, [], 'use a Map, or Object.hasOwn');
});
