/**
 * `npm run torture [-- --tasks N] [--seconds S] [--only SCENE,SCENE] [--seed S] [--json FILE]`: what a real server comes through, scene
 * by scene: a table, and the same as JSON. Exit code 1 when something did not hold.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { overload } from '../soak/overload.js';
import { endAll, standInContext } from '../support/endings.js';
import { clock } from './clock.js';
import { crowd } from './crowd.js';
import { damage, fullDisk, readOnly } from './disk.js';
import { engines } from './engines.js';
import { turnsReadOnly } from './read-only.js';
import type { Outcome, Scene } from './scene.js';

const kOverload = 4;
const kStatusMs = 50;

const overloaded: Scene = async (t, { seconds, say }) => {
  const { faults, figures } = await overload(t, { seconds, factor: kOverload, say: (line) => say(`  ${line}`) });
  const p99 = figures['status p99 ms'] ?? Number.NaN;
  return { figures, faults: p99 < kStatusMs ? faults : [...faults, `status p99 is ${p99} ms`] };
};

const kScenes: Record<string, Scene> = {
  damage,
  'read-only': readOnly,
  'turns-read-only': turnsReadOnly,
  'full-disk': fullDisk,
  clock,
  engines,
  overload: overloaded,
  crowd,
};

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { tasks: text, seconds: text, only: text, seed: text, json: text } });
const [tasks, seconds, seed] = [values.tasks ?? 20_000, values.seconds ?? 600, values.seed ?? 1].map(Number);
const names = values.only?.split(',') ?? Object.keys(kScenes);
if (!(tasks && tasks > 0 && seconds && seconds > 0 && Number.isInteger(seed)) || names.some((name) => !kScenes[name])) {
  process.stderr.write(
    `usage: npm run torture [-- --tasks N] [--seconds S] [--only ${Object.keys(kScenes).join(',')}] [--seed S] [--json FILE]\n`,
  );
  process.exit(2);
}
const say = (line: string) => process.stdout.write(`${line}\n`);

async function played(name: string): Promise<Outcome & { name: string; seconds: number }> {
  const context = standInContext();
  const began = performance.now();
  say(name);
  let outcome: Outcome = { figures: {}, faults: [] };
  try {
    const given = { seed: seed as number, tasks: tasks as number, seconds: seconds as number, say };
    outcome = (await kScenes[name]?.(context, given)) ?? outcome;
  } catch (thrown) {
    outcome.faults.push(`the scene itself: ${(thrown as Error).stack}`);
  } finally {
    await endAll(context);
  }
  return { name, seconds: Number(((performance.now() - began) / 1000).toFixed(1)), ...outcome };
}

const rows: Awaited<ReturnType<typeof played>>[] = [];
for (const name of names) rows.push(await played(name));
const faults = rows.flatMap(({ name, faults: own }) => own.map((fault) => `${name}: ${fault}`));
say('');
for (const { name, seconds: took, figures, faults: own, skipped } of rows) {
  const verdict = skipped === undefined ? (own.length === 0 ? 'held' : `${own.length} FAULTS`) : `left out: ${skipped}`;
  const told = Object.entries(figures).map(([what, figure]) => `${what} ${figure}`);
  say(`${name.padEnd(15)} ${verdict.padEnd(8)} ${took.toFixed(1).padStart(7)} s  ${told.join(', ')}`);
}
for (const fault of faults.slice(0, 50)) say(`FAULT ${fault}`);
if (values.json !== undefined) {
  const asked = { tasks, seconds, seed };
  await writeFile(values.json, `${JSON.stringify({ node: process.version, asked, scenes: rows, faults }, null, 2)}\n`);
}
process.exitCode = faults.length === 0 ? 0 : 1;
