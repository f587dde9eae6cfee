// `npm run fuzz -- [SECONDS] [TARGET]`: libFuzzer on the readers of network files, images, catalogues, coordinates, arrays and gzip
// (scripts/setup/fuzzers.mjs; default: 60 s each). New inputs are collected in build/fuzz/corpus-*; fixtures and what was found
// before seed them; a crash leaves its input in build/fuzz/crash-*.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kFuzzers } from './setup/fuzzers.mjs';
import { kTrees } from './setup/native.mjs';

const seconds = Number(process.argv[2] ?? 60);
if (!Number.isInteger(seconds) || seconds < 1) {
  console.error(`seconds must be a whole number above 0, not '${process.argv[2]}'`);
  process.exit(2);
}
const only = process.argv[3];
const chosen = Object.entries(kFuzzers).filter(([name]) => only === undefined || name === only);
if (chosen.length === 0) {
  console.error(`no fuzz target '${only}': ${Object.keys(kFuzzers).join(', ')}`);
  process.exit(2);
}
const folder = kTrees.fuzz.folder;
for (const [name, { seeds, limits }] of chosen) {
  const program = readdirSync(folder, { recursive: true }).find((path) => path.endsWith(`/fuzz_${name}`));
  if (!program) {
    console.error(`no fuzz_${name} in ${folder}`);
    process.exit(1);
  }
  const corpus = join(folder, `corpus-${name}`);
  mkdirSync(corpus, { recursive: true });
  const args = [`-max_total_time=${seconds}`, ...limits, '-print_final_stats=1', `-artifact_prefix=${folder}/`];
  const env = { ...process.env, OTF_SEEDS: corpus };
  const { status } = spawnSync(join(folder, program), [...args, corpus, ...seeds], { stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
