/** Simulated cubes for `bench reconstruct`, and what a method makes of them. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CubeSource, FoundReconstruction, SimulateCubeOutcome, SimulateCubeRequest } from '#otf/engine/addon.js';
import { loadAddon } from '#otf/engine/load.js';
import type { ReconstructorCard } from '#otf/tasks/reconstruction/card.js';
import { runReconstruction } from '#otf/tasks/reconstruction/here.js';
import type { Method } from '#otf/tasks/reconstruction/parameters.js';

const kArray = fileURLToPath(new URL('../../models/demo-transients/array.enu', import.meta.url));

export type CubeCase = Pick<
  SimulateCubeRequest,
  'transients' | 'steady' | 'sigmaOverPeak' | 'shapes' | 'tauMin' | 'tauMax' | 'gainError'
> & {
  array?: string;
};

/** Cube `index` of the fixed set of a seed: pointings at declinations -45 to -15, up to 10 degrees off transit. */
export function cubeRequest(folder: string, of: CubeCase, seed: number, index: number): SimulateCubeRequest {
  const part = (prime: number) => (((seed + 1) * 7919 + index * prime) % 1000) / 1000;
  return {
    folder,
    sizePx: 64,
    frames: 32,
    cellArcsec: 3,
    frequencyMHz: 1400,
    bandwidthMHz: 0,
    channels: 1,
    array: of.array ?? 'trained',
    ...(of.array === undefined ? { arrayFile: kArray } : {}),
    latitudeDeg: -30.713,
    declinationDeg: -45 + 30 * part(617),
    hourAngleDeg: -10 + 20 * part(389),
    hours: 8,
    snapshots: 5,
    weighting: 'briggs',
    robust: 0,
    noise: 1e-3,
    sefdJy: 0,
    efficiency: 1,
    integrationS: 1,
    spread: 1,
    separationPx: 4,
    extendedJy: 0,
    primaryBeam: false,
    phaseErrorDeg: of.gainError * 100,
    exact: false,
    seed: seed * 100_000 + index,
    ...of,
  };
}

/** Of a float32 image that this program wrote. */
export async function readPixels(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  const end = bytes.indexOf('END'.padEnd(80), 0, 'latin1');
  const start = Math.ceil((end + 80) / 2880) * 2880;
  const header = bytes.toString('latin1', 0, end);
  const lengths = [...header.matchAll(/NAXIS(\d) += +(\d+)/g)].map(([, , length]) => Number(length));
  const out = new Float32Array(lengths.reduce((product, length) => product * length, 1));
  for (let i = 0; i < out.length; i += 1) out[i] = bytes.readFloatBE(start + 4 * i);
  return out;
}

export interface CubeRun {
  sources: CubeSource[];
  found: FoundReconstruction;
  /** Of the reconstruction, in the cube's unit, and of the truth. */
  cube: Float32Array;
  truth: Float32Array;
  /** Detection statistic. */
  map: Float32Array;
  seconds: { infer: number; wall: number };
}

/** A folder of its own, removed at the end. */
export async function withCube<T>(
  request: SimulateCubeRequest,
  use: (folder: string, truth: SimulateCubeOutcome) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  try {
    return await use(folder, await (await loadAddon()).simulateCube({ ...request, folder }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function runMethod(
  folder: string,
  truth: SimulateCubeOutcome,
  { card, method, threads, engine }: { card: ReconstructorCard; method: Method; threads: number; engine: string },
): Promise<CubeRun> {
  const out = join(folder, method);
  await mkdir(out, { recursive: true });
  const file = (name: string) => [{ path: join(folder, name), name }];
  // 1-based, as requests have them.
  const positions = truth.sources.map(({ x, y }, row) => `T${row},px,${x + 1},${y + 1}`).join(';');
  const task = { cube: file('dirty.fits'), psf: file('psf.fits'), card, folder: out };
  const asked = { method, ...(positions === '' ? {} : { positions }) };
  const { record, inferSeconds, wallSeconds } = await runReconstruction(
    { ...task, asked, engine: { name: engine, threads, batch: 1 } },
    () => undefined,
  );
  return {
    sources: truth.sources,
    found: record.found,
    cube: await readPixels(join(out, 'reconstructed.fits')),
    truth: await readPixels(join(folder, 'truth.fits')),
    map: await readPixels(join(out, 'snr_max.fits')),
    seconds: { infer: inferSeconds, wall: wallSeconds },
  };
}
