// `npm test`: set-up, then node's own test runner over every test/*.test.ts (compiled) and, through test/native.test.ts,
// every native test program. Arguments are passed to node's runner, e.g. `npm test -- --test-name-pattern=VOTable`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setUp } from './setup.mjs';

await setUp({ test: true });
// From the sources' names: a compiled test whose source is gone must not run.
const files = readdirSync('test')
  .filter((name) => name.endsWith('.test.ts'))
  .sort()
  .map((name) => `dist/test/${name.replace(/\.ts$/, '.js')}`);
// A test that hangs fails; the longest file takes minutes.
const limit = `--test-timeout=${20 * 60_000}`;
const runner = ['--enable-source-maps', '--test', '--test-reporter=spec', limit, ...process.argv.slice(2), ...files];
const { status } = spawnSync(process.execPath, runner, { stdio: 'inherit' });
process.exit(status ?? 1);
