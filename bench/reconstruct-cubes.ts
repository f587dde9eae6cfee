/** Simulated cubes for `bench reconstruct`, and what a method makes of them. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type CubeSource,
  type FoundReconstruction,
  native,
  type SimulateCubeOutcome,
  type SimulateCubeRequest,
} from '#otf/engine/addon.js';
import type { ReconstructorCard } from '#otf/tasks/reconstruction/card.js';
import { runReconstruction } from '#otf/tasks/reconstruction/here.js';
import type { Method } from '#otf/tasks/reconstruction/parameters.js';

export const kCellArcsec = 3;
export const kTrainedArray = fileURLToPath(new URL('../../models/demo-transients/array.enu', import.meta.url));

export type CubeOf = Partial<SimulateCubeRequest> & { declinations?: [number, number]; hourAngles?: [number, number] };

/** Cube `index` of the fixed set of a seed: pointings in the ranges of declinations and hour angles. */
export function cubeRequest(
  { declinations: [low, high] = [-45, -15], hourAngles: [before, behind] = [-10, 10], ...of }: CubeOf,
  seed: number,
  index: number,
): SimulateCubeRequest {
  const part = (prime: number) => (((seed + 1) * 7919 + index * prime) % 1000) / 1000;
  return {
    folder: '',
    sizePx: 64,
    frames: 32,
    cellArcsec: kCellArcsec,
    frequencyMHz: 1400,
    bandwidthMHz: 0,
    channels: 1,
    array: 'trained',
    ...(of.array === undefined ? { arrayFile: kTrainedArray } : {}),
    latitudeDeg: -30.713,
    declinationDeg: low + (high - low) * part(617),
    hourAngleDeg: before + (behind - before) * part(389),
    hours: 8,
    snapshots: 5,
    weighting: 'briggs',
    robust: 0,
    superWeight: 1,
    noise: 1e-3,
    sefdJy: 0,
    efficiency: 1,
    integrationS: 1,
    transients: 3,
    steady: 3,
    shapes: 'gate,gaussian,decay',
    tauMin: 2,
    tauMax: 4,
    sigmaOverPeak: 0.2,
    spread: 1,
    separationPx: 4,
    extendedJy: 0,
    primaryBeam: false,
    gainError: 0,
    phaseErrorDeg: 0,
    exact: false,
    seed: seed * 100_000 + index,
    ...of,
  };
}

/** Of a float32 image that this program wrote. */
async function readPixels(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  const end = bytes.indexOf('END'.padEnd(80), 0, 'latin1');
  const start = Math.ceil((end + 80) / 2880) * 2880;
  const header = bytes.toString('latin1', 0, end);
  const lengths = [...header.matchAll(/NAXIS(\d) += +(\d+)/g)].map(([, , length]) => Number(length));
  const out = new Float32Array(lengths.reduce((product, length) => product * length, 1));
  for (let i = 0; i < out.length; i += 1) out[i] = bytes.readFloatBE(start + 4 * i);
  return out;
}

/** A simulated cube in a folder. */
export interface Cube {
  folder: string;
  sources: CubeSource[];
  /** Pixels of the truth, and those of the same noise without a source. */
  truth: Float32Array;
  noise: Float32Array;
}

export interface CubeRun {
  sources: CubeSource[];
  found: FoundReconstruction;
  /** Rms of the reconstruction where the sky is empty, in the cube's unit. */
  background: number;
  /** Detection statistic. */
  map: Float32Array;
  /** Of the dirty cube at each source's pixel: [source][frame], in the cube's unit. */
  noise: number[][];
}

/** In a folder of its own, removed at the end. */
export async function withCube<T>(request: SimulateCubeRequest, use: (cube: Cube) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  const simulated = async (name: string, of: SimulateCubeRequest): Promise<SimulateCubeOutcome> => {
    await mkdir(join(folder, name));
    return native().simulateCube({ ...of, folder: join(folder, name) });
  };
  try {
    await simulated('noise', { ...request, transients: 0, steady: 0 });
    const { sources } = await simulated('sky', request);
    const [truth, noise] = [
      await readPixels(join(folder, 'sky/truth.fits')),
      await readPixels(join(folder, 'noise/dirty.fits')),
    ];
    return await use({ folder, sources, truth, noise });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface RunOptions {
  card: ReconstructorCard;
  method: Method;
  threads: number;
  engine: string;
}

export async function runMethod(cube: Cube, { card, method, threads, engine }: RunOptions): Promise<CubeRun> {
  const { folder, sources } = cube;
  const out = join(folder, method);
  await mkdir(out);
  const file = (name: string) => [{ path: join(folder, 'sky', name), name }];
  // 1-based, as requests have them.
  const positions = sources.map(({ x, y }, row) => `T${row},px,${x + 1},${y + 1}`).join(';');
  const asked = { method, ...(positions === '' ? {} : { positions }) };
  const task = { cube: file('dirty.fits'), psf: file('psf.fits'), card, folder: out, asked };
  const engineOf = { name: engine, threads, batch: 1 };
  const { record } = await runReconstruction({ ...task, engine: engineOf }, () => undefined);
  const { found } = record;
  return {
    sources,
    found,
    background: backgroundOf(await readPixels(join(out, 'reconstructed.fits')), cube.truth, found.sigmas[0] ?? 0),
    map: await readPixels(join(out, 'snr_max.fits')),
    noise: sources.map(({ x, y }) => profileAt(cube.noise, found, Math.round(x), Math.round(y))),
  };
}

function backgroundOf(pixels: Float32Array, truth: Float32Array, sigma: number): number {
  let sum = 0;
  let count = 0;
  pixels.forEach((value, i) => {
    if ((truth[i] ?? 0) >= 0.01 * sigma) return;
    sum += value * value;
    count += 1;
  });
  return Math.sqrt(sum / count);
}

function profileAt(pixels: Float32Array, { cube }: FoundReconstruction, x: number, y: number): number[] {
  const { width, height, frames } = cube;
  return Array.from({ length: frames }, (_, t) => pixels[(t * height + y) * width + x] ?? Number.NaN);
}
