// `npm test`: set-up, then node's own test runner over every test/*.test.ts (compiled) and, through test/native.test.ts,
// every native test program. Arguments are passed to node's runner, e.g. `npm test -- --test-name-pattern=VOTable`.
//
// The tests start real servers, brokers and batch systems and kill them, on whatever machine this is. Where a few fail, their
// files run once more, and a fault is what fails twice. What failed once is named at the end: it is to be mended, too.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setUp } from './setup.mjs';
import { limitFiles } from './test/limit.mjs';

/** More than these are no accident. */
const kMostAgain = 3;

/** Runs the files; the tests that failed, undefined where the runner itself ended otherwise. */
async function failuresOf(files, report) {
  const reporters = ['spec', './scripts/test/failures.mjs'].map((name) => `--test-reporter=${name}`);
  const places = ['stdout', report].map((place) => `--test-reporter-destination=${place}`);
  const options = ['--enable-source-maps', '--test', ...reporters, ...places, ...process.argv.slice(2)];
  const runner = spawn(process.execPath, [...options, ...files], { stdio: 'inherit' });
  const limited = limitFiles(runner.pid);
  const [status] = await once(runner, 'exit').finally(limited);
  const lines = readFileSync(report, 'utf8').split('\n').filter(Boolean);
  const failed = lines.map((line) => JSON.parse(line));
  return status === 0 || (status === 1 && failed.length > 0) ? failed : undefined;
}

const filesOf = (failed) => [...new Set(failed.map(({ file }) => file))];

await setUp({ test: true });
// From the sources' names: a compiled test whose source is gone must not run.
const all = readdirSync('test')
  .filter((name) => name.endsWith('.test.ts'))
  .sort()
  .map((name) => `dist/test/${name.replace(/\.ts$/, '.js')}`);
const folder = mkdtempSync(join(tmpdir(), 'cianna-otf-test-'));
try {
  const first = await failuresOf(all, join(folder, 'first'));
  if (!first) process.exitCode = 1;
  else if (first.length > 0) {
    const again = filesOf(first);
    const known = again.every((file) => all.includes(file));
    if (!known || again.length > kMostAgain) process.exitCode = 1;
    else {
      console.log(`\ntest: once more, what failed: ${again.join(', ')}\n`);
      const second = await failuresOf(again, join(folder, 'second'));
      process.exitCode = second?.length === 0 ? 0 : 1;
      if (second?.length === 0) {
        console.log('\ntest: failed the first time and passed the second; find out why:');
        for (const { file, test } of first) console.log(`  ${file}: ${test}`);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
