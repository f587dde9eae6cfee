/** `bench reconstruct --speed`: how long one cube takes, what of that is the network's, and how much memory. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { print, textTable } from '#otf/cli/table.js';
import { loadAddon } from '#otf/engine/load.js';
import { conditions, printConditions } from './conditions.js';
import { cubeRequest } from './reconstruct-cubes.js';

const kProgram = fileURLToPath(new URL('../../bin/cianna-otf.js', import.meta.url));

interface SpeedOptions {
  model: string;
  models: string;
  engine: string;
  threads: number;
  size: number;
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

export async function benchReconstructSpeed(options: SpeedOptions): Promise<void> {
  const before = await conditions();
  const { size, frames, repeats } = options;
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  try {
    const of = { transients: 10, steady: 10, sigmaOverPeak: 0.2, shapes: '', tauMin: 2, tauMax: 4, gainError: 0 };
    const cube = { ...cubeRequest(folder, of, 77, 0), sizePx: size, frames };
    await (await loadAddon()).simulateCube({ ...cube, folder });
    const runs: Run[] = [];
    for (let at = 0; at < repeats; at += 1) runs.push(await runOnce(folder, options));
    const best = runs.reduce((one, other) => (other.wall < one.wall ? other : one));
    if (options.json) print(JSON.stringify({ conditions: before, size, frames, runs }, null, 2));
    else printRun(best, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (!options.json) printConditions(before);
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

function printRun(run: Run, { size, frames, repeats }: SpeedOptions): void {
  const share = (seconds: number) => `${((seconds / run.wall) * 100).toFixed(0)} %`;
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const parts = ['channels', 'infer', 'detect', 'measure'] as const;
  print(`${size}x${size}x${frames}, best of ${repeats}: ${run.wall.toFixed(2)} s`);
  print(
    textTable(
      ['part', 's', 'of all'].map((title) => ({ title })),
      parts.map((part) => [part, run[part].toFixed(2), share(run[part])]),
    ),
  );
  print(
    `channels and light curves: ${share(run.channels + run.measure)}; they run beside the network where threads are free`,
  );
  print(`peak memory ${mib(run.peak)}, of which the engine ${mib(run.engine)}`);
}
