/** Detections in a part of the sky, and the footprints they leave: of detect, and of jobs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { kNoAstropy, kNoStilts, python, runCli, runOk, scratchDir } from './support/cli.js';
import { startTestServer } from './support/server.js';

const dir = scratchDir();
const field = join(dir, 'sim/field.fits');

const ok = (args: string[]) => runOk(args, dir).stdout;

type Row = Record<string, number | string>;
interface Table {
  run: Record<string, number | string>;
  image: { warnings: string[] };
  sources: Row[];
}

function detected(args: string[]): Table {
  return JSON.parse(ok(['detect', field, '--format', 'json', '-o', '-', ...args])) as Table;
}

/** Without the names, which are ranks. */
function bare(rows: readonly Row[]): Row[] {
  return rows.map(({ source_id: _, ...row }) => row);
}

function written(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return name;
}

const inBox = ({ x, y }: Row) => Number(x) >= 200.5 && Number(x) <= 500.5 && Number(y) >= 99.5 && Number(y) <= 399.5;
const inCircle = ({ x, y }: Row) => Math.hypot(Number(x) - 600, Number(y) - 600) <= 60;
const kRegions =
  'image;box(350.5,249.5,300,300)\ncircle(600,600,60)\n-circle(350,250,30) # text={; box(1,2,3,4)}\npoint(1,1)\n';
const inRegions = (row: Row) =>
  (inBox(row) || inCircle(row)) && Math.hypot(Number(row.x) - 350, Number(row.y) - 250) > 30;

describe('detect --mask', () => {
  let whole: Table;
  before(() => {
    ok(['simulate', '-o', 'sim', '--size', '900', '--seed', '12']);
    whole = detected(['--measure', 'full']);
  });

  it('gives the rows of the whole image that lie inside, every number the same, and searches less', () => {
    const file = written('m.reg', kRegions);
    const masked = detected(['--measure', 'full', '--mask', file]);
    const inside = whole.sources.filter(inRegions);
    assert.ok(inside.length > 40 && inside.length < whole.sources.length / 2, `${inside.length}`);
    assert.deepEqual(bare(masked.sources), bare(inside));
    const { mask, tiles, tiles_searched, outside_mask } = masked.run;
    assert.equal(mask, 'm.reg');
    assert.ok(Number(tiles_searched) < Number(tiles), `${tiles_searched} ${tiles}`);
    assert.ok(Number(outside_mask) > 0);
    assert.ok(masked.image.warnings.some((line) => /1 of the regions of m\.reg have no area/.test(line)));
    const kept = detected([]).sources.filter(inRegions);
    assert.deepEqual(bare(detected(['--mask', file]).sources), bare(kept));
  });

  it('the footprint of a box is a mask of it, in every notation', () => {
    const args = ['--box', '201,100,300,300', '-o', 'x.vot'];
    for (const name of ['b.fits', 'b.json', 'b.txt']) ok(['detect', field, ...args, '--footprint', name]);
    assert.match(readFileSync(join(dir, 'b.txt'), 'utf8'), /^\d+\/\d+[\d\-/ ]*\n$/);
    JSON.parse(readFileSync(join(dir, 'b.json'), 'utf8'));
    const tables = ['b.fits', 'b.json', 'b.txt'].map((name) => detected(['--measure', 'fast', '--mask', name]));
    const rows = bare(tables[0]?.sources ?? []);
    assert.ok(rows.length > 30);
    for (const other of tables) assert.deepEqual(bare(other.sources), rows);
    const near = (row: Row, by: number) =>
      Number(row.x) > 200.5 + by &&
      Number(row.x) < 500.5 - by &&
      Number(row.y) > 99.5 + by &&
      Number(row.y) < 399.5 - by;
    const all = detected(['--measure', 'fast']).sources;
    const keys = new Set(rows.map(({ ra }) => ra));
    for (const row of all) {
      if (near(row, 2)) assert.ok(keys.has(row.ra ?? ''), JSON.stringify(row));
      if (!near(row, -2)) assert.ok(!keys.has(row.ra ?? ''), JSON.stringify(row));
    }
    // A mask cuts the footprint, and what is left of it is its own.
    ok(['detect', field, '--mask', 'b.fits', '--footprint', 'again.txt', '-o', 'x.vot']);
    assert.deepEqual(bare(detected(['--measure', 'fast', '--mask', 'again.txt']).sources), rows);
  });

  it('--quality is of the area alone', () => {
    const file = written('half.reg', 'image;box(225.5,450.5,450,900)\n');
    const { run, sources } = detected(['--measure', 'full', '--quality', '32', '--mask', file]);
    const everywhere = detected(['--measure', 'full', '--quality', '32']);
    const inside = everywhere.sources.filter(({ x }) => Number(x) <= 450.5);
    assert.deepEqual(
      sources.map(({ snr }) => snr),
      inside.map(({ snr }) => snr),
    );
    assert.ok(Number(run.mocks) > 20 && Number(run.mocks) < 0.8 * Number(everywhere.run.mocks), JSON.stringify(run));
    assert.ok(
      Math.abs(Number(run.reliability_mean) - Number(everywhere.run.reliability_mean)) < 0.12,
      JSON.stringify(run),
    );
    assert.ok(Number(run.quality_sampled) > 0.9, JSON.stringify(run));
  });

  it('what is no area, or not here, is one line with its place; nothing is written', () => {
    const refused = (name: string, text: string, code: number, pattern: RegExp) => {
      const { code: got, stderr } = runCli(['detect', field, '--mask', written(name, text), '-o', 'none.vot'], dir);
      assert.equal(got, code, stderr);
      assert.match(stderr, pattern);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    };
    refused('a.txt', '30/1', 1, /a\.txt: at byte \d+ an order of it is above 29/);
    refused('b.txt', '0/12', 1, /order 0 has cells from 0 to 11/);
    refused('c.json', '{"5":[1,2}', 1, /c\.json: at byte \d+/);
    refused('d.reg', 'fk5\npanda(1,2,3,4)', 1, /d\.reg: line 2: 'panda' is no shape/);
    refused('e.reg', '# nothing\n', 1, /there is no area in e\.reg/);
    refused('f.reg', 'icrs;circle(10,80,1)', 1, /the mask f\.reg is outside the searched part/);
    refused(
      'g.fits',
      readFileSync(field)
        .subarray(0, 2880 * 3)
        .toString('latin1'),
      1,
      /g\.fits/,
    );
    assert.ok(!existsSync(join(dir, 'none.vot')));
    const { code, stderr } = runCli(['detect', field, '--footprint', 'foot.png'], dir);
    assert.equal(code, 2);
    assert.match(stderr, /foot\.png: its ending says no notation/);
  });
});

describe('a footprint to others', () => {
  it('STILTS finds the same places in it', { skip: kNoStilts }, () => {
    ok(['detect', field, '--mask', 'm.reg', '--footprint', 'peer.fits', '-o', 'none.csv']);
    ok(['detect', field, '-o', 'all.csv']);
    const add = `addcol inside 'inMoc("${join(dir, 'peer.fits')}",ra,dec)'`;
    const { stdout, stderr, status } = spawnSync(
      'stilts',
      ['tpipe', 'in=all.csv', 'ifmt=csv', `cmd=${add}`, 'cmd=keepcols "x y inside"', 'ofmt=csv', 'out=-'],
      {
        cwd: dir,
        encoding: 'utf8',
      },
    );
    assert.equal(status, 0, stderr);
    const rows = stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    assert.ok(rows.length > 100);
    const wrong = rows.filter(([x = '', y = '', inside]) => (inside === 'true') !== inRegions({ x, y }));
    // Cells are two pixels wide.
    assert.ok(wrong.length <= 2, JSON.stringify(wrong));
    assert.ok(rows.some(([, , inside]) => inside === 'true') && rows.some(([, , inside]) => inside === 'false'));
  });

  it('has the keywords of MOC 2.0', { skip: kNoAstropy }, () => {
    const program = `
import json, sys
from astropy.io import fits
with fits.open(sys.argv[1]) as f:
    f.verify("exception")
    header = f[1].header
    print(json.dumps([header[k] for k in ("MOCVERS", "MOCDIM", "ORDERING", "COORDSYS", "TFORM1", "MOCORDER")] + [len(f[1].data) > 0]))`;
    const found = python(program, join(dir, 'b.fits')) as unknown[];
    assert.deepEqual(found.slice(0, 5), ['2.0', 'SPACE', 'NUNIQ', 'C', '1K']);
    assert.ok(Number(found[5]) > 8 && found[6] === true);
  });
});

describe('a job with a mask', () => {
  it('gives what the command gives, a footprint, and both in its provenance', async (t) => {
    const own = detected(['--mask', 'm.reg', '--footprint', 'own.json']);
    const server = await startTestServer(t);
    const image = readFileSync(field);
    const asked = ['--mask', 'm.reg', '--footprint', 'json', '--format', 'json'];
    const sent = runCli(['submit', field, '--server', server.url, '--json', '--wait', ...asked], dir);
    assert.equal(sent.code, 0, sent.stderr);
    const [{ id }] = JSON.parse(sent.stdout) as [{ id: string }];
    const found = JSON.parse(await server.text(`/jobs/${id}/results/result`)) as Table;
    assert.deepEqual(found.sources, own.sources);
    assert.equal(found.run.outside_mask, own.run.outside_mask);
    assert.equal(await server.text(`/jobs/${id}/results/footprint`), readFileSync(join(dir, 'own.json'), 'utf8'));
    const provenance = await server.text(`/jobs/${id}/results/provjson`);
    for (const words of ['m.reg', 'results/footprint', 'application/octet-stream'])
      assert.ok(provenance.includes(words), words);
    const refused = await server.post({ FOOTPRINT: 'png' }, image);
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /not one of fits, json, ascii/);
  });
});
