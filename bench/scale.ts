/**
 * `bench scale`: a real server, a real broker and real workers whose devices are clocks (simulated-runner.ts): what of so many
 * devices is used, what a task costs front and broker, and whether networks stay where they are loaded.
 */
import { access, constants, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { print, textTable } from '#otf/cli/table.js';
import { native } from '#otf/engine/addon.js';
import { conditions, printConditions } from './conditions.js';
import { type Key, kKeys, ScaleSite } from './scale-site.js';

interface BenchScaleOptions {
  workers: number[];
  seconds: number;
  warmUp: number;
  json?: boolean;
}

interface Case {
  name: string;
  workers: number;
  tiles: number;
  loadMs: number;
  keys: readonly Key[];
}

interface Place {
  folder: string;
  /** Of the workers. */
  theirs: string;
}

interface Figure {
  name: string;
  tasksPerS: number;
  tilesPerS: number;
  /** Of what so many devices can do. */
  used: number;
  /** Loads of a network within the window. */
  loads: number;
  /** Milliseconds of CPU a task. */
  front: number;
  broker: number;
  workers: number;
  submit: number;
  /** Of the machine's CPUs. */
  idle: number;
}

const kTileMs = 20;
const kSecondTiles = 50;
const kHalfTiles = 25;
const kLoadMs = 2000;
/** 1 MB of pixels. */
const kSizePx = 512;
const kAffinityWorkers = 16;
const kMemory = '/dev/shm';

export async function benchScale({ workers, seconds, warmUp, json }: BenchScaleOptions): Promise<void> {
  const before = await conditions();
  const cases: Case[] = workers.map((count) => {
    return { name: `${count} x 1 s`, workers: count, tiles: kSecondTiles, loadMs: 0, keys: kKeys.slice(0, 1) };
  });
  const several = { workers: kAffinityWorkers, tiles: kHalfTiles, loadMs: kLoadMs, keys: kKeys };
  cases.push({ name: `${kAffinityWorkers} x 0.5 s, ${kKeys.length} networks`, ...several });
  const figures: Figure[] = [];
  const folders: string[] = [];
  const folderIn = async (parent: string) => {
    const folder = await mkdtemp(join(parent, 'cianna-otf-bench-'));
    folders.push(folder);
    return folder;
  };
  try {
    for (const each of cases) {
      const place: Place = { folder: await folderIn(tmpdir()), theirs: await folderIn(await elsewhere()) };
      const figure = await measured(each, place, seconds, warmUp);
      figures.push(figure);
      // A long measurement tells what it has.
      process.stderr.write(
        `${figure.name}: ${figure.tasksPerS.toFixed(1)} tasks/s, ${(100 * figure.used).toFixed(1)} %\n`,
      );
    }
  } finally {
    for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  if (json) return print(JSON.stringify({ conditions: before, figures }, null, 2));
  printConditions(before);
  print(`tiles of ${kTileMs} ms on simulated devices; a window of ${seconds} s after ${warmUp} s; CPU in ms a task\n`);
  const titles = ['tasks/s', 'tiles/s', 'used %', 'loads', 'front', 'broker', 'worker', 'submit', 'idle %'];
  const rows = figures.map((it) => [
    it.name,
    it.tasksPerS.toFixed(1),
    it.tilesPerS.toFixed(0),
    (100 * it.used).toFixed(1),
    String(it.loads),
    ...[it.front, it.broker, it.workers, it.submit].map((ms) => ms.toFixed(2)),
    (100 * it.idle).toFixed(0),
  ]);
  print(textTable([{ title: 'devices x task', align: 'left' }, ...titles.map((title) => ({ title }))], rows));
}

async function measured(of: Case, { folder, theirs }: Place, seconds: number, warmUp: number): Promise<Figure> {
  const image = join(folder, 'field.fits');
  await native().simulate({ output: image, sizePx: kSizePx, density: 0.001, noise: 4e-7, seed: 1 });
  const site = await ScaleSite.start(folder);
  try {
    const taskS = (of.tiles * kTileMs) / 1000;
    // Enough for a start, the window, and what every device has ahead.
    const count = Math.ceil(of.workers * (24 + (1.5 * seconds + 1.2 * warmUp) / taskS));
    const submit = 1000 * (await site.submit(await readFile(image), count, of.keys));
    await site.employ(of.workers, join(theirs, 'cache'), { tileMs: kTileMs, tiles: of.tiles, loadMs: of.loadMs });
    // A server runs for weeks: what its code costs to compile is no task's.
    await pause(warmUp * 1000);
    const first = await site.sample();
    await pause(seconds * 1000);
    const last = await site.sample();
    const took = (last.atMs - first.atMs) / 1000;
    const tasks = last.completed - first.completed;
    const perTask = (part: 'front' | 'broker' | 'cpuSeconds') => (1000 * (last[part] - first[part])) / tasks;
    const tilesPerS = (last.tiles - first.tiles) / took;
    return {
      name: of.name,
      tasksPerS: tasks / took,
      tilesPerS,
      used: (tilesPerS * kTileMs) / 1000 / of.workers,
      loads: last.loads - first.loads,
      front: perTask('front'),
      broker: perTask('broker'),
      workers: perTask('cpuSeconds'),
      submit,
      idle: (last.idle - first.idle) / (last.all - first.all),
    };
  } finally {
    await site.stop();
  }
}

/**
 * Workers have disks of their own. On one with the server's, room for each file that it makes is looked for beyond all inodes that they
 * have freed in the last minutes (ext4, Linux 6.18: a seventh of what a task took of it). So nothing goes before all is measured, and the
 * next measurement on that disk is better not begun at once.
 */
async function elsewhere(): Promise<string> {
  return access(kMemory, constants.W_OK).then(
    () => kMemory,
    () => tmpdir(),
  );
}
