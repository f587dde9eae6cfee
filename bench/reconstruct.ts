/** `bench reconstruct`: the network beside CLEAN, CLEAN smoothed in time and a bank of filters, on simulated cubes with fixed seeds. */
import { print, textTable } from '#otf/cli/table.js';
import { resolveModel } from '#otf/tasks/cards.js';
import { type ReconstructorCard, reconstructorCard } from '#otf/tasks/reconstruction/card.js';
import type { Method } from '#otf/tasks/reconstruction/parameters.js';
import { conditions, printConditions } from './conditions.js';
import { type CubeCase, type CubeRun, cubeRequest, runMethod, withCube } from './reconstruct-cubes.js';
import { detectionsOf, type Scores, scoresOf, thresholdAt } from './reconstruct-scores.js';

interface BenchOptions {
  model: string;
  models: string;
  engine: string;
  threads: number;
  cubes: number;
  seed: number;
  level: number[];
  array?: string;
  gainError: number;
  calibrate?: boolean;
  json?: boolean;
}

const kMethods: readonly Method[] = ['clean', 'clean-smooth', 'clean-bank', 'network'];
const kFalsePerCube = 0.1;
const kScaleSnr = 5;
/** Rms of a transient of peak 1 over all frames: what a reconstruction of nothing has. */
const kNothing = 'zero cube';

export async function benchReconstruct(options: BenchOptions): Promise<void> {
  const before = await conditions();
  const card = reconstructorCard(await resolveModel(options.models, options.model));
  if (options.calibrate) return calibrate(card, options);
  const levels: Record<string, Record<string, Scores>> = {};
  for (const level of options.level) {
    const runs = await runsAt(card, level, options);
    const scores = kMethods.map(
      (method) => [method, scoresOf(runs[method] ?? [], card.reconstructor.beam_px, kFalsePerCube)] as const,
    );
    levels[level] = Object.fromEntries(scores);
    if (!options.json) printLevel(level, levels[level], zeroOf(runs.network ?? []));
  }
  if (options.json)
    print(JSON.stringify({ conditions: before, seed: options.seed, cubes: options.cubes, levels }, null, 2));
  else printConditions(before);
}

async function runsAt(
  card: ReconstructorCard,
  level: number,
  { cubes, seed, threads, engine, array, gainError }: BenchOptions,
) {
  const runs: Partial<Record<Method, CubeRun[]>> = {};
  const of: CubeCase = {
    transients: 3,
    steady: 3,
    sigmaOverPeak: level,
    shapes: 'gate,gaussian,decay',
    tauMin: 2,
    tauMax: 4,
    gainError,
    ...(array === undefined ? {} : { array }),
  };
  for (let index = 0; index < cubes; index += 1) {
    await withCube(cubeRequest('', of, seed, index), async (folder, truth) => {
      for (const method of kMethods) {
        const run = await runMethod(folder, truth, { card, method, threads, engine });
        runs[method] = [...(runs[method] ?? []), run];
      }
    });
  }
  return runs;
}

function zeroOf(runs: readonly CubeRun[]): number {
  const squares = runs.flatMap(({ sources }) =>
    sources
      .filter(({ shape }) => shape !== 'steady')
      .flatMap(({ fluxJy, peakJy }) => [...fluxJy].map((flux) => (flux / peakJy) ** 2)),
  );
  return Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length);
}

function printLevel(level: number, scores: Record<string, Scores>, zero: number): void {
  const clean = scores.clean?.rmse ?? Number.NaN;
  const smooth = scores['clean-smooth']?.rmse ?? Number.NaN;
  const titles = [
    'method',
    'profile rmse',
    'gain',
    'over smooth',
    'bias on',
    'background',
    'forced bias',
    'pulls',
    'found',
    'label AUC',
    'by shape',
  ];
  const rows = Object.entries(scores).map(([method, it]) => [
    method,
    it.rmse.toFixed(3),
    (clean / it.rmse).toFixed(2),
    `${((1 - it.rmse / smooth) * 100).toFixed(0)} %`,
    it.biasOn.toFixed(3),
    it.background.toFixed(4),
    it.forcedBias.toFixed(4),
    `${it.pullMean.toFixed(2)} +- ${it.pullWidth.toFixed(2)}`,
    it.completeness.toFixed(2),
    it.labelAuc.toFixed(3),
    Object.entries(it.rmseByShape)
      .map(([shape, value]) => `${shape} ${value.toFixed(3)}`)
      .join(' '),
  ]);
  print(
    `noise over peak ${level}: ${kNothing} has ${zero.toFixed(3)} (gain ${(clean / zero).toFixed(2)}); found: transients at ${kFalsePerCube} false per cube`,
  );
  print(
    textTable(
      titles.map((title) => ({ title })),
      rows,
    ),
  );
}

/** What rss_at_threshold of the card must be, so that an empty cube has 0.1 peaks above SNR 5. */
async function calibrate(card: ReconstructorCard, { cubes, seed, threads, engine }: BenchOptions): Promise<void> {
  const of: CubeCase = { transients: 0, steady: 0, sigmaOverPeak: 1, shapes: '', tauMin: 2, tauMax: 4, gainError: 0 };
  const wrong: number[] = [];
  for (let index = 0; index < cubes; index += 1) {
    await withCube(cubeRequest('', of, seed, index), async (folder, truth) => {
      const run = await runMethod(folder, truth, { card, method: 'network', threads, engine });
      wrong.push(...detectionsOf(run).wrong);
    });
  }
  const snr = thresholdAt(wrong, cubes, kFalsePerCube);
  const rss = (snr / kScaleSnr) * card.reconstructor.rss_at_threshold;
  print(`${cubes} empty cubes, seed ${seed}: ${kFalsePerCube} peaks per cube are above an rss of ${rss.toFixed(3)}`);
  print(`rss_at_threshold = ${rss.toFixed(2)}`);
}
