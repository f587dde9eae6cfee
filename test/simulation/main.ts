/**
 * `npm run simulate-faults -- [--seeds N] [--from S] [--say]`: so many histories, one seed each. A seed that fails prints one
 * line that repeats it; exit code 1 then. `--workers N`: with jobs on so many other machines (workers.ts). `--pictures N`: instead
 * of that, a start from N states of the disk of a small history (images.ts). `--twice`: each again, which has to be the same. `--lies`: on a disk that syncs nothing, to see that it is noticed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kFixtures, kProgram, kRoot } from '../support/cli.js';
import { installClock } from './clock.js';
import { installFiles } from './files.js';
import type { HistoryParts } from './history.js';
import { installDatabase, NativeParts, simPool } from './machines.js';
import { Oracle } from './oracle.js';
import type { Image, Person } from './people.js';
import { Sim } from './sim.js';
import type { SimApp } from './sockets.js';
import type { World } from './world.js';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const { values } = parseArgs({
  options: { seeds: text, from: text, say: flag, lies: flag, twice: flag, pictures: text, workers: text },
});
const say = (line: string) => {
  process.stdout.write(`${line}\n`);
};
const [count, from] = [Number(values.seeds ?? '100'), Number(values.from ?? '1')];
const workersCount = values.workers === undefined ? undefined : Number(values.workers);
const isCount = (value: number) => Number.isInteger(value) && value > 0;
if (!(isCount(count) && Number.isInteger(from) && isCount(workersCount ?? 1))) {
  process.stderr.write(
    'usage: npm run simulate-faults -- [--seeds N] [--from SEED] [--say] [--twice] [--lies] [--workers N] [--pictures N]\n',
  );
  process.exit(2);
}

const require = createRequire(import.meta.url);
const kLeastMemory = 2e9;
/** So many that fail are enough; of those that have to, one. */
const kAgainst = values.lies ? 1 : 5;
const persons: Person[] = ['alice', 'bob'].map((name, index) => ({ name, token: tokenOf(index) }));
const admin: Person = { name: 'root', token: tokenOf(9) };
const worker: Person = { name: 'worker', token: tokenOf(8) };
const scratch = mkdtempSync(join(memory() ?? tmpdir(), 'otf-simulation-'));
const images = [fixture('field-230x180'), simulated(300)];
images.push({ name: 'no image', bytes: Buffer.from('no FITS at all'), rows: undefined });

const began = performance.now();
const elapsed = performance.now.bind(performance);
let world: World | undefined;
let sim = new Sim(0);
const scene = (): World => {
  if (!world) throw new Error('there is no history');
  return world;
};
// Before anything of the server is loaded: what it imports is what it finds then.
const uWebSockets = require('uWebSockets.js') as Record<string, unknown>;
uWebSockets.App = () => scene().app;
uWebSockets.us_socket_local_port = () => 8080;
uWebSockets.us_listen_socket_close = (app: SimApp) => app.stopListening();
Object.defineProperty(require('piscina'), 'Piscina', { value: simPool(scene) });
const databases = installDatabase(scene);
installClock(() => sim);
installFiles(scene, () => world !== undefined);
const addon = (await import('#otf/engine/addon.js')).native();
const oracle = new Oracle({ ...addon });
const native = new NativeParts(addon, { ...addon }, oracle, scene);
const { history, kAdmin } = await import('./history.js');
const { sweepImages } = await import('./images.js');
const { fillCache, kWorkToken } = await import('./workers.js');
const { kKinds, workOf } = await import('#otf/tasks/registry.js');
// What is loaded when it is needed first would be waited for in one history and not in the next.
for (const { name } of kKinds) await workOf(name);
kAdmin.authorization = `Bearer ${admin.token}`;
kWorkToken.authorization = `Bearer ${worker.token}`;
const workersCache = join(scratch, 'cache');
if (workersCount !== undefined) await fillCache(join(kRoot, 'models'), workersCache, join(scratch, 'nobody'));
process.on('unhandledRejection', (thrown) => {
  sim.fault(`nobody caught: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
});

/** Everything there is one of, for the history of this seed. */
function partsOf(seed: number, name = String(seed)): HistoryParts {
  sim = new Sim(seed);
  sim.veil = (line) => line.replaceAll(scratch, '');
  if (values.say) sim.say = say;
  const begun = (its: World) => {
    world = its;
  };
  const workers = workersCount === undefined ? undefined : { count: workersCount, cache: workersCache };
  const fixed = { persons, images, tokens: tokensFile(), models: join(kRoot, 'models'), native, databases, workers };
  return { ...fixed, sim, dir: join(scratch, name), lies: values.lies ?? false, begun };
}

async function histories(): Promise<number> {
  const totals: Record<string, number> = {};
  let [failed, events] = [0, 0];
  let seed = from;
  for (; seed < from + count && failed < kAgainst; seed++) {
    const counts = await history(partsOf(seed)).catch((thrown) => {
      sim.fault(`the history itself: ${(thrown as Error).stack}`);
      return {} as Record<string, number>;
    });
    for (const [what, number] of Object.entries(counts)) totals[what] = (totals[what] ?? 0) + number;
    events += sim.events;
    const { digest } = sim;
    say(`seed ${seed}: ${digest}`);
    rmSync(join(scratch, String(seed)), { recursive: true, force: true });
    if (values.twice && sim.faults.length === 0) {
      await history(partsOf(seed));
      if (sim.digest !== digest) sim.fault(`the second time it is another history, ${sim.digest}`);
      rmSync(join(scratch, String(seed)), { recursive: true, force: true });
    }
    if (sim.faults.length === 0) continue;
    failed++;
    const more = workersCount === undefined ? '' : ` --workers ${workersCount}`;
    say(`FAULT ${sim.faults[0]}\n  again: npm run simulate-faults -- --seeds 1 --from ${seed}${more} --say`);
  }
  const what = Object.entries(totals).sort(([a], [b]) => a.localeCompare(b));
  say(`${seed - from} histories, ${events} events: ${what.map(([name, number]) => `${name} ${number}`).join(', ')}`);
  return failed;
}

async function pictures(most: number): Promise<number> {
  const faults = await sweepImages((name, later = 0) => partsOf(from + later, `pictures/${name}`), most, say);
  for (const fault of faults) say(`FAULT ${fault}`);
  return faults.length;
}

const failed = values.pictures === undefined ? await histories() : await pictures(Number(values.pictures));
oracle.close();
rmSync(scratch, { recursive: true, force: true });
say(`${((elapsed() - began) / 1000).toFixed(1)} s; ${failed === 0 ? 'all of it held' : `${failed} did not hold`}`);
process.exit(failed === 0 ? 0 : 1);

/** A folder in memory with room for many disks: what is lost in a power cut is decided here, and not by a real disk. */
function memory(): string | undefined {
  const folder = '/dev/shm';
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > kLeastMemory ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Every tile of it costs each history that has it some milliseconds: it has one. */
function fixture(name: string): Image {
  return imageOf(name, join(kFixtures, 'detection', name, 'field.fits'));
}

/** One of several tiles, and no larger than that. */
function simulated(sizePx: number): Image {
  const dir = join(scratch, `field-${sizePx}`);
  run('simulate', '--size', String(sizePx), '--seed', '3', '-o', dir);
  return imageOf(`field-${sizePx}`, join(dir, 'field.fits'));
}

/** And the catalogue `detect` gives of it. */
function imageOf(name: string, path: string): Image {
  const output = join(scratch, `${name}.csv`);
  run('detect', path, '--format', 'csv', '-o', output);
  return { name, bytes: readFileSync(path), rows: readFileSync(output, 'utf8') };
}

function run(...args: string[]): void {
  const ran = spawnSync(process.execPath, [kProgram, ...args], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`${args[0]}: ${ran.stderr}`);
}

function secretOf(index: number): string {
  return String(index).repeat(43);
}

function tokenOf(index: number): string {
  return `otf_${String(index).repeat(12)}_${secretOf(index)}`;
}

function tokensFile(): string {
  const records = [...persons, admin, worker].map(({ name: owner, token }) => {
    const [, id = '', secret = ''] = token.split('_');
    const hash = createHash('sha256').update(secret).digest('hex');
    const special: Record<string, string[]> = { root: ['read', 'write', 'admin'], worker: ['work'] };
    const scopes = special[owner] ?? ['read', 'write'];
    return { id, owner, scopes, hash, createdMs: 0, expiresMs: null, note: '' };
  });
  return JSON.stringify({ version: 1, tokens: records });
}
