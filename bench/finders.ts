/**
 * `bench finders`: the same simulated fields through Source Extractor, SEP and this program, each cut tuned on a field of its
 * own: completeness and purity above 5 sigma, positions, flux densities, time and memory.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { print, textTable } from '#otf/cli/table.js';
import { truthDocument } from '#otf/cli/truth.js';
import { native, type PlainColumns, type PlainOutcome, type SimulateRequest } from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { writeFileAtomically } from '#otf/io/write.js';
import { votable } from '#otf/results/votable.js';
import { conditions, printConditions } from './conditions.js';
import { median } from './engine.js';

interface BenchFindersOptions {
  size: number;
  fields: number;
  json?: boolean;
}

interface Field {
  image: string;
  truth: string;
}

interface Cost {
  seconds: number;
  cpuSeconds: number;
  bytes: number;
}

/** One way to a catalogue at a threshold: the file, and what it took. */
interface Finder {
  name: string;
  thresholds: readonly number[];
  columns: Partial<PlainColumns>;
  find: (field: Field, threshold: number, out: string) => Promise<Cost>;
}

const kNoise = 4e-7;
const kDensity = 0.001;
const kMinSnr = 5;
const kRadiusArcsec = 1.5;
/** Of programs that find peaks above so many deviations of the background. */
const kThresholds = [1.5, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 3.75, 4, 4.5];
/** The one fields are tuned on, then those that are shown: apart from those of the tests and of the network's training. */
const kTuningSeed = 9_100_001;
const kFirstSeed = 9_200_001;

const kHelper = fileURLToPath(new URL('../../bench/finders.py', import.meta.url));
const kProgram = fileURLToPath(new URL('../../bin/cianna-otf.js', import.meta.url));
const kPython = '/usr/bin/python3';

async function helper(args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(kPython, [kHelper, ...args], { maxBuffer: 1 << 26 })).stdout;
  } catch (thrown) {
    const said = (thrown as { stderr?: string }).stderr?.trim().split('\n').at(-1);
    throw new OtfError('OTF_INTERNAL', `${args.slice(0, 2).join(' ')} failed: ${said || (thrown as Error).message}`);
  }
}

async function timed(command: string[]): Promise<Cost> {
  return JSON.parse(await helper(['run', ...command])) as Cost;
}

function ours(name: string, measure: 'none' | 'full'): Finder {
  const measured = measure !== 'none';
  return {
    name,
    thresholds: measured ? [3, 3.5, 4, 4.3, 4.5, 4.75, 5, 5.5] : [0],
    columns: measured ? { ra: 'ra_fit', dec: 'dec_fit', flux: 'int_flux' } : {},
    find: ({ image }, threshold, out) => {
      const cut = measured ? ['--min-snr', String(threshold)] : [];
      return timed([process.execPath, kProgram, 'detect', image, '--measure', measure, ...cut, '-o', out]);
    },
  };
}

function sextractor(folder: string, filter: boolean): Finder {
  return {
    name: `Source Extractor${filter ? ', filtered' : ''}`,
    thresholds: kThresholds,
    columns: {},
    find: async ({ image }, threshold, out) => {
      const table = join(folder, 'sextractor.fits');
      const settings = Object.entries({
        CATALOG_NAME: table,
        CATALOG_TYPE: 'FITS_1.0',
        PARAMETERS_NAME: join(folder, 'sextractor.param'),
        FILTER_NAME: join(folder, 'beam.conv'),
        FILTER: filter ? 'Y' : 'N',
        DETECT_MINAREA: 3,
        DETECT_THRESH: threshold,
        ANALYSIS_THRESH: threshold,
        DEBLEND_NTHRESH: 64,
        DEBLEND_MINCONT: 0.0005,
        BACK_SIZE: 64,
        CLEAN: 'N',
        PIXEL_SCALE: 0,
        SEEING_FWHM: 1.5,
        VERBOSE_TYPE: 'QUIET',
        MEMORY_OBJSTACK: 30_000,
        MEMORY_PIXSTACK: 10_000_000,
      }).flatMap(([key, value]) => [`-${key}`, String(value)]);
      const cost = await timed(['source-extractor', image, '-c', join(folder, 'empty.sex'), ...settings]);
      await helper(['sextractor', table, image, out]);
      return cost;
    },
  };
}

function sep(filter: boolean): Finder {
  return {
    name: `SEP${filter ? ', filtered' : ''}`,
    thresholds: kThresholds,
    columns: {},
    find: ({ image }, threshold, out) =>
      timed([kPython, kHelper, 'sep', image, out, String(threshold), filter ? 'beam' : 'none']),
  };
}

/** A Gaussian of the beam of simulated fields (2.48 pixels), 7 x 7. */
function beamFilter(): string {
  const sigma = 1.5 / 0.604 / 2.3548;
  const line = (y: number) =>
    Array.from({ length: 7 }, (_, x) => Math.exp(-((x - 3) ** 2 + (y - 3) ** 2) / (2 * sigma ** 2)).toFixed(6)).join(
      ' ',
    );
  return `CONV NORM\n${Array.from({ length: 7 }, (_, y) => line(y)).join('\n')}\n`;
}

async function makeField(folder: string, sizePx: number, seed: number): Promise<Field> {
  const addon = native();
  const image = join(folder, `${seed}.fits`);
  const truth = join(folder, `${seed}.vot`);
  const request: SimulateRequest = { output: image, sizePx, density: kDensity, noise: kNoise, seed };
  const document = truthDocument(request, await addon.simulate(request), new Date());
  await writeFileAtomically(truth, votable(document, 'TABLEDATA'));
  return { image, truth };
}

async function scoreOf(finder: Finder, field: Field, catalogue: string): Promise<PlainOutcome> {
  const none: PlainColumns = { flux: '', rank: '', ra: '', dec: '' };
  return native().scorePlain({
    ...{ submission: catalogue, truth: field.truth, radiusArcsec: kRadiusArcsec, minSnr: kMinSnr },
    ...{ bins: 10, thresholds: 10, threads: 0 },
    submissionColumns: { ...none, ...finder.columns },
    truthColumns: none,
  });
}

/** The harmonic mean of completeness and purity. */
function merit({ all }: PlainOutcome): number {
  const { completeness, purity } = all;
  return (2 * completeness.value * purity.value) / (completeness.value + purity.value);
}

interface Row {
  finder: string;
  threshold: number;
  completeness: number;
  purity: number;
  separation: number;
  fluxRatio: number;
  fluxDeviation: number;
  pulls: [ra: number, dec: number, flux: number];
  cost: Cost;
}

async function rowOf(finder: Finder, tuning: Field, fields: Field[], folder: string): Promise<Row> {
  const out = join(folder, 'found.csv');
  const file = finder.columns.ra === undefined ? out : join(folder, 'found.vot');
  let best = { threshold: finder.thresholds[0] ?? 0, merit: 0 };
  for (const threshold of finder.thresholds) {
    await finder.find(tuning, threshold, file);
    const found = merit(await scoreOf(finder, tuning, file));
    if (found > best.merit) best = { threshold, merit: found };
  }
  const outcomes: PlainOutcome[] = [];
  const costs: Cost[] = [];
  for (const field of fields) {
    costs.push(await finder.find(field, best.threshold, file));
    outcomes.push(await scoreOf(finder, field, file));
  }
  const mean = (value: (outcome: PlainOutcome) => number) =>
    outcomes.reduce((sum, outcome) => sum + value(outcome), 0) / outcomes.length;
  return {
    finder: finder.name,
    threshold: best.threshold,
    completeness: mean(({ all }) => all.completeness.value),
    purity: mean(({ all }) => all.purity.value),
    separation: mean(({ all }) => all.separation.median),
    fluxRatio: mean(({ all }) => all.fluxRatio.median),
    fluxDeviation: mean(({ all }) => all.fluxRatio.deviation),
    pulls: [
      mean(({ all }) => all.raPull.deviation),
      mean(({ all }) => all.decPull.deviation),
      mean(({ all }) => all.fluxPull.deviation),
    ],
    cost: {
      seconds: median(costs.map(({ seconds }) => seconds)),
      cpuSeconds: median(costs.map(({ cpuSeconds }) => cpuSeconds)),
      bytes: median(costs.map(({ bytes }) => bytes)),
    },
  };
}

export async function benchFinders(options: BenchFindersOptions): Promise<void> {
  const before = await conditions();
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  try {
    await writeFile(join(folder, 'sextractor.param'), 'ALPHAWIN_J2000\nDELTAWIN_J2000\nFLUX_AUTO\nSNR_WIN\n');
    await writeFile(join(folder, 'beam.conv'), beamFilter());
    await writeFile(join(folder, 'empty.sex'), '');
    const tuning = await makeField(folder, options.size, kTuningSeed);
    const fields: Field[] = [];
    for (let n = 0; n < options.fields; n += 1) fields.push(await makeField(folder, options.size, kFirstSeed + n));
    const rows: Row[] = [];
    const others = [true, false].flatMap((filter) => [sextractor(folder, filter), sep(filter)]);
    for (const finder of [ours('boxes of the network', 'none'), ours('measured', 'full'), ...others])
      rows.push(await rowOf(finder, tuning, fields, folder));
    if (options.json) return print(JSON.stringify({ conditions: before, ...options, rows }, null, 2));
    printConditions(before);
    print(`${options.fields} fields of ${options.size}x${options.size}, true sources above ${kMinSnr} sigma counted`);
    printRows(rows);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function printRows(rows: Row[]): void {
  const titles = [
    'cut',
    'completeness',
    'purity',
    'position "',
    'flux ratio',
    'pulls RA, Dec, flux',
    's',
    'CPU s',
    'MB',
  ];
  const pull = (value: number) => (Number.isFinite(value) ? value.toFixed(2) : '-');
  print(
    textTable(
      [{ title: 'finder', align: 'left' }, ...titles.map((title) => ({ title }))],
      rows.map((row) => [
        row.finder,
        row.threshold.toFixed(2),
        row.completeness.toFixed(4),
        row.purity.toFixed(4),
        row.separation.toFixed(4),
        `${row.fluxRatio.toFixed(3)} +- ${row.fluxDeviation.toFixed(3)}`,
        row.pulls.map(pull).join(' '),
        row.cost.seconds.toFixed(2),
        row.cost.cpuSeconds.toFixed(2),
        (row.cost.bytes / 1e6).toFixed(0),
      ]),
    ),
  );
}
