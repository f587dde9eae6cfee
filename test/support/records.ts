/** A run record without a run: plain data for the tests of result formats, with every awkward value in it. */
import { join } from 'node:path';
import type { CatalogueColumns, DetectOutcome, ImageSummary } from '#otf/engine/addon.js';
import { writeContent } from '#otf/results/serialise.js';
import { readModelCard } from '#otf/tasks/cards.js';
import { detectorCard } from '#otf/tasks/detection/card.js';
import { detectionContent } from '#otf/tasks/detection/content.js';
import type { DetectionFormat } from '#otf/tasks/detection/formats.js';
import { makeRunRecord, type RunRecord } from '#otf/tasks/detection/run-record.js';
import { kRoot } from './cli.js';

export const kDemoCard = join(kRoot, 'models/demo-continuum/model.toml');
/** Markup, quotes, a control character and a character beyond the basic plane. */
export const kAwkwardName = 'a<b>&"c"\'d\u0001\u{1f52d}.fits';

export function fakeCatalogue(count: number): CatalogueColumns {
  const double = (value: (row: number) => number) => Float64Array.from({ length: count }, (_, row) => value(row));
  const single = (value: (row: number) => number) => Float32Array.from({ length: count }, (_, row) => value(row));
  const int = (value: (row: number) => number) => Int32Array.from({ length: count }, (_, row) => value(row));
  // Row 1 has no sky position, row 2 no size or angle.
  const sky = (row: number, value: number) => (row === 1 ? Number.NaN : value);
  const size = (row: number, value: number) => (row === 2 ? Number.NaN : value);
  return {
    count,
    raDeg: double((row) => sky(row, (359.9999 + row * 0.00123456789) % 360)),
    decDeg: double((row) => sky(row, -30.2 + row * 1e-5)),
    x: double((row) => row * 1.1),
    y: double((row) => 1000 - row * 0.01),
    widthPx: single((row) => 5 + row * 0.1),
    heightPx: single((row) => 6 + row * 0.1),
    probability: single((row) => 0.9 - row / (count + 1) / 2),
    objectness: single((row) => 0.95 - row / (count + 1) / 2),
    prior: int((row) => row % 5),
    tile: int(() => 0),
    cell: int((row) => row % 256),
    paPixelDeg: double((row) => size(row, (row * 7) % 180)),
    paDeg: double((row) => size(row, (row * 7 + 90) % 180)),
    primaryBeam: double((row) => (row === 0 ? 0.5 : Number.NaN)),
    values: {
      flux: double((row) => 1e-5 / (row + 1)),
      bmaj: double((row) => size(row, 1.5)),
      bmin: double((row) => size(row, 0.7)),
      cos_pa: double(() => 0.9),
      sin_pa: double(() => 0.6),
    },
  };
}

export interface FakeOptions {
  count?: number;
  wcs?: ImageSummary['wcs'] | null;
  primaryBeam?: string;
  name?: string;
}

export async function fakeRecord(options: FakeOptions = {}): Promise<RunRecord> {
  const { count = 5, name = kAwkwardName, primaryBeam } = options;
  const wcs = options.wcs ?? {
    system: 'ICRS',
    equinox: 0,
    native: 'RA/DEC',
    projection: 'SIN',
    pixelScaleDeg: 0.604 / 3600,
    centreRaDeg: 150.1,
    centreDecDeg: -30.2,
  };
  const image: ImageSummary = {
    label: name,
    hdu: 0,
    extname: '',
    width: 1000,
    height: 1000,
    planes: 1,
    plane: 0,
    bitpix: -32,
    compressed: false,
    bunit: 'JY/BEAM',
    region: { x: 0, y: 0, width: 1000, height: 1000 },
    blankedPixels: 3,
    warnings: ['keyword <X> is odd'],
    ...(options.wcs === null ? {} : { wcs }),
  };
  const catalogue = fakeCatalogue(count);
  if (options.wcs === null) {
    catalogue.raDeg.fill(Number.NaN);
    catalogue.decDeg.fill(Number.NaN);
  }
  const outcome: DetectOutcome = {
    catalogue,
    image,
    tiling: { tilesX: 5, tilesY: 5, offsetX: 76, offsetY: 76, tilePx: 256, overlapPx: 32 },
    counts: { selected: count * 2, afterFirst: count, final: count },
    engine: {
      engine: 'onednn',
      version: '2.6.3',
      device: 'a CPU',
      asked: 'BF16C_FP32A',
      effective: 'FP32C_FP32A',
      threads: 2,
    },
    times: { load: 0, limits: 0, prepare: 0.1, infer: 1, select: 0.1, suppress: 0, catalogue: 0, wall: 1.1 },
    memory: { engineBytes: 1e6, peakRssBytes: 1e8 },
  };
  return makeRunRecord({
    card: detectorCard(await readModelCard(kDemoCard)),
    outcome,
    createdAt: new Date(Date.UTC(2025, 0, 31, 12)),
    input: { name, sha256: 'ab'.repeat(32) },
    primaryBeam,
    jobId: 'job-1',
  });
}

/** In one of the formats that are text. */
export function resultPieces(record: RunRecord, format: DetectionFormat): Iterable<string | Uint8Array> {
  const content = detectionContent(record, format);
  if (!('pieces' in content)) throw new Error(`${format} is no text`);
  return content.pieces;
}

export function resultText(record: RunRecord, format: DetectionFormat): string {
  return Buffer.concat([...resultPieces(record, format)].map((piece) => Buffer.from(piece))).toString();
}

export function writeResult(record: RunRecord, format: DetectionFormat, path: string): Promise<void> {
  return writeContent(detectionContent(record, format), path);
}
