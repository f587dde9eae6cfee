// `npm run test:sanitize`: every native test program under AddressSanitizer and UndefinedBehaviorSanitizer, one after the
// other; the first report of a sanitizer fails the program it is in. Built beforehand by setup.mjs --sanitize.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kTrees } from './setup/native.mjs';

const programs = readdirSync(kTrees.sanitize.folder, { recursive: true })
  .filter((name) => /(^|\/)test_[a-z_]+$/.test(name))
  .sort();
if (programs.length === 0) {
  console.error(`no test programs in ${kTrees.sanitize.folder}`);
  process.exit(1);
}
const env = {
  ...process.env,
  // Tests ask for impossible memory on purpose: the allocator must refuse as it does in life.
  ASAN_OPTIONS: 'allocator_may_return_null=1:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
};
let failed = 0;
for (const name of programs) {
  const started = performance.now();
  const { status, signal } = spawnSync(join(kTrees.sanitize.folder, name), ['--minimal=true'], {
    stdio: 'inherit',
    env,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict = status === 0 ? 'ok' : `FAILED (${signal ?? `exit ${status}`})`;
  console.log(`${name.split('/').pop().padEnd(24)} ${verdict.padEnd(10)} ${seconds.padStart(7)} s`);
  if (status !== 0) failed += 1;
}
console.log(
  failed === 0 ? `${programs.length} programs, no faults` : `${failed} of ${programs.length} programs failed`,
);
process.exit(failed === 0 ? 0 : 1);
