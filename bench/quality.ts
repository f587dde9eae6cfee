/**
 * `bench quality`: how true reliability and completeness are that a detection tells of itself, on simulated fields whose truth is
 * known: the reliability of bins of SNR beside the purity there, the completeness of mock sources beside that of the true ones.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { print, textTable } from '#otf/cli/table.js';
import { truthDocument } from '#otf/cli/truth.js';
import { type NativeAddon, native, type SimulateOutcome } from '#otf/engine/addon.js';
import { writeFileAtomically } from '#otf/io/write.js';
import { votable } from '#otf/results/votable.js';
import { conditions, printConditions } from './conditions.js';

interface BenchQualityOptions {
  size: number;
  fields: number;
  tiles: number;
  minSnr: number;
  json?: boolean;
}

interface Detected {
  sources: {
    ra: number;
    dec: number;
    ra_fit: number | null;
    dec_fit: number | null;
    snr: number;
    reliability: number;
  }[];
}

interface Bin {
  low: number;
  high: number | null;
  mocks: number;
  recovered: number;
}

/** Sums over all fields, of one bin of SNR. */
interface Counts extends Bin {
  found: number;
  reliable: number;
  real: number;
  truths: number;
  seen: number;
}

const kNoise = 4e-7;
const kDensity = 0.001;
const kRadiusArcsec = 1.5;
/** Apart from those of the tests, of bench finders and of the network's training. */
const kFirstSeed = 9_400_001;
const kPopulationSeed = 9_399_999;
const kPopulationPx = 3000;
/** Sources above this SNR count for the completeness of a whole field. */
const kCountedSnr = 5;

const kProgram = fileURLToPath(new URL('../../bin/cianna-otf.js', import.meta.url));

export async function benchQuality(options: BenchQualityOptions): Promise<void> {
  const addon = native();
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  const mocks = join(folder, 'mocks.vot');
  await writePopulation(addon, folder, mocks);
  const bins: Counts[] = [];
  const fields: { reliability: number; purity: number }[] = [];
  try {
    for (let index = 0; index < options.fields; index += 1) {
      fields.push(await addField(addon, { folder, mocks }, kFirstSeed + index, options, bins));
      process.stderr.write(`${index + 1} of ${options.fields} fields\n`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await report(bins, fields, options);
}

/** What the sources of a field are like: those of another one, so that mocks and true sources are of one population. */
async function writePopulation(addon: NativeAddon, folder: string, path: string): Promise<void> {
  const output = join(folder, 'population.fits');
  const request = { output, sizePx: kPopulationPx, density: kDensity, noise: kNoise, seed: kPopulationSeed };
  const document = truthDocument(request, await addon.simulate(request), new Date());
  await writeFileAtomically(path, votable(document, 'TABLEDATA'));
}

async function addField(
  addon: NativeAddon,
  { folder, mocks }: { folder: string; mocks: string },
  seed: number,
  { size, tiles, minSnr }: BenchQualityOptions,
  bins: Counts[],
): Promise<{ reliability: number; purity: number }> {
  const image = join(folder, 'field.fits');
  const truth = await addon.simulate({ output: image, sizePx: size, density: kDensity, noise: kNoise, seed });
  const [output, stem] = [join(folder, 'found.json'), join(folder, 'quality')];
  const asked = [
    '--measure',
    'full',
    '--min-snr',
    String(minSnr),
    '--quality',
    String(tiles),
    '--quality-seed',
    String(seed),
    '--mocks',
    mocks,
  ];
  const files = ['-o', output, '--quality-files', stem];
  await promisify(execFile)(process.execPath, [kProgram, 'detect', image, ...asked, ...files]);
  const { sources } = JSON.parse(await readFile(output, 'utf8')) as Detected;
  const told = await addon.readTable({ path: `${stem}.vot`, label: 'quality.vot', maxRows: 1000 });
  const column = (name: string) => told.columns.find((each) => each.name === name);
  const quantity = column('quantity')?.texts ?? [];
  const rows = [...quantity.keys()].filter((row) => quantity[row] === 'snr');
  const value = (name: string, row: number) => column(name)?.numbers?.[row] ?? Number.NaN;
  if (bins.length === 0) {
    for (const row of rows) {
      const edges = { low: value('low', row), high: value('high', row) };
      bins.push({ ...edges, mocks: 0, recovered: 0, found: 0, reliable: 0, real: 0, truths: 0, seen: 0 });
    }
  }
  for (const [number, row] of rows.entries()) {
    const bin = bins[number];
    if (!bin) continue;
    bin.mocks += value('mocks', row);
    bin.recovered += value('recovered', row);
  }
  return countField(addon, sources, truth, bins);
}

async function countField(
  addon: NativeAddon,
  sources: Detected['sources'],
  truth: SimulateOutcome,
  bins: Counts[],
): Promise<{ reliability: number; purity: number }> {
  const found = {
    raDeg: Float64Array.from(sources, ({ ra, ra_fit }) => ra_fit ?? ra),
    decDeg: Float64Array.from(sources, ({ dec, dec_fit }) => dec_fit ?? dec),
  };
  const pairs = await addon.matchSky({ a: found, b: truth, radiusArcsec: kRadiusArcsec, threads: 0 });
  const order = [...pairs.a.keys()].sort((i, k) => (pairs.separation[i] ?? 0) - (pairs.separation[k] ?? 0));
  const [real, seen] = [new Set<number>(), new Set<number>()];
  for (const pair of order) {
    const [a = -1, b = -1] = [pairs.a[pair], pairs.b[pair]];
    if (real.has(a) || seen.has(b)) continue;
    real.add(a);
    seen.add(b);
  }
  const binOf = (snr: number) => bins.find(({ high }) => !(snr >= (high ?? Number.NaN)));
  let reliability = 0;
  for (const [row, source] of sources.entries()) {
    const bin = binOf(source.snr);
    if (!bin || !Number.isFinite(source.reliability)) continue;
    reliability += source.reliability / sources.length;
    bin.found += 1;
    bin.reliable += source.reliability;
    bin.real += real.has(row) ? 1 : 0;
  }
  for (let row = 0; row < truth.count; row += 1) {
    const bin = binOf(truth.peakSnr[row] ?? 0);
    if (!bin) continue;
    bin.truths += 1;
    bin.seen += seen.has(row) ? 1 : 0;
  }
  return { reliability, purity: real.size / sources.length };
}

async function report(
  bins: Counts[],
  fields: { reliability: number; purity: number }[],
  options: BenchQualityOptions,
): Promise<void> {
  const sum = (of: (bin: Counts) => number, from = bins) => from.reduce((total, bin) => total + of(bin), 0);
  const counted = bins.filter(({ low, mocks }) => low >= kCountedSnr && mocks > 0);
  const truths = sum(({ truths: number }) => number, counted);
  const all = {
    reliability: sum(({ reliable }) => reliable) / sum(({ found }) => found),
    purity: sum(({ real }) => real) / sum(({ found }) => found),
    mockCompleteness: sum((bin) => (bin.truths * bin.recovered) / bin.mocks, counted) / truths,
    completeness: sum(({ seen }) => seen, counted) / truths,
    worstField: Math.max(...fields.map(({ reliability, purity }) => Math.abs(reliability - purity))),
  };
  const facts = await conditions();
  if (options.json) return print(JSON.stringify({ ...facts, ...options, ...all, bins, fields }, null, 2));
  printConditions(facts);
  const share = (part: number, whole: number) => (whole > 0 ? (part / whole).toFixed(3) : '-');
  const titles = [
    'SNR from',
    'found',
    'reliability',
    'purity',
    'mocks',
    'completeness of mocks',
    'true sources',
    'completeness',
  ];
  const rows = bins.map((bin) => [
    String(bin.low),
    String(bin.found),
    share(bin.reliable, bin.found),
    share(bin.real, bin.found),
    String(bin.mocks),
    share(bin.recovered, bin.mocks),
    String(bin.truths),
    share(bin.seen, bin.truths),
  ]);
  print(
    textTable(
      titles.map((title) => ({ title })),
      rows,
    ),
  );
  print(
    `reliability ${all.reliability.toFixed(4)}, purity ${all.purity.toFixed(4)}; one field, at most ${all.worstField.toFixed(4)} apart`,
  );
  print(
    `above SNR ${kCountedSnr}: completeness by mocks ${all.mockCompleteness.toFixed(4)}, true ${all.completeness.toFixed(4)}`,
  );
}
