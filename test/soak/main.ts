/** `npm run soak -- --seconds N [--seed S]`: prints what happens; exit code 1 when something did not hold. */
import type { TestContext } from 'node:test';
import { parseArgs } from 'node:util';
import { soak } from './soak.js';

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? '60');
const seed = Number(values.seed ?? String(Date.now() % 1_000_000));
if (!(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write('usage: npm run soak -- --seconds N [--seed S]\n');
  process.exit(2);
}
const cleanUp: (() => unknown)[] = [];
const context = { after: (work: () => unknown) => cleanUp.push(work) } as unknown as TestContext;
const say = (line: string) => process.stdout.write(`${line}\n`);
say(`soak: ${seconds} s, seed ${seed}`);
try {
  const { faults, summary } = await soak(context, { seconds, seed, say });
  say(summary);
  for (const fault of faults.slice(0, 50)) say(`FAULT ${fault}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  // Servers before the folders they write into.
  for (const work of cleanUp.reverse()) await work();
}
