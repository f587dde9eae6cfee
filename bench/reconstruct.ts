/** `bench reconstruct`: the network beside CLEAN, CLEAN smoothed in time and a bank of filters, on simulated cubes with fixed seeds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print } from '#otf/cli/table.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { resolveModel } from '#otf/tasks/cards.js';
import { type ReconstructorCard, reconstructorCard } from '#otf/tasks/reconstruction/card.js';
import type { Method } from '#otf/tasks/reconstruction/parameters.js';
import { conditions, printConditions } from './conditions.js';
import { type CubeOf, type CubeRun, cubeRequest, runMethod, withCube } from './reconstruct-cubes.js';
import { detectionsOf, scoresOf, thresholdAt } from './reconstruct-scores.js';
import { type CubeSet, kAcceptanceSet, kCubeSets, requestOf } from './reconstruct-sets.js';
import { type LevelResult, printAcceptance, printLevel, type SetResult } from './reconstruct-table.js';

interface BenchOptions {
  model: string;
  models: string;
  engine: string;
  threads: number;
  cubes: number;
  otherCubes: number;
  seed: number;
  level: number[];
  set: string[];
  array?: string;
  latitude?: number;
  declinations?: [number, number];
  frequency?: number;
  cell?: number;
  hours?: number;
  hourAngles?: [number, number];
  weighting?: string;
  robust?: number;
  size?: number[];
  frames: number;
  calibrate?: boolean;
  json?: boolean;
}

const kMethods: readonly Method[] = ['clean', 'clean-smooth', 'clean-bank', 'network'];
const kFalsePerCube = 0.1;
const kScaleSnr = 5;
/** What a card's threshold is per: 0.1 peaks of noise in 64x64x32. */
const kCardVoxels = 64 * 64 * 32;
const kOtherPsf = /the PSF (is|has an rms of) .*, the network was trained for/;

export async function benchReconstruct(options: BenchOptions): Promise<void> {
  const before = await conditions();
  const card = reconstructorCard(await resolveModel(options.models, options.model));
  if (options.calibrate) return calibrate(card, options);
  const { seed, json } = options;
  const results: SetResult[] = [];
  if (!json) print(`fluxes in units of the peak; found: transients at ${kFalsePerCube} false per cube; seed ${seed}\n`);
  for (const set of kCubeSets.filter(({ name }) => options.set.includes(name))) {
    const cubes = set.name === kAcceptanceSet ? options.cubes : options.otherCubes;
    const levels: LevelResult[] = [];
    for (const level of options.level) {
      const result = await resultAt(card, set, level, { ...options, cubes });
      levels.push(result);
      if (!json) printLevel(set, cubes, result);
    }
    results.push({ set: set.name, cubes, levels });
  }
  if (json) {
    print(JSON.stringify({ conditions: before, seed, results }, null, 2));
    return;
  }
  printAcceptance(results);
  printConditions(before);
}

/** Of a network for another telescope: what it was trained for, in place of what the shipped one was. */
function observation(options: BenchOptions): CubeOf {
  const { array, latitude, declinations, hourAngles, frequency, cell, hours, weighting, robust, frames } = options;
  const [size, ...more] = options.size ?? [];
  if (more.length > 0) throw new OtfError('OTF_USAGE', '--size takes several sides with --speed only');
  return {
    frames,
    ...(size === undefined ? {} : { sizePx: size }),
    ...(hourAngles === undefined ? {} : { hourAngles }),
    ...(weighting === undefined ? {} : { weighting }),
    ...(robust === undefined ? {} : { robust }),
    ...(array === undefined ? {} : { arrayFile: array }),
    ...(latitude === undefined ? {} : { latitudeDeg: latitude }),
    ...(declinations === undefined ? {} : { declinations }),
    ...(frequency === undefined ? {} : { frequencyMHz: frequency }),
    ...(cell === undefined ? {} : { cellArcsec: cell }),
    ...(hours === undefined ? {} : { hours }),
  };
}

async function resultAt(
  card: ReconstructorCard,
  set: CubeSet,
  level: number,
  options: BenchOptions,
): Promise<LevelResult> {
  const { cubes, seed, threads, engine } = options;
  const base = observation(options);
  const runs: Partial<Record<Method, CubeRun[]>> = {};
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  try {
    const of = { ...(await requestOf(set, base, folder)), sigmaOverPeak: level };
    for (let index = 0; index < cubes; index += 1) {
      await withCube(cubeRequest(of, seed, index), async (cube) => {
        for (const method of kMethods) {
          const run = await runMethod(cube, { card, method, threads, engine });
          runs[method] = [...(runs[method] ?? []), run];
        }
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const network = runs.network ?? [];
  const scores = kMethods.map(
    (method) => [method, scoresOf(runs[method] ?? [], card.reconstructor.beam_px, kFalsePerCube)] as const,
  );
  return {
    level,
    zero: zeroOf(network),
    warned: network.filter(({ found }) => found.warnings.some((line) => kOtherPsf.test(line))).length,
    psfFwhmPx: Math.exp(mean(network.flatMap(({ found }) => [...found.psfFwhmPx].map(Math.log)))),
    methods: Object.fromEntries(scores),
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function zeroOf(runs: readonly CubeRun[]): number {
  const squares = runs.flatMap(({ sources }) =>
    sources
      .filter(({ shape }) => shape !== 'steady')
      .flatMap(({ fluxJy, peakJy }) => [...fluxJy].map((flux) => (flux / peakJy) ** 2)),
  );
  return Math.sqrt(mean(squares));
}

/** What rss_at_threshold of the card must be, so that 64x64x32 of empty sky have 0.1 peaks above SNR 5. */
async function calibrate(card: ReconstructorCard, options: BenchOptions): Promise<void> {
  const { cubes, seed, threads, engine } = options;
  const of: CubeOf = { ...observation(options), transients: 0, steady: 0, sigmaOverPeak: 1 };
  const wrong: number[] = [];
  for (let index = 0; index < cubes; index += 1) {
    await withCube(cubeRequest(of, seed, index), async (cube) => {
      const run = await runMethod(cube, { card, method: 'network', threads, engine });
      const { snrDivisor = 1 } = run.found;
      wrong.push(...detectionsOf(run).wrong.map((snr) => snr * snrDivisor));
    });
  }
  const { sizePx, frames } = cubeRequest(of, seed, 0);
  const falsePerCube = kFalsePerCube * ((sizePx * sizePx * frames) / kCardVoxels);
  const snr = thresholdAt(wrong, cubes, falsePerCube);
  const rss = (snr / kScaleSnr) * card.reconstructor.rss_at_threshold;
  const what = `${cubes} empty cubes of ${sizePx}x${sizePx}x${frames}, seed ${seed}`;
  print(`${what}: ${Number(falsePerCube.toPrecision(3))} peaks per cube are above an rss of ${rss.toFixed(3)}`);
  print(`rss_at_threshold = ${rss.toFixed(2)}`);
}
