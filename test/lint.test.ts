/** Style is a machine's job; `npm run format` puts right what this finds. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kRoot } from './support/cli.js';

test('TypeScript and scripts are linted and formatted', () => {
  const biome = join(kRoot, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'check', '--error-on-warnings'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: kRoot, encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
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
