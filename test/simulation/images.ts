/**
 * One small history, and before each write, sync and change of a name in it a picture of the disk as a cut would leave it then.
 * A server that starts on any of them has what had been acknowledged, and works.
 */
import { join } from 'node:path';
import { random } from '../soak/random.js';
import { spread } from '../support/spread.js';
import type { Cut, Disk } from './disk.js';
import { type HistoryParts, rest } from './history.js';
import { type Known, People } from './people.js';
import { layTokens, World } from './world.js';

interface Picture {
  cut: Cut;
  at: number;
  disk: Disk;
  known: Known[];
}

const kCuts: readonly Cut[] = ['kill', 'power', 'worst'];
const kPauseMs = 3000;

/** Two jobs run, the second is deleted, a third is aborted. Pictures are taken before those changes that `wanted` says. */
async function smallHistory(parts: HistoryParts, wanted: ReadonlySet<number>) {
  const { sim, dir, persons, images } = parts;
  const world = new World(sim, dir, parts);
  parts.begun(world);
  layTokens(world.disk, parts.tokens);
  const people = new People(world, persons, images);
  const pictures: Picture[] = [];
  let changes = 0;
  world.disk.watch = () => {
    changes += 1;
    if (!wanted.has(changes)) return;
    for (const cut of kCuts) {
      // Chances of its own: the history is the same with pictures and without.
      const disk = world.disk.after(cut, join(dir, `picture-${changes}-${cut}`), random(changes));
      pictures.push({ cut, at: changes, disk, known: people.known.map((job) => ({ ...job })) });
    }
  };
  await world.start();
  for (const deed of ['submit', 'submit', 'delete', 'submit', 'abort'] as const) {
    people.doOne(deed);
    await sim.run(sim.nowMs + kPauseMs);
  }
  await people.finished();
  await world.stop();
  return { changes, pictures, faults: sim.faults };
}

/** Another seed: a server that starts draws no id that is taken. */
const kLater = 1;

/** Gives what did not hold, a line each. `fresh`: parts of another history, in a folder of its own, with a seed so many further on. */
export async function sweepImages(
  fresh: (name: string, later?: number) => HistoryParts,
  most: number,
  say: (line: string) => void,
): Promise<string[]> {
  const counted = await smallHistory(fresh('count'), new Set());
  const { pictures } = await smallHistory(fresh('pictures'), new Set(spread(counted.changes, most)));
  const faults = [...counted.faults];
  const missed = Math.min(most, counted.changes) * kCuts.length - pictures.length;
  if (missed !== 0) faults.push(`${missed} pictures are missing: the history with pictures is another one`);
  say(
    `pictures of the disk: ${pictures.length}, before ${pictures.length / kCuts.length} of ${counted.changes} changes`,
  );
  for (const { cut, at, disk, known } of pictures) {
    const parts = fresh(`from-${at}-${cut}`, kLater);
    const { sim, dir, persons, images } = parts;
    const world = new World(sim, dir, parts, disk);
    parts.begun(world);
    const people = new People(world, persons, images);
    people.known.push(...known);
    await world.start();
    await rest(world, people, images);
    if (world.running) await world.crash('kill');
    await sim.run(sim.nowMs + 1);
    for (const fault of sim.faults) faults.push(`change ${at}, ${cut}: ${fault}`);
  }
  return faults;
}
