/** Style is a machine's job; `npm run format` puts right what this finds. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { kRoot } from './support/cli.js';

test('TypeScript and scripts are linted and formatted', () => {
  const biome = join(kRoot, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'check', '--error-on-warnings'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: kRoot, encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
});
