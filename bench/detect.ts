/** `bench detect`: whole detections on simulated fields. Every case runs in a fresh process, so that its peak memory is its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type EngineOptions, engineRequest } from '#otf/cli/options.js';
import { print, textTable } from '#otf/cli/table.js';
import {
  type BenchDetectOutcome,
  type DetectorConfig,
  type DetectRequest,
  native,
  type StageTimes,
} from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { verifyWeights } from '#otf/models/card.js';
import { quantizationName } from '#otf/models/quantization.js';
import { kDefaultModel } from '#otf/models/registry.js';
import { resolveModel } from '#otf/tasks/cards.js';
import { detectorCard, objectnessThresholds, toDetectorConfig } from '#otf/tasks/detection/card.js';
import { conditions, printConditions } from './conditions.js';
import { median } from './engine.js';

interface BenchDetectOptions extends EngineOptions {
  case?: CaseName[];
  models: string;
  measure: 'none' | 'fast' | 'full';
  rounds: number;
  json?: boolean;
}

const kCases = {
  'demo-2048': { network: 'demo', sizePx: 2048 },
  'demo-8192': { network: 'demo', sizePx: 8192 },
  'sdc1-2048': { network: 'sdc1', sizePx: 2048 },
} as const;
type CaseName = keyof typeof kCases;

const kDensity = 0.001;
const kNoise = 4e-7;
const kSeed = 20240211;

/** The published SDC1 detector's sizes; its weights here are random, so the thresholds only have to be reached rarely. */
function sdc1Detector(demo: DetectorConfig): DetectorConfig {
  return {
    ...demo,
    tilePx: 512,
    overlapPx: 32,
    gridElementPx: 16,
    objectnessThreshold: new Array<number>(9).fill(0.95),
  };
}

interface CaseReport {
  case: CaseName;
  engine: BenchDetectOutcome['engine'];
  tiles: number;
  pixels: number;
  sources: number;
  /** Medians over the rounds. */
  times: StageTimes;
  aloneSeconds: number;
  /** Median of each round's own ratio: what else the machine did falls on both sides of it. */
  wallOverAlone: number;
  pixelsPerSecond: number;
  peakRssBytes: number;
  /** Above the network's own memory. */
  extraBytes: number;
  rounds: BenchDetectOutcome['rounds'];
}

export async function benchDetect(options: BenchDetectOptions): Promise<void> {
  const before = await conditions();
  const names = options.case ?? (Object.keys(kCases) as CaseName[]);
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  const reports: CaseReport[] = [];
  try {
    for (const name of names) {
      if (process.stderr.isTTY) process.stderr.write(`${name} ...\n`);
      reports.push(await runCase(name, folder, options));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (options.json) return print(JSON.stringify({ conditions: before, cases: reports }, null, 2));
  printConditions(before);
  print('');
  printReports(reports);
}

async function runCase(name: CaseName, folder: string, options: BenchDetectOptions): Promise<CaseReport> {
  const { network, sizePx } = kCases[name];
  const addon = native();
  const field = join(folder, `${sizePx}.fits`);
  await addon.simulate({ output: field, sizePx, density: kDensity, noise: kNoise, seed: kSeed });
  const card = detectorCard(await resolveModel(options.models, kDefaultModel));
  await verifyWeights(card);
  let weights = card.weightsPath;
  const minSnr = card.detector.min_snr ?? 0;
  const objectnessThreshold = objectnessThresholds(card, options.measure === 'none' ? undefined : minSnr);
  let detector = { ...toDetectorConfig(card), objectnessThreshold };
  if (network === 'sdc1') {
    weights = join(folder, 'sdc1.dat');
    await addon.writeArchitecture('sdc1', kSeed, weights);
    detector = sdc1Detector(detector);
  }
  const request: DetectRequest = {
    image: { path: field },
    ...(options.measure === 'none' ? {} : { measure: { effort: options.measure, minSnr } }),
    model: { weights, inputBias: card.input_bias },
    detector,
    engine: engineRequest(options, quantizationName(options.quantization ?? 'FP32')),
  };
  return report(name, await inFreshProcess(request, options.rounds));
}

function report(name: CaseName, outcome: BenchDetectOutcome): CaseReport {
  const { rounds, engine, tiles, pixels, sources, memory } = outcome;
  const times = {} as StageTimes;
  for (const stage of kStages) times[stage] = median(rounds.map((round) => round.times[stage] ?? 0));
  return {
    case: name,
    engine,
    tiles,
    pixels,
    sources,
    times,
    aloneSeconds: median(rounds.map((round) => round.aloneSeconds)),
    wallOverAlone: median(rounds.map((round) => round.times.wall / round.aloneSeconds)),
    pixelsPerSecond: pixels / times.wall,
    peakRssBytes: memory.peakRssBytes,
    extraBytes: memory.peakRssBytes - memory.engineBytes,
    rounds,
  };
}

async function inFreshProcess(request: DetectRequest, rounds: number): Promise<BenchDetectOutcome> {
  const program = fileURLToPath(new URL('./detect-case.js', import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify([request, rounds])]);
    return JSON.parse(stdout) as BenchDetectOutcome;
  } catch (thrown) {
    const said = (thrown as { stderr?: string }).stderr?.trim().split('\n')[0];
    throw new OtfError('OTF_ENGINE_FAILED', `the benchmark's process failed: ${said || (thrown as Error).message}`);
  }
}

const kStages: (keyof StageTimes)[] = [
  'load',
  'limits',
  'prepare',
  'infer',
  'select',
  'suppress',
  'catalogue',
  'measure',
  'wall',
];

function printReports(reports: CaseReport[]): void {
  const rows = reports.map((line) => [
    line.case,
    line.engine.effective,
    ...kStages.map((stage) => (line.times[stage] ?? 0).toFixed(2)),
    line.aloneSeconds.toFixed(2),
    line.wallOverAlone.toFixed(3),
    (line.pixelsPerSecond / 1e6).toFixed(2),
    (line.peakRssBytes / 1e6).toFixed(0),
    (line.extraBytes / 1e6).toFixed(0),
    String(line.sources),
  ]);
  const stages = kStages.map((stage) => `${stage} s`);
  const titles = ['type', ...stages, 'alone s', 'wall/alone', 'Mpx/s', 'peak MB', 'less network', 'sources'];
  print(textTable([{ title: 'case', align: 'left' }, ...titles.map((title) => ({ title }))], rows));
  print('');
  print(
    'Medians of the rounds. Stages overlap: their times are work, not wall time. alone = the same forward passes with',
  );
  print('nothing beside them; peak = largest resident size; less network = without the memory of the engine.');
}
