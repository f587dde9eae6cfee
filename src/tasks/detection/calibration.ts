/**
 * INT8 of a detector, calibrated on images: what the network's values are between its layers in FP32, and how many of its
 * convolutions have to stay out of it for the catalogue to stay the same.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CatalogueColumns, type EngineRequest, native } from '../../engine/addon.js';
import { OtfError } from '../../errors/catalogue.js';
import { kNoDefaults } from '../kind.js';
import type { Given } from '../parameters.js';
import type { DetectorCard } from './card.js';
import { type LocalImage, runDetectTask } from './here.js';
import { readDetection } from './parameters.js';

const kInt8 = 'INT8C_INT32A';
const kEngine = 'onednn';
/** Of the rows of either catalogue, that have one in the other. */
const kLeastShare = 0.99;
const kMatchPx = 2;
/** Fewer do not tell 99 % from less. */
const kLeastRows = 100;

const kNothing: Given = { single: () => undefined, repeated: () => [] };

export interface CalibrationTask {
  card: DetectorCard;
  images: readonly LocalImage[];
  engine: Pick<EngineRequest, 'threads' | 'batch'>;
}

/** How near INT8 comes to FP32. */
export interface Agreement {
  rows: { fp32: number; int8: number; matched: number };
  /** Of the rows of the catalogue that has more of them. */
  share: number;
  /** Of ln(flux INT8 / flux FP32): median, and half of the middle 68 %. undefined = the network predicts no flux. */
  fluxDrift?: number;
  fluxScatter?: number;
}

export interface Tried extends Agreement {
  /** Convolutions at the beginning that are in BF16, or FP32 where the CPU has no BF16. */
  leading: number;
}

/** The calibration's text, and what it gives. Throws OTF_ENGINE_UNAVAILABLE, OTF_MODEL_UNSUPPORTED, what a detection does. */
export async function calibrate(task: CalibrationTask, onTried: (tried: Tried) => void): Promise<string> {
  const addon = native();
  const engine = addon.describeEngines().find(({ name }) => name === kEngine);
  if (!engine?.computeTypes.includes(kInt8)) {
    const device = engine?.device ?? 'this machine';
    throw new OtfError('OTF_ENGINE_UNAVAILABLE', `${device} has no INT8: calibrate on a CPU with AVX-512 VNNI`);
  }
  const { card, images } = task;
  const summary = await addon.inspectModel(card.weightsPath, card.tile, card.tile);
  const convolutions = summary.layers.filter(({ kind }) => kind === 'conv').length;
  const ranges: string[] = [];
  const expected: CatalogueColumns[] = [];
  for (const image of images) {
    expected.push(await catalogueOf(task, image, card, 'FP32C_FP32A', (text) => ranges.push(text)));
  }
  const rows = expected.reduce((sum, { count }) => sum + count, 0);
  if (rows < kLeastRows) {
    const what = `the images have ${rows} sources, too few to compare catalogues`;
    throw new OtfError('OTF_USAGE', `${what}: give images with ${kLeastRows} or more`);
  }
  const measured = ranges.reduce(widened);
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-int8-'));
  try {
    for (let leading = 1; leading < convolutions; leading++) {
      const text = withLeading(measured, leading);
      const calibrated = await calibratedCard(card, text, join(folder, `${leading}.txt`));
      const pairs: [CatalogueColumns, CatalogueColumns][] = [];
      for (const [at, image] of images.entries()) {
        const wanted = expected[at] as CatalogueColumns;
        pairs.push([wanted, await catalogueOf(task, image, calibrated, kInt8)]);
      }
      const tried = { leading, ...agreementOf(pairs) };
      onTried(tried);
      if (tried.share >= kLeastShare) return text;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  throw new OtfError(
    'OTF_MODEL_UNSUPPORTED',
    `model ${card.id}: in INT8 fewer than ${kLeastShare * 100} % of the rows stay, however many layers are left out: use BF16`,
  );
}

async function calibratedCard(card: DetectorCard, text: string, path: string): Promise<DetectorCard> {
  await writeFile(path, text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { ...card, quantizations: [kInt8], calibrationPath: path, int8: { calibration: 'int8.txt', sha256 } };
}

async function catalogueOf(
  { engine }: CalibrationTask,
  image: LocalImage,
  card: DetectorCard,
  quantization: DetectorCard['quantizations'][number],
  onRanges?: (ranges: string) => void,
): Promise<CatalogueColumns> {
  const record = await runDetectTask(
    {
      ...{ image, given: image.path, card: { ...card, quantizations: [quantization] }, onRanges },
      asked: readDetection(kNothing, card, kNoDefaults, []),
      engine: { ...engine, name: kEngine, quantization },
    },
    () => undefined,
  );
  return record.outcome.catalogue;
}

/** Of two calibrations of one network the one whose ranges hold both. Lines: native/model/calibration.cpp. */
export function widened(a: string, b: string): string {
  const others = b.split('\n');
  const lines = a.split('\n').map((line, at) => {
    const [low = '', high = '', ...more] = line.split(' ');
    const [otherLow = '', otherHigh = ''] = (others[at] ?? '').split(' ');
    if (more.length > 0 || high === '' || !/^[-\d]/.test(low)) return line;
    return `${Number(otherLow) < Number(low) ? otherLow : low} ${Number(otherHigh) > Number(high) ? otherHigh : high}`;
  });
  return lines.join('\n');
}

function withLeading(text: string, leading: number): string {
  return text.replace(/^leading \d+$/m, `leading ${leading}`);
}

/** Each row has at most one partner, the nearest that is left; bright ones choose first. */
export function agreementOf(pairs: readonly (readonly [CatalogueColumns, CatalogueColumns])[]): Agreement {
  const rows = { fp32: 0, int8: 0, matched: 0 };
  const drifts: number[] = [];
  for (const [wanted, found] of pairs) {
    rows.fp32 += wanted.count;
    rows.int8 += found.count;
    const from = wanted.values.flux;
    const to = found.values.flux;
    for (const [a, b] of matches(wanted, found)) {
      rows.matched++;
      const drift = Math.log((to?.[b] ?? Number.NaN) / (from?.[a] ?? Number.NaN));
      if (Number.isFinite(drift)) drifts.push(drift);
    }
  }
  const most = Math.max(rows.fp32, rows.int8);
  drifts.sort((a, b) => a - b);
  const at = (share: number) => drifts[Math.floor(share * drifts.length)] ?? 0;
  const flux = drifts.length > 0 ? { fluxDrift: at(0.5), fluxScatter: (at(0.84) - at(0.16)) / 2 } : {};
  return { rows, share: most === 0 ? 1 : rows.matched / most, ...flux };
}

function* matches(a: CatalogueColumns, b: CatalogueColumns): Generator<[number, number]> {
  const cells = new Map<string, number[]>();
  const cell = (x: number, y: number) => [Math.floor(x / kMatchPx), Math.floor(y / kMatchPx)] as const;
  for (let j = 0; j < b.count; j++) {
    const key = cell(b.x[j] ?? 0, b.y[j] ?? 0).join();
    cells.set(key, [...(cells.get(key) ?? []), j]);
  }
  const taken = new Set<number>();
  const flux = a.values.flux ?? a.objectness;
  const order = Array.from({ length: a.count }, (_, i) => i).sort((i, j) => (flux[j] ?? 0) - (flux[i] ?? 0));
  for (const i of order) {
    const [x, y] = [a.x[i] ?? 0, a.y[i] ?? 0];
    const [column, row] = cell(x, y);
    let best: number | undefined;
    let least = kMatchPx;
    for (const key of around(column, row)) {
      for (const j of cells.get(key) ?? []) {
        const distance = Math.hypot((b.x[j] ?? 0) - x, (b.y[j] ?? 0) - y);
        if (taken.has(j) || distance >= least) continue;
        best = j;
        least = distance;
      }
    }
    if (best === undefined) continue;
    taken.add(best);
    yield [i, best];
  }
}

function around(column: number, row: number): string[] {
  const steps = [-1, 0, 1];
  return steps.flatMap((dy) => steps.map((dx) => `${column + dx},${row + dy}`));
}
