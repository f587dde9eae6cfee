/** Seconds of libFuzzer on every reader of strangers' bytes; `npm run fuzz -- SECONDS` runs them for longer. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kRoot, missingProgram, scratchDir } from './support/cli.js';

interface Fuzzer {
  seeds: string[];
  limits: string[];
}

const kSeconds = 10;
const folder = join(kRoot, 'build/fuzz');
const noClang = missingProgram('clang++', ['--version'], 'clang');
const { kFuzzers } = (await import(join(kRoot, 'scripts/setup/fuzzers.mjs'))) as { kFuzzers: Record<string, Fuzzer> };

function programOf(name: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith(`/fuzz_${name}`),
  );
  return found && join(folder, found);
}

for (const [name, { seeds, limits }] of Object.entries(kFuzzers)) {
  /** clang without its run-time package builds nothing: set-up has said so. */
  const skip = noClang || (programOf(name) ? false : 'the fuzz target could not be built (see set-up)');
  test(`the reader of ${name} files survives ${kSeconds} s of fuzzing`, { skip }, () => {
    const dir = scratchDir();
    const corpus = join(dir, 'corpus');
    mkdirSync(corpus);
    const args = [`-max_total_time=${kSeconds}`, ...limits, '-seed=1', `-artifact_prefix=${dir}/`];
    const { status, stderr } = spawnSync(programOf(name) ?? '', [...args, corpus, ...seeds], {
      cwd: kRoot,
      encoding: 'utf8',
      env: { ...process.env, OTF_SEEDS: corpus },
    });
    assert.equal(status, 0, stderr.slice(-3000));
    assert.match(stderr, /Done \d+ runs/);
  });
}
