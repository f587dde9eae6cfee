/** One seed, one history: people's doings and the machine's faults, and what must hold whatever happens. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { real } from './disk.js';
import { type Image, People, type Person } from './people.js';
import type { Sim } from './sim.js';
import { type Fixed, layTokens, World } from './world.js';

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
/** For what is left to be done, once nothing fails any more. */
const kRestMs = 30 * 60_000;

export async function history(parts: HistoryParts): Promise<Record<string, number>> {
  const { sim, dir, persons, images } = parts;
  const world = new World(sim, dir, parts);
  parts.begun(world);
  layTokens(world.disk, parts.tokens);
  world.disk.lies = parts.lies ?? false;
  const people = new People(world, persons, images);
  await world.start();
  for (let step = 0; step < kSteps && sim.faults.length === 0; step++) {
    if (sim.chance(0.25)) await somethingHappens(world);
    else people.act();
    people.everTroubled ||= !world.calm;
    await sim.run(sim.nowMs + sim.between(0, sim.chance(0.1) ? 20_000 : 600));
    if (!world.running) await comeBack(world);
  }
  if (sim.faults.length === 0) await rest(world, people, images);
  if (world.running) await world.crash('kill');
  // Modules keep queues of their own: they are to be empty for the next one.
  await sim.run(sim.nowMs + 1);
  return { ...people.counts, crashes: world.crashes };
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

async function somethingHappens(world: World): Promise<void> {
  const { sim, machineFaults: faults } = world;
  const { disk } = world;
  /** Goes on until it is told again, or everything is calm. */
  const toggle = (now: number, ...shares: number[]) => (now > 0 ? 0 : sim.pick(shares));
  const happenings: [string, () => Promise<void> | undefined][] = [
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
  const [name, happen] = sim.pick(happenings);
  sim.note(`-- ${name}`);
  await happen();
  if (!world.calm) world.trouble();
}

/** Nothing fails any more: everything comes to its end, and what is left is what is known. */
export async function rest(world: World, people: People, images: readonly Image[]): Promise<void> {
  const { sim } = world;
  world.calmDown();
  await people.finished();
  if (world.running) await world.stop();
  if (!(await world.start())) return;
  const until = sim.nowMs + kRestMs;
  for (;;) {
    const left = await inWorld(sim, () => people.judge());
    if (left.length === 0 || sim.faults.length > 0) break;
    if (sim.nowMs > until) return sim.fault(`${left.map(({ id }) => id).join(' ')} come to no end`);
    await sim.run(sim.nowMs + 1000);
  }
  await inWorld(sim, () => people.check());
  await inWorld(sim, () => afresh(people, images));
  await sim.run(sim.nowMs + 5000);
  await inWorld(sim, () => pairs(world));
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
  const trash = real.readdirSync(join(data, 'trash'));
  if (trash.length > 0) sim.fault(`in the trash: ${trash.join()}`);
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
