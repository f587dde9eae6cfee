/** Style is a machine's job; `npm run format` puts right what the first two find. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { kRoot } from './support/cli.js';

type Verdict = { ok: boolean; output: string } | { skipped: string };

const { kChecks } = await import(pathToFileURL(join(kRoot, 'scripts/lint.mjs')).href);

for (const [check, name] of [
  ['biome', 'TypeScript and scripts are linted and formatted'],
  ['format', 'C++ is formatted'],
  ['tidy', 'C++ is clean by .clang-tidy'],
] as const) {
  test(name, async (t) => {
    const verdict: Verdict = await kChecks[check]();
    if ('skipped' in verdict) t.skip(verdict.skipped);
    else assert.ok(verdict.ok, verdict.output);
  });
}

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
