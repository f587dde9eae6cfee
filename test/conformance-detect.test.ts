/** `detect` against the published procedure's catalogues, through the command (test/fixtures/detection). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kFixtures, kNoAstropy, python, runCli, scratchDir } from './support/cli.js';

const dir = scratchDir();
const kMatchPx = 0.01;
const kShare = 0.995;

type Row = Record<string, number>;

function readCsv(path: string): Row[] {
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, index) => [names[index], Number(cell)])));
}

function close(actual: number | undefined, wanted: number | undefined, relative: number, what: string): void {
  assert.ok(actual !== undefined && wanted !== undefined, what);
  assert.ok(
    Math.abs(actual - wanted) <= relative * Math.max(1e-12, Math.abs(wanted)),
    `${what}: ${actual}, not ${wanted}`,
  );
}

for (const field of ['field-230x180', 'field-600x500']) {
  describe(`detect on ${field}`, () => {
    const folder = join(kFixtures, 'detection', field);
    const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
      selected: number;
      after_first: number;
      final: number;
      tiles: [number, number];
      offset: [number, number];
    };
    const output = join(dir, `${field}.csv`);
    const { code, stdout, stderr } = runCli(['detect', join(folder, 'field.fits'), '-o', output, '--json'], dir);

    it('counts what the procedure counts after every step', () => {
      assert.equal(code, 0, stderr);
      const summary = JSON.parse(stdout) as {
        counts: { selected: number; afterFirst: number; final: number };
        tiling: { tilesX: number; tilesY: number; offsetX: number; offsetY: number };
      };
      const { counts, tiling } = summary;
      assert.deepEqual(
        { selected: counts.selected, after_first: counts.afterFirst, final: counts.final },
        { selected: expected.selected, after_first: expected.after_first, final: expected.final },
      );
      assert.deepEqual([tiling.tilesY, tiling.tilesX], expected.tiles);
      assert.deepEqual([tiling.offsetY, tiling.offsetX], expected.offset);
    });

    it('gives the same catalogue, row by row', () => {
      const wanted = readCsv(join(folder, 'catalogue.csv'));
      const found = readCsv(output);
      let matched = 0;
      for (const row of wanted) {
        const { x_fits: x = 0, y_fits: y = 0 } = row;
        const match = found.find((each) => Math.hypot((each.x ?? 0) - x, (each.y ?? 0) - y) < kMatchPx);
        if (!match) continue;
        matched += 1;
        close(match.objectness, row.objectness, 1e-4, 'objectness');
        close(match.flux, row.flux_apparent_jy, 1e-3, 'flux');
        close(match.bmaj, row.bmaj_arcsec, 1e-3, 'bmaj');
        close(match.width, row.width_pix, 1e-3, 'width');
        // 1e-5 degrees is 0.04 arcsec, a fifteenth of a pixel; declination is the stricter of the two.
        assert.ok(
          Math.abs((match.ra ?? 0) - (row.ra_deg ?? 0)) < 5e-6 &&
            Math.abs((match.dec ?? 0) - (row.dec_deg ?? 0)) < 5e-6,
        );
        const turn = Math.abs((match.pa ?? Number.NaN) - (row.pa_iau_deg ?? 0));
        assert.ok(Math.min(turn, 180 - turn) < 0.1, `position angle ${match.pa}, not ${row.pa_iau_deg}`);
      }
      assert.ok(matched >= kShare * wanted.length, `${matched} of ${wanted.length} rows matched`);
      assert.equal(found.length, wanted.length);
    });
  });
}

describe('results of a real run', () => {
  const image = join(kFixtures, 'detection/field-230x180/field.fits');

  it('a FITS table holds the rows and facts of the CSV', { skip: kNoAstropy }, () => {
    const table = join(dir, 'out.fits');
    assert.equal(runCli(['detect', image, '-o', table], dir).code, 0);
    const text = join(dir, 'out.csv');
    assert.equal(runCli(['detect', image, '-o', text], dir).code, 0);
    const program = `
import sys, json
from astropy.io import fits
with fits.open(sys.argv[1], checksum=True) as f:
    f.verify('exception')
    t = f['CATALOGUE']
    print(json.dumps({'units': {c.name: c.unit for c in t.columns}, 'model': t.header['MODEL'], 'sha': t.header['MODELSHA'],
      'rows': [[v if isinstance(v, str) else float(v) for v in row] for row in t.data.tolist()], 'names': t.columns.names}))
`;
    const read = python(program, table) as {
      units: Record<string, string>;
      model: string;
      sha: string;
      rows: (number | string)[][];
      names: string[];
    };
    const rows = readCsv(text);
    // The frame is a keyword there.
    assert.deepEqual([...read.names, 'frame'], Object.keys(rows[0] ?? {}));
    assert.equal(read.rows.length, rows.length);
    assert.equal(read.units.ra, 'deg');
    assert.equal(read.model, 'demo-continuum');
    assert.match(read.sha, /^8916ced6/);
    read.rows.forEach((row, at) => {
      row.forEach((value, column) => {
        const name = read.names[column] ?? '';
        if (typeof value === 'number') close(value, rows[at]?.[name], 1e-6, name);
      });
    });
  });

  it('a box gives the sources in it, at positions of the whole image', () => {
    const output = join(dir, 'box.csv');
    assert.equal(runCli(['detect', image, '--box', '31,21,150,120', '-o', output], dir).code, 0);
    const rows = readCsv(output);
    assert.ok(rows.length > 0);
    for (const { x = 0, y = 0 } of rows) assert.ok(x > 25 && x < 190 && y > 15 && y < 150, `${x},${y}`);
  });

  it('without -o the catalogue lies in the current folder under the name of the image', () => {
    const here = scratchDir();
    const { code, stdout } = runCli(['detect', image], here);
    assert.equal(code, 0);
    assert.match(stdout, /catalogue: field\.vot/);
    assert.match(readFileSync(join(here, 'field.vot'), 'utf8'), /<VOTABLE version="1.4"/);
  });

  it('-o - is the catalogue alone on standard output', () => {
    const { code, stdout, stderr } = runCli(['detect', image, '--format', 'csv', '-o', '-'], dir);
    assert.equal(code, 0);
    assert.match(stdout, /^source_id,ra,dec,x,y,/);
    assert.match(stderr, /36 sources/);
  });

  it('the preview is a PNG with colour in it', async () => {
    const picture = join(dir, 'p.png');
    assert.equal(runCli(['detect', image, '-o', join(dir, 'p.vot'), '--preview', picture], dir).code, 0);
    const { PNG } = await import('pngjs');
    const png = PNG.sync.read(readFileSync(picture));
    let coloured = 0;
    for (let at = 0; at < png.data.length; at += 4) if (png.data[at] !== png.data[at + 1]) coloured += 1;
    assert.ok(png.width > 100 && coloured > 100, `${png.width} wide, ${coloured} coloured pixels`);
  });
});
