/** Files of tests that do not end by themselves are ended (scripts/test/limit.mjs), whatever they wait for. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { kRoot } from './support/cli.js';
import { tempDir } from './support/server.js';

const { limitFiles } = await import(pathToFileURL(join(kRoot, 'scripts/test/limit.mjs')).href);

const kFiles = {
  'ends.test.js': "require('node:test')('is done', () => {});",
  'waits.test.js': "require('node:test')('waits for ever', () => new Promise(() => setInterval(() => {}, 1000)));",
  'blocks.test.js': `require('node:test')('looks up no more', () => {
    require('node:child_process').spawnSync('sh', ['-c', 'echo $$ > pid; exec sleep 1000']);
  });`,
};

test('a file of tests that does not end is killed with what it started, and counts as failed', async (t) => {
  const dir = await tempDir(t);
  for (const [name, text] of Object.entries(kFiles)) await writeFile(join(dir, name), text);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const reporter = ['--test-reporter', join(kRoot, 'scripts/test/failures.mjs')];
  const args = ['--test', ...reporter, '--test-reporter-destination', 'stdout', ...Object.keys(kFiles)];
  const runner = spawn(process.execPath, args, { cwd: dir, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = limitFiles(runner.pid, 3000);
  let output = '';
  runner.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const [status] = await once(runner, 'close').finally(ended);
  assert.equal(status, 1);
  const failed = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { file: string });
  assert.deepEqual(failed.map(({ file }) => file).sort(), ['dist/test/blocks.test.js', 'dist/test/waits.test.js']);
  const sleeping = Number(await readFile(join(dir, 'pid'), 'utf8'));
  // A zombie has no words, one that is gone no file.
  assert.equal(await readFile(`/proc/${sleeping}/cmdline`, 'utf8').catch(() => ''), '');
});
