/** Statistics in a worker thread: what is found lies in memory that all threads share. */
import { closeSync, openSync, readSync } from 'node:fs';
import { native } from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { keptRows, withRows } from '#otf/results/filter.js';
import { isTableFormat } from '#otf/results/formats.js';
import { tableContent } from '#otf/results/serialise.js';
import type { Fact, NumberColumn, TableDocument } from '#otf/results/table.js';
import type { EndRequest, Found, OpenedTask, OpenRequest, Piece, TaskWork } from '#otf/tasks/work.js';
import type { StatisticsAsked, StatisticsTable } from './kind.js';

/** Crosses between threads as it is; the cells do not: all threads see the same. */
interface Handle {
  path: string;
  width: number;
  height: number;
  /** Of the first pixel in the file. */
  offset: number;
  tile: number;
  clip: number;
  /** Of each block: pixels, sum, least, greatest, greatest output of the network. */
  cells: SharedArrayBuffer;
}

interface Row {
  pixels: number;
  mean: number;
  min: number;
  max: number;
  response: number;
}

interface StatisticsRecord {
  row: Row;
  name: string;
  label: string;
  input: string;
  engine: string;
  endedMs: number;
}

const kCells = 5;
const kBlock = 2880;
const kFloatBytes = 4;

export const kStatisticsWork: TaskWork = {
  openModel: (card) => {
    const { statistics } = card as unknown as { statistics: StatisticsTable };
    return { model: card.tile, valuesIn: card.tile ** 2, valuesOut: statistics.outputs };
  },
  closeModel: () => undefined,
  open,
  prepare: (handle) => blocks(handle as Handle),
  fill,
  consume,
  finish,
  close: () => undefined,
  content: (record, format, filter) => {
    const document = documentOf(record as StatisticsRecord);
    const rows = filter && keptRows(document.table, filter);
    if (isTableFormat(format)) return tableContent(rows ? withRows(document, rows, filter) : document, format);
    if (rows?.length === 0) return { pieces: [] };
    const { row, label } = record as StatisticsRecord;
    return { pieces: [`${label}: ${row.pixels} pixels, mean ${row.mean}\n`] };
  },
  upgrades: [],
};

function columns({ width, tile }: Handle): number {
  return Math.ceil(width / tile);
}

function blocks(handle: Handle): number {
  return columns(handle) * Math.ceil(handle.height / handle.tile);
}

/** A plain image of 32-bit floats, as `simulate` writes it: enough for a test. */
function open({ job, card, inputs }: OpenRequest): OpenedTask {
  const { path = '', name = '' } = inputs.IMAGE?.[0] ?? {};
  const file = openSync(path, 'r');
  const cards: string[] = [];
  try {
    const buffer = Buffer.alloc(kBlock);
    while (!cards.includes('END')) {
      if (readSync(file, buffer) < kBlock) throw new OtfError('OTF_FITS_UNREADABLE', `${name} is not a FITS file`);
      for (let at = 0; at < kBlock; at += 80) cards.push(buffer.toString('latin1', at, at + 80).trim());
    }
  } finally {
    closeSync(file);
  }
  const value = (key: string) => Number(cards.find((line) => line.startsWith(key.padEnd(8)))?.slice(10, 30));
  if (value('BITPIX') !== -32) throw new OtfError('OTF_FITS_UNREADABLE', `${name} is no image of 32-bit floats`);
  const handle: Handle = {
    path,
    width: value('NAXIS1'),
    height: value('NAXIS2'),
    offset: Math.ceil(((cards.indexOf('END') + 1) * 80) / kBlock) * kBlock,
    tile: card.tile,
    clip: (job.parameters.asked as StatisticsAsked).clip ?? Number.POSITIVE_INFINITY,
    cells: new SharedArrayBuffer(0),
  };
  const items = blocks(handle);
  handle.cells = new SharedArrayBuffer(items * kCells * Float64Array.BYTES_PER_ELEMENT);
  const bytes = card.tile ** 2 * kFloatBytes;
  return {
    handle,
    items,
    bytes,
    decodes: false,
    plan: { label: (job.parameters.asked as StatisticsAsked).label ?? 'short' },
  };
}

/** What of the block is in the image. */
function extent(handle: Handle, block: number): { x: number; y: number; width: number; height: number } {
  const x = (block % columns(handle)) * handle.tile;
  const y = Math.floor(block / columns(handle)) * handle.tile;
  return { x, y, width: Math.min(handle.tile, handle.width - x), height: Math.min(handle.tile, handle.height - y) };
}

function fill({ handle: opened, first, count, slots, slot, item }: Piece): void {
  const handle = opened as Handle;
  const values = new Float32Array(count * handle.tile ** 2);
  const file = openSync(handle.path, 'r');
  try {
    for (let index = 0; index < count; index++) {
      const { x, y, width, height } = extent(handle, first + index);
      const row = Buffer.alloc(width * kFloatBytes);
      for (let line = 0; line < height; line++) {
        readSync(file, row, 0, row.length, handle.offset + ((y + line) * handle.width + x) * kFloatBytes);
        for (let at = 0; at < width; at++) {
          values[(index * handle.tile + line) * handle.tile + at] = row.readFloatBE(at * kFloatBytes);
        }
      }
    }
  } finally {
    closeSync(file);
  }
  native().writeItems({ slots, slot, item, count }, values);
}

function consume({ handle: opened, first, count, slots, slot, item }: Piece): void {
  const handle = opened as Handle;
  const { input, output } = native().readItems({ slots, slot, item, count });
  for (let index = 0; index < count; index++) {
    const { width, height } = extent(handle, first + index);
    const pixels: number[] = [];
    for (let line = 0; line < height; line++) {
      const from = (index * handle.tile + line) * handle.tile;
      for (const value of input.subarray(from, from + width)) if (value <= handle.clip) pixels.push(value);
    }
    const own = output.subarray((index * output.length) / count, ((index + 1) * output.length) / count);
    const cell = new Float64Array(handle.cells, (first + index) * kCells * 8, kCells);
    cell.set([
      pixels.length,
      pixels.reduce((sum, value) => sum + value, 0),
      pixels.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
      pixels.reduce((greatest, value) => Math.max(greatest, value), Number.NEGATIVE_INFINITY),
      own.reduce((greatest, value) => Math.max(greatest, value), Number.NEGATIVE_INFINITY),
    ]);
  }
}

function finish({ handle: opened, plan, inputs, jobId, engine, items }: EndRequest): Found {
  const handle = opened as Handle;
  const cells = Array.from({ length: items }, (_, block) => [
    ...new Float64Array(handle.cells, block * kCells * 8, kCells),
  ]);
  const of = (index: number) => cells.map((cell) => cell[index] ?? Number.NaN);
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
  const pixels = sum(of(0));
  const row: Row = {
    pixels,
    mean: sum(of(1)) / pixels,
    min: Math.min(...of(2)),
    max: Math.max(...of(3)),
    response: Math.max(...of(4)),
  };
  const record: StatisticsRecord = {
    row,
    name: jobId ?? '',
    label: (plan as { label: string }).label,
    input: inputs.IMAGE?.[0]?.name ?? '',
    engine: engine?.engine ?? '',
    endedMs: Date.now(),
  };
  return {
    record,
    endedMs: record.endedMs,
    count: 1,
    summary: `${pixels} pixels in ${items} blocks`,
    warnings: Number.isFinite(handle.clip) ? [`pixels above ${handle.clip} are left out`] : [],
    asked: Number.isFinite(handle.clip) ? { clip: String(handle.clip) } : {},
    parameters: { blocks: items },
    aboutInputs: { IMAGE: { extent: `${handle.width}x${handle.height}` } },
  };
}

function documentOf({ row, input, engine, label, endedMs }: StatisticsRecord): TableDocument {
  const number = (name: keyof Row, type: NumberColumn['type'], unit: string, description: string): NumberColumn => ({
    type,
    name,
    unit,
    ucd: 'stat.value',
    description,
    celestial: false,
    values: Float64Array.of(row[name]),
  });
  const facts: Fact[] = [
    { name: 'input', key: 'INFILE', value: input, comment: 'image file' },
    { name: 'engine', key: 'ENGINE', value: engine, comment: 'what ran the network' },
  ];
  return {
    name: 'statistics',
    description: `Statistics of the pixels of ${input}`,
    rowsDescription: 'One row',
    rowsName: 'rows',
    table: {
      rows: 1,
      columns: [
        { type: 'text', name: 'label', unit: '', ucd: 'meta.id', description: 'As asked for', values: [label] },
        number('pixels', 'int', '', 'Pixels counted'),
        number('mean', 'double', 'Jy/beam', 'Mean'),
        number('min', 'double', 'Jy/beam', 'Least'),
        number('max', 'double', 'Jy/beam', 'Greatest'),
        number('response', 'float', '', 'Greatest output of the network'),
      ],
    },
    facts,
    warnings: [],
    createdAt: new Date(endedMs),
  };
}
