/** CSV, JSON, DS9 regions and pictures, parsed back. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PNG } from 'pngjs';
import { native } from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { assertWritable, writeFileAtomically } from '#otf/io/write.js';
import { kPictureLook } from '#otf/pictures/look.js';
import { catalogueOf } from '#otf/tasks/detection/columns.js';
import { sourceMarks } from '#otf/tasks/detection/marks.js';
import { scratchDir } from './support/cli.js';
import { floatData, header, imageCards } from './support/fits-writer.js';
import { fakeRecord, resultText, writeResult } from './support/records.js';

const dir = scratchDir();

/** RFC 4180, strictly: CRLF ends records, quotes double. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    assert.ok(found, 'not RFC 4180');
    const raw = found[1] ?? '';
    row.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw);
    if (found[2] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

describe('CSV', () => {
  it('has the column names first, one row per source, and empty cells for missing values', async () => {
    const record = await fakeRecord({ count: 1100 });
    const rows = parseCsv(resultText(record, 'csv'));
    const names = [...catalogueOf(record).columns.map((column) => column.name), 'frame'];
    assert.deepEqual(rows[0], names);
    assert.ok(rows.slice(1).every((row) => row.at(-1) === 'ICRS'));
    assert.equal(rows.length, 1101);
    assert.ok(rows.every((row) => row.length === names.length));
    // Rows are made in pieces: each has its own texts and numbers.
    const column = (name: string) => rows.slice(1).map((row) => row[names.indexOf(name)]);
    const wanted = (name: string) => catalogueOf(record).columns.find((it) => it.name === name)?.values ?? [];
    assert.deepEqual(column('source_id'), [...wanted('source_id')]);
    assert.deepEqual(Float32Array.from(column('x'), Number), Float32Array.from(wanted('x'), Number));
    assert.equal(rows[2]?.[names.indexOf('ra')], '');
    assert.equal(Number(rows[1]?.[names.indexOf('x')]), 1);
    assert.equal(Number(rows[1]?.[names.indexOf('ra')]), record.outcome.catalogue.raDeg[0]);
  });
});

describe('JSON', () => {
  it('holds the run and one object per source; missing values are null', async () => {
    const record = await fakeRecord({ count: 600 });
    const parsed = JSON.parse(resultText(record, 'json')) as {
      run: Record<string, unknown>;
      columns: { name: string }[];
      sources: Record<string, number | string | null>[];
    };
    assert.equal(parsed.sources.length, 600);
    assert.equal(parsed.sources[1]?.ra, null);
    assert.equal(parsed.sources[0]?.x, 1);
    assert.equal(parsed.run.model, 'demo-continuum');
    assert.deepEqual(
      Object.keys(parsed.sources[0] ?? {}),
      parsed.columns.map((column) => column.name),
    );
  });

  it('is valid without sources', async () => {
    const parsed = JSON.parse(resultText(await fakeRecord({ count: 0 }), 'json')) as { sources: unknown[] };
    assert.deepEqual(parsed.sources, []);
  });
});

describe('DS9 regions', () => {
  it('draws ellipses on the sky, and boxes in image pixels where size or position is unknown', async () => {
    const lines = resultText(await fakeRecord(), 'reg')
      .split('\n')
      .filter((line) => /^\w+;/.test(line));
    assert.equal(lines.length, 5);
    assert.match(lines[0] ?? '', /^icrs;ellipse\(359\.9999000,-30\.2000000,0\.75",0\.35",0\) # text=\{S1\}$/);
    assert.match(lines[1] ?? '', /^image;box\(2\.1,/);
    assert.match(lines[2] ?? '', /^image;box\(/);
    assert.match(lines[3] ?? '', /^icrs;ellipse\(.*,21\) /);
  });

  it('uses fk5 for FK5 at J2000 and image boxes for an equinox DS9 does not know', async () => {
    const wcs = {
      system: 'FK5',
      equinox: 2000,
      native: 'RA/DEC',
      projection: 'TAN',
      pixelScaleDeg: 1e-4,
      centreRaDeg: 0,
      centreDecDeg: 0,
    };
    assert.match(resultText(await fakeRecord({ wcs }), 'reg'), /^fk5;ellipse/m);
    const odd = resultText(await fakeRecord({ wcs: { ...wcs, equinox: 1987 } }), 'reg');
    assert.doesNotMatch(odd, /ellipse/);
    assert.match(odd, /^image;box/m);
  });

  it('a hostile file name cannot begin a line of its own', async () => {
    const text = resultText(await fakeRecord({ name: 'a\nicrs;circle(0,0,1)' }), 'reg');
    assert.doesNotMatch(text, /^icrs;circle/m);
  });
});

/** By trying: the fewest digits that read back as the same float; half-way between two decimals either will do. */
function assertShortest(single: number, message?: string): void {
  const text = numberText(single, 'float');
  assert.equal(Math.fround(Number(text)), single, message);
  for (let precision = 1; ; precision += 1) {
    const decimal = Number(single.toPrecision(precision));
    if (Math.fround(decimal) !== single) continue;
    assert.equal(text.length, String(decimal).length, `${message}: ${text}, ${decimal}`);
    const further = Math.abs(Number(text) - single) - Math.abs(decimal - single);
    assert.ok(further <= Math.abs(single) * 1e-15, `${message}: ${text}, ${decimal}`);
    return;
  }
}

/** The next float towards zero. */
function below(value: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  bits.setUint32(0, bits.getUint32(0) - 1);
  return bits.getFloat32(0);
}

const { numberText } = native();

describe('numbers as text', () => {
  it('read back as the same float or double, shortest', () => {
    assert.equal(numberText(0.1, 'float'), '0.1');
    assert.equal(numberText(Math.fround(1 / 3), 'float'), '0.33333334');
    assert.equal(numberText(1 / 3, 'double'), '0.3333333333333333');
    assert.equal(numberText(Number.NaN, 'float'), '');
    assert.equal(numberText(Number.POSITIVE_INFINITY, 'double'), '');
    let state = 1;
    const bits = new DataView(new ArrayBuffer(4));
    for (let i = 0; i < 20000; i += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bits.setUint32(0, state);
      const value = bits.getFloat32(0);
      if (Number.isFinite(value)) assertShortest(value, `bits ${state}`);
      // The same digits where most quantities lie: 1e-7 to 1e7.
      const common = Math.fround((1 + (state & 0xffffff) / 2 ** 24) * 10 ** (((state >>> 24) % 15) - 7));
      assertShortest(-common, `bits ${state}`);
    }
    for (let exponent = -9; exponent <= 9; exponent += 1) {
      const power = Math.fround(10 ** exponent);
      for (const value of [power, below(power), -power * 5, 0, power * 1.5].map(Math.fround)) {
        assertShortest(value, `around 1e${exponent}`);
      }
    }
  });
});

describe('pictures', () => {
  it('draw a source where it is: y of FITS runs upwards', async () => {
    const record = await fakeRecord({ count: 3 });
    const { catalogue } = record.outcome;
    catalogue.x.fill(20);
    catalogue.y.fill(90);
    const image = { path: join(dir, 'even.fits') };
    writeFileSync(image.path, Buffer.concat([header(imageCards([100, 100])), floatData(new Float32Array(10_000))]));
    const marks = sourceMarks(record.outcome.image, catalogue);
    const png = PNG.sync.read(native().renderPicture({ image, maxPx: 100, look: kPictureLook, marks }).png);
    rmSync(image.path);
    let coloured = 0;
    for (let y = 0; y < 100; y += 1) {
      for (let x = 0; x < 100; x += 1) {
        const at = (y * 100 + x) * 4;
        if (png.data[at] === png.data[at + 1]) continue;
        coloured += 1;
        assert.ok(Math.hypot(x - 20, y - 9) < 8, `coloured pixel at ${x},${y}`);
      }
    }
    assert.ok(coloured > 10);
  });
});

describe('writing files', () => {
  it('is whole or not at all: a generator that fails leaves the old file and no temporary one', async () => {
    const path = join(dir, 'whole.txt');
    writeFileSync(path, 'before');
    function* broken() {
      yield 'half';
      throw new Error('the disk of the test is full');
    }
    await assert.rejects(writeFileAtomically(path, broken()), OtfError);
    assert.equal(readFileSync(path, 'utf8'), 'before');
    assert.deepEqual(readdirSync(dir), ['whole.txt']);
  });

  it('says which path cannot be written', async () => {
    const gone = join(dir, 'no-such-folder', 'a.vot');
    const refused = { code: 'OTF_OUTPUT_UNWRITABLE', message: /no-such-folder.*no such file or directory/ };
    await assert.rejects(writeResult(await fakeRecord(), 'votable', gone), refused);
    await assert.rejects(assertWritable(gone), refused);
    mkdirSync(join(dir, 'folder'));
    await assert.rejects(assertWritable(join(dir, 'folder')), { message: /is a directory/ });
    assert.ok(!existsSync(gone));
  });
});
