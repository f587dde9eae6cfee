/** `bench reconstruct --speed`: how long one cube takes, what of that is the network's, and how much memory. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { print, textTable } from '#otf/cli/table.js';
import { native } from '#otf/engine/addon.js';
import { conditions, printConditions } from './conditions.js';
import { cubeRequest, kCellArcsec } from './reconstruct-cubes.js';

const kSizes = [128, 256, 512];
const kProgram = fileURLToPath(new URL('../../bin/cianna-otf.js', import.meta.url));

interface SpeedOptions {
  model: string;
  models: string;
  engine: string;
  threads: number;
  size?: number[];
  frames: number;
  repeats: number;
  json?: boolean;
}

interface Run {
  channels: number;
  infer: number;
  detect: number;
  measure: number;
  wall: number;
  /** Bytes: the most the process had resident, and what the engine says it took. */
  peak: number;
  engine: number;
}

interface Measured {
  size: number;
  best: Run;
  runs: Run[];
}

/** The side of a field whose w term at its edge is just allowed. */
const kFieldPx = 256;
/** That of the fields a network is trained with. */
const kTrainedPx = 64;

export async function benchReconstructSpeed(options: SpeedOptions): Promise<void> {
  const before = await conditions();
  const cubes: Measured[] = [];
  for (const size of options.size ?? kSizes) cubes.push(await measure(size, options));
  if (options.json) {
    print(JSON.stringify({ conditions: before, frames: options.frames, cubes }, null, 2));
    return;
  }
  printCubes(cubes, options);
  printConditions(before);
}

async function measure(size: number, options: SpeedOptions): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  try {
    // A larger field at a higher frequency, with the weights of the field of the training: the same PSF in pixels, and at the edge the
    // same w term.
    const wider = Math.max(1, (size / kFieldPx) ** 2);
    const cube = { cellArcsec: kCellArcsec / wider, frequencyMHz: 1400 * wider, transients: 10, steady: 10 };
    const superWeight = Math.max(1, Math.round(size / kTrainedPx));
    const request = { ...cubeRequest(cube, 77, 0), sizePx: size, frames: options.frames, superWeight };
    await native().simulateCube({ ...request, folder });
    const runs: Run[] = [];
    for (let at = 0; at < options.repeats; at += 1) runs.push(await runOnce(folder, options));
    return { size, best: runs.reduce((one, other) => (other.wall < one.wall ? other : one)), runs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In a process of its own, as users run it: what simulating took is not counted. */
async function runOnce(folder: string, { model, models, engine, threads }: SpeedOptions): Promise<Run> {
  const files = [join(folder, 'dirty.fits'), '--psf', join(folder, 'psf.fits'), '-o', join(folder, 'found')];
  const how = ['--model', model, '--models', models, '--engine', engine, '--threads', String(threads)];
  const args = [kProgram, 'reconstruct', ...files, ...how, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 28 });
  const { times, memory } = JSON.parse(stdout) as {
    times: Omit<Run, 'peak' | 'engine'>;
    memory: { engine_bytes: number; peak_rss_bytes: number };
  };
  return { ...times, peak: memory.peak_rss_bytes, engine: memory.engine_bytes };
}

function printCubes(cubes: readonly Measured[], { frames, repeats }: SpeedOptions): void {
  const parts = ['channels', 'infer', 'detect', 'measure'] as const;
  const perVoxel = ({ size, best }: Measured) => (best.wall / size / size / frames) * 1e6;
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  print(
    `seconds, best of ${repeats}; own: channels and light curves (measure), of all; above: peak memory without the engine's`,
  );
  const titles = 'cube|wall|channels|infer|detect|measure|own|us/voxel|peak MiB|engine MiB|above MiB'.split('|');
  const rows = cubes.map((cube) => [
    `${cube.size}x${cube.size}x${frames}`,
    cube.best.wall.toFixed(2),
    ...parts.map((part) => cube.best[part].toFixed(2)),
    `${(((cube.best.channels + cube.best.measure) / cube.best.wall) * 100).toFixed(0)} %`,
    perVoxel(cube).toFixed(2),
    mib(cube.best.peak),
    mib(cube.best.engine),
    mib(cube.best.peak - cube.best.engine),
  ]);
  print(
    textTable(
      titles.map((title) => ({ title })),
      rows,
    ),
  );
  print('');
}
