/**
 * `npm run sweeps [-- --most N] [--only WHAT]`: prints what is swept and what did not hold; exit code 1 when something did not. The
 * pictures of a disk, before each of its changes, are those of the simulation (test/simulation/images.ts).
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kRoot, scratchDir } from '../support/cli.js';
import { sweepAllocations } from './allocations.js';
import { sweepDetect } from './detect.js';
import { sweepServer } from './server.js';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { most: text, only: text, 'at-once': text } });
const most = values.most === undefined ? Number.MAX_SAFE_INTEGER : Number(values.most);
const say = (line: string) => process.stdout.write(`${line}\n`);
const [scratch, atOnce] = [scratchDir(), Number(values['at-once'] ?? availableParallelism())];

function pictures(): string[] {
  const program = join(kRoot, 'dist/test/simulation/main.js');
  const args = ['--enable-source-maps', program, '--pictures', String(most)];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  return status === 0 ? [] : [`pictures of the disk: exit code ${status}`];
}

const kSweeps: Record<string, () => string[] | Promise<string[]>> = {
  'detect-write': () => sweepDetect(scratch, 'write', most, atOnce, say),
  'detect-sync': () => sweepDetect(scratch, 'sync', most, atOnce, say),
  // A server waits, as a rule.
  'server-write': () => sweepServer(scratch, 'write', most, 2 * atOnce, say),
  'server-sync': () => sweepServer(scratch, 'sync', most, 2 * atOnce, say),
  pictures,
  'server-allocation': () => sweepAllocations(scratch, most, 2 * atOnce, say),
  'detect-allocation': () => sweepDetect(scratch, 'allocation', most, atOnce, say),
};
const names = Object.keys(kSweeps);
if (!(Number.isInteger(most) && most >= 2 && atOnce >= 1) || (values.only && !names.includes(values.only))) {
  process.stderr.write(`usage: npm run sweeps [-- --most N] [--only ${names.join('|')}] [--at-once K]\n`);
  process.exit(2);
}
let count = 0;
for (const name of values.only === undefined ? names : [values.only]) {
  const began = performance.now();
  for (const fault of (await kSweeps[name]?.()) ?? []) {
    count += 1;
    say(`FAULT ${fault}`);
  }
  say(`${name}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
}
say(count === 0 ? 'all of it held' : `${count} did not hold`);
process.exitCode = count === 0 ? 0 : 1;
