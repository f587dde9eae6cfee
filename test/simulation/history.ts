/** One seed, one history: people's doings and the machine's faults, and what must hold whatever happens. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { real } from './disk.js';
import { type Image, People, type Person } from './people.js';
import type { Sim } from './sim.js';
import type { Workers } from './workers.js';
import { type Fixed, kLeaseMs, kSyncMs, layTokens, World } from './world.js';

export interface HistoryParts extends Fixed {
  sim: Sim;
  /** Empty, and removed by the caller. */
  dir: string;
  persons: readonly Person[];
  /** What the server knows them by. */
  tokens: string;
  images: readonly Image[];
  /** The disk syncs nothing: what is acknowledged may be lost, and this has to find it. */
  lies?: boolean;
  /** Told the world before anything happens. */
  begun: (world: World) => void;
}

const kSteps = 40;
/** A worker says that it lives once in that time. */
const kBeforeBeatMs = 1000;
/** For what is left to be done, once nothing fails any more. */
const kRestMs = 30 * 60_000;
/** For what workers still have to tell, over lines that lose some of it. */
const kWorkersMs = 60_000;

export async function history(parts: HistoryParts): Promise<Record<string, number>> {
  const { sim, dir, persons, images } = parts;
  const world = new World(sim, dir, parts);
  parts.begun(world);
  layTokens(world.disk, parts.tokens);
  world.disk.lies = parts.lies ?? false;
  const people = new People(world, persons, images);
  await world.start();
  world.workers?.startAll();
  for (let step = 0; step < kSteps && sim.faults.length === 0; step++) {
    if (sim.chance(world.workers ? 0.4 : 0.25)) await somethingHappens(world, people);
    else people.act();
    people.everTroubled ||= !world.calm;
    await sim.run(sim.nowMs + sim.between(0, pauseMs(world)));
    if (!world.running) await comeBack(world);
  }
  if (sim.faults.length === 0) await rest(world, people, images);
  world.workers?.clear();
  if (world.running) await world.crash('kill');
  // Modules keep queues of their own: they are to be empty for the next one.
  await sim.run(sim.nowMs + 1);
  const kills = world.workers?.kills;
  return { ...people.counts, crashes: world.crashes, ...(kills === undefined ? {} : { 'workers killed': kills }) };
}

function pauseMs({ sim, workers }: World): number {
  if (workers) return sim.chance(0.3) ? 8000 : 600;
  return sim.chance(0.1) ? 20_000 : 600;
}

/** A server that did not start on a disk that fails starts on one that does not. */
async function comeBack(world: World): Promise<void> {
  if (await world.start()) return;
  world.calmDown();
  await world.start();
}

function changing(change: () => unknown): () => undefined {
  return () => {
    change();
    return undefined;
  };
}

async function somethingHappens(world: World, people: People): Promise<void> {
  const { sim, machineFaults: faults } = world;
  const { disk } = world;
  /** Goes on until it is told again, or everything is calm. */
  const toggle = (now: number, ...shares: number[]) => (now > 0 ? 0 : sim.pick(shares));
  const happenings: Happening[] = [
    ['kill', () => world.crash('kill')],
    ['power cut', () => world.crash('power')],
    ['stop', () => world.stop()],
    ['disk full', changing(() => Object.assign(disk, { full: !disk.full }))],
    [
      'disk errors',
      changing(() => Object.assign(world.faults, { ioErrors: toggle(world.faults.ioErrors, 0.01, 0.1, 0.5) })),
    ],
    ['engines die', changing(() => Object.assign(faults, { engineDies: toggle(faults.engineDies, 0.05, 0.3) }))],
    ['engines hang', changing(() => Object.assign(faults, { engineHangs: toggle(faults.engineHangs, 0.05) }))],
    ['threads die', changing(() => Object.assign(faults, { threadDies: toggle(faults.threadDies, 0.05) }))],
    ['clock', changing(() => sim.setClock(sim.pick([-3_600_000, -5000, 2000, 3_600_000, 86_400_000])))],
    ['calm', changing(() => world.calmDown())],
  ];
  const { workers } = world;
  const [name, happen] = sim.pick(
    workers
      ? [...happenings.filter(([what]) => kBesideWorkers.has(what)), ...ofWorkers(world, workers, people)]
      : happenings,
  );
  sim.note(`-- ${name}`);
  await happen();
  if (!world.calm) world.trouble();
}

/** What ends jobs by itself would hide what workers do. */
const kBesideWorkers = new Set(['kill', 'power cut', 'stop', 'engines die', 'clock', 'calm']);

type Happening = [string, () => Promise<void> | undefined];

function ofWorkers(world: World, workers: Workers, people: People): Happening[] {
  const { sim, faults } = world;
  /** Whoever brings something to a server that has just begun is gone before it has said that it lives. */
  const both = async () => {
    await world.crash('kill');
    await world.start();
    await sim.run(sim.nowMs + sim.between(0, kBeforeBeatMs));
    workers.kill();
  };
  const often: [number, string, () => Promise<void> | undefined][] = [
    [2, 'worker killed', changing(() => workers.kill())],
    [1, 'worker ends', changing(() => workers.stop())],
    [2, 'worker begins', changing(() => workers.startOne())],
    [1, 'workers begin', changing(() => workers.startAll())],
    [2, 'worker cut off', changing(() => workers.cutOne())],
    [4, 'worker cut off for a moment', () => workers.missOne(kLeaseMs)],
    [4, 'workers joined', changing(() => workers.joinAll())],
    [1, 'broker away', changing(() => workers.hub.setThere(false))],
    [3, 'broker there', changing(() => workers.hub.setThere(true))],
    [3, 'crowd', changing(() => people.crowd())],
    [2, 'server killed, and a worker after it', both],
    [1, 'disk slow', changing(() => Object.assign(faults, { syncMs: sim.pick([kSyncMs, 300, 3000]) }))],
  ];
  return often.flatMap(([times, name, happen]) => Array<Happening>(times).fill([name, happen]));
}

/** Nothing fails any more: everything comes to its end, and what is left is what is known. */
export async function rest(world: World, people: People, images: readonly Image[]): Promise<void> {
  const { sim } = world;
  world.calmDown();
  await people.finished();
  // What hangs between server and workers is not to wait for another start, nor for a worker that comes back.
  if (world.workers) {
    await inWorld(sim, () => afresh(people, images));
    await sim.run(sim.nowMs + sim.between(0, 6000));
    world.workers.kill();
    world.workers.kill();
    if (!(await allOver(world, people))) return;
  }
  if (world.running) await world.stop();
  if (!(await world.start()) || !(await allOver(world, people))) return;
  await inWorld(sim, () => people.check());
  await inWorld(sim, () => afresh(people, images));
  await sim.run(sim.nowMs + (world.workers ? kWorkersMs : 5000));
  await inWorld(sim, () => pairs(world));
}

/** False: something comes to no end, or was a fault. */
async function allOver({ sim, workers }: World, people: People): Promise<boolean> {
  const until = sim.nowMs + kRestMs;
  for (;;) {
    const left = await inWorld(sim, () => people.judge());
    if (sim.faults.length > 0) return false;
    if (left.length === 0) return true;
    if (sim.nowMs > until) {
      sim.fault(`${left.map(({ id }) => id).join(' ')} come to no end`);
      return false;
    }
    workers?.keepOne();
    await sim.run(sim.nowMs + 1000);
  }
}

/** A server that has come through all that works like any other. */
async function afresh(people: People, images: readonly Image[]): Promise<void> {
  for (const image of images) if (image.rows !== undefined) await people.submit(image, { plain: true });
}

/** No row without a folder, and no folder without a row. */
async function pairs(world: World): Promise<void> {
  const { sim } = world;
  const answer = await world.send({ method: 'GET', path: '/jobs', headers: kAdmin });
  if (answer.gone || answer.status !== 200)
    return sim.fault(`the list of all jobs: ${JSON.stringify(answer).slice(0, 200)}`);
  const rows = [...answer.body.matchAll(/<uws:jobref id="(\w+)"/g)].map(([, id]) => id ?? '').sort();
  const data = join(world.disk.root, 'data');
  const folders = readdirSync(join(data, 'jobs')).sort();
  if (rows.join() !== folders.join()) sim.fault(`rows ${rows.join()}, folders ${folders.join()}`);
  const inTrash = () => real.readdirSync(join(data, 'trash'));
  // A job may have come to its time a moment ago.
  if (inTrash().length > 0) await sim.pause(1000);
  const trash = inTrash();
  if (trash.length > 0) sim.fault(`in the trash: ${trash.join()}`);
  const parts = folders.flatMap((name) =>
    real.readdirSync(join(data, 'jobs', name)).filter((file) => file.startsWith('part-')),
  );
  if (parts.length > 0) sim.fault(`of attempts that do not count: ${parts.join()}`);
  const left = world.workers?.left() ?? [];
  if (left.length > 0) sim.fault(`left on workers: ${left.join()}`);
}

/** Of who may see everything; made by main.ts. */
export const kAdmin: Record<string, string> = { accept: 'application/xml' };

/** While somebody's doing goes on, time does. */
async function inWorld<T>(sim: Sim, work: () => Promise<T>): Promise<T> {
  let over = false;
  const done = work().finally(() => {
    over = true;
  });
  await sim.run(sim.nowMs + kRestMs, () => over);
  if (!over) {
    sim.fault('what was asked is answered never');
    throw new Error('no answer');
  }
  return done;
}
