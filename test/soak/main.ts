/**
 * `npm run soak -- --seconds N [--seed S]`, `npm run soak -- --overload F --seconds N`: prints what happens; exit code 1
 * when something did not hold.
 */
import { parseArgs } from 'node:util';
import { endAll, standInContext } from '../support/endings.js';
import { chaos } from './chaos.js';
import { overload } from './overload.js';
import { soak } from './soak.js';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const { values } = parseArgs({
  options: {
    ...{ seconds: text, seed: text, overload: text, workers: text, jobs: text, kills: text },
    ...{ chaos: flag, 'spare-server': flag, cuts: flag },
  },
});
const seconds = Number(values.seconds ?? '60');
const seed = Number(values.seed ?? String(Date.now() % 1_000_000));
const factor = Number(values.overload ?? '0');
const workers = Number(values.workers ?? '3');
const [jobs, kills] = [Number(values.jobs ?? '0'), Number(values.kills ?? '0')];
if (!(seconds > 0) || !Number.isInteger(seed) || !(factor >= 0) || !(workers >= 1) || !(jobs >= 0) || !(kills >= 0)) {
  process.stderr.write(
    'usage: npm run soak -- --seconds N [--seed S | --overload FACTOR]\n       npm run chaos -- --seconds N [--jobs N] [--kills N] [--seed S] [--workers K] [--spare-server] [--cuts]\n',
  );
  process.exit(2);
}
const context = standInContext();
const say = (line: string) => process.stdout.write(`${line}\n`);
const what = values.chaos ? `chaos: ${workers} workers` : 'soak';
say(factor > 0 ? `overload: ${factor} times, ${seconds} s` : `${what}, ${seconds} s, seed ${seed}`);
try {
  const faults = factor > 0 ? (await overload(context, { seconds, factor, say })).faults : await soaked();
  for (const fault of faults.slice(0, 50)) say(`FAULT ${fault}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await endAll(context);
}

async function soaked(): Promise<string[]> {
  if (values.chaos) {
    const killServer = !values['spare-server'];
    return chaos(context, { seconds, jobs, kills, seed, workers, killServer, cuts: values.cuts ?? false, say });
  }
  const { faults, summary } = await soak(context, { seconds, seed, say });
  say(summary);
  return faults;
}
