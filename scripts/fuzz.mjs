// `npm run fuzz -- [SECONDS]`: libFuzzer on the reader of network files (default 60 s). New inputs are collected in
// build/fuzz/corpus; the conformance networks and what was found before seed it; a crash leaves its input in build/fuzz/crash-*.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kTrees } from './setup/native.mjs';

const seconds = Number(process.argv[2] ?? 60);
if (!Number.isInteger(seconds) || seconds < 1) {
  console.error(`seconds must be a whole number above 0, not '${process.argv[2]}'`);
  process.exit(2);
}
const folder = kTrees.fuzz.folder;
const program = readdirSync(folder, { recursive: true }).find((name) => /(^|\/)fuzz_model$/.test(name));
if (!program) {
  console.error(`no fuzz_model in ${folder}`);
  process.exit(1);
}
const corpus = join(folder, 'corpus');
mkdirSync(corpus, { recursive: true });
const limits = [`-max_total_time=${seconds}`, '-timeout=10', '-rss_limit_mb=1024', '-print_final_stats=1'];
const args = [...limits, `-artifact_prefix=${folder}/`, corpus, 'test/fixtures/networks', 'test/fixtures/fuzz-model'];
const { status } = spawnSync(join(folder, program), args, { stdio: 'inherit' });
process.exit(status ?? 1);
