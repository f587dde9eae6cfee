/** Ten seconds of libFuzzer on the reader of network files; `npm run fuzz -- SECONDS` runs it for longer. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kFixtures, kRoot, missingProgram, scratchDir } from './support/cli.js';

const kSeconds = 10;
const folder = join(kRoot, 'build/fuzz');
const noClang = missingProgram('clang++', ['--version'], 'clang');

function fuzzer(): string | undefined {
  if (!existsSync(folder)) return undefined;
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) =>
    /(^|\/)fuzz_model$/.test(name),
  );
  return found && join(folder, found);
}

/** clang without its run-time package builds nothing: set-up has said so. */
const skip = noClang || (fuzzer() ? false : 'the fuzz target could not be built (see set-up)');

test(`the reader of network files survives ${kSeconds} s of fuzzing`, { skip }, () => {
  const dir = scratchDir();
  const corpus = join(dir, 'corpus');
  mkdirSync(corpus);
  const args = [
    `-max_total_time=${kSeconds}`,
    '-timeout=10',
    '-rss_limit_mb=1024',
    '-seed=1',
    `-artifact_prefix=${dir}/`,
  ];
  const { status, stderr } = spawnSync(
    fuzzer() ?? '',
    [...args, corpus, join(kFixtures, 'networks'), join(kFixtures, 'fuzz-model')],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(status, 0, stderr.slice(-3000));
  assert.match(stderr, /Done \d+ runs/);
});
