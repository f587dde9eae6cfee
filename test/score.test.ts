/** `score` and `match`: what the commands read, and what they say of it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { XMLValidator } from 'fast-xml-parser';
import { kNoAstropy, python, runCli, runOk, scratchDir } from './support/cli.js';

const dir = scratchDir();
const field = join(dir, 'sim/field.fits');
const truth = join(dir, 'sim/truth.vot');

const ok = (args: string[]) => runOk(args, dir);

function json(args: string[]) {
  return JSON.parse(ok([...args, '--format', 'json']).stdout) as {
    run: Record<string, number>;
    scores: { parameter: string; mean_score: number }[];
    matches: Record<string, number>[];
    bins: Record<string, number>[];
    thresholds: { detections: number; purity: { value: number } }[];
    pairs: Record<string, number | string | null>[];
  };
}

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

/** Places in the challenge's area; flux density, axes, angle. */
const kRows = ['1 0.5 -30 0.5 -30 1e-3 0 2 1 10 2 3', '2 359.9 -30.2 359.9 -30.2 2e-3 0 2 1 10 2 3'];

describe('score', () => {
  before(() => {
    ok(['simulate', '-o', 'sim', '--size', '512', '--seed', '3']);
    for (const ending of ['vot', 'fits', 'csv']) ok(['detect', field, '-o', `found.${ending}`]);
    ok(['detect', field, '--format', 'votable-binary2', '-o', 'found.b2']);
  });

  it('plots of bins and thresholds are SVGs with a point for each', () => {
    const { bins, thresholds } = json(['score', 'found.vot', truth, '--plain', '--plots', 'drawn']);
    const drawn = (name: string) => {
      const text = readFileSync(join(dir, name), 'utf8');
      assert.equal(XMLValidator.validate(text), true);
      return text.match(/<circle/g)?.length ?? 0;
    };
    assert.ok(drawn('drawn-flux.svg') >= bins.length && drawn('drawn-flux.svg') <= 2 * bins.length + 2);
    assert.ok(drawn('drawn-roc.svg') > 2 && drawn('drawn-roc.svg') <= thresholds.length);
    const { code, stderr } = runCli(['score', 'found.vot', truth, '--plots', 'x'], dir);
    assert.equal(code, 2);
    assert.match(stderr, /give --plain, too/);
  });

  it("the challenge's scorer: text without names, false detections, a row for every match", () => {
    const real = file('truth.txt', `${kRows.join('\n')}\n`);
    const submission = file(
      'sub.txt',
      `${kRows[0]}\n${kRows[1]?.replace('2e-3', '2.4e-3')}\n9 3 -30 3 -30 1 0 1 1 0 2 3\n`,
    );
    const report = json(['score', submission, real]);
    // One perfect, one with half of the marks for flux, one false.
    assert.equal(report.run.matches, 2);
    assert.equal(report.run.false, 1);
    assert.ok(Math.abs((report.run.score ?? 0) - (2 - 0.5 / 7 - 1)) < 1e-9);
    const flux = report.scores.find(({ parameter }) => parameter === 'flux');
    assert.ok(Math.abs((flux?.mean_score ?? 0) - 0.75) < 1e-9);
    const { matches } = json(['score', submission, real, '--detail']);
    assert.deepEqual(
      matches.map(({ id, id_truth }) => [id, id_truth]),
      [
        [1, 1],
        [2, 2],
      ],
    );
    assert.match(ok(['score', submission, real]).stdout, /^score 0\.93 \(1\.93 less 1 false\)/);
  });

  it('a catalogue made here has no core fraction, size and class: what stands in is told', () => {
    const { stderr } = ok(['score', 'found.vot', file('t.txt', `${kRows.join('\n')}\n`)]);
    for (const what of ['core_frac: 0.0375', 'size: 2', 'class: 3', 'id: the number of the row'])
      assert.ok(stderr.includes(what), stderr);
  });

  it('every format of a catalogue gives the same plain score, in bins and thresholds', () => {
    const reports = ['found.vot', 'found.fits', 'found.csv', 'found.b2'].map((name) =>
      json(['score', name, truth, '--plain', '--min-snr', '5']),
    );
    const [first] = reports;
    assert.ok((first?.run.matches ?? 0) > 50);
    assert.ok((first?.run.completeness ?? 0) > 0.7);
    assert.equal(first?.bins.length, 10);
    assert.ok((first?.thresholds.length ?? 0) > 10);
    for (const { run } of reports) {
      assert.equal(run.matches, first?.run.matches);
      assert.equal(run.purity, first?.run.purity);
    }
    const { thresholds } = json(['score', 'found.vot', truth, '--plain', '--table', 'thresholds']);
    const counts = thresholds.map((each) => Number(each.detections ?? 0));
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => b - a),
    );
  });

  it('a truth against itself is complete and pure', () => {
    const { run } = json(['score', truth, truth, '--plain']);
    assert.equal(run.completeness, 1);
    assert.equal(run.purity, 1);
    assert.equal(run.separation, 0);
  });

  it('a VOTable that astropy reads', { skip: kNoAstropy }, () => {
    ok(['score', 'found.vot', truth, '--plain', '-o', 'score.vot']);
    const program =
      'import sys\nfrom astropy.io.votable import parse\nt = parse(sys.argv[1], verify="exception").get_first_table()\nprint(len(t.array))';
    assert.equal(python(program, join(dir, 'score.vot')), 10);
  });

  it('what cannot be read or lacks a column is one line with exit code 1', () => {
    const lacking = file('lacking.csv', 'ra,dec\n1,2\n3,4\n');
    for (const [args, message] of [
      [['score', 'nowhere.txt', truth], /cannot read the table nowhere\.txt: No such file/],
      [['score', lacking, truth, '--plain'], /lacking\.csv has no column of numbers named flux \(there are ra, dec\)/],
      [['score', lacking, lacking], /no column of numbers named flux_corrected or flux/],
      [['match', lacking, file('bad.txt', 'hello\n')], /bad\.txt: no line of it is a row of numbers/],
    ] as const) {
      const { code, stderr } = runCli([...args], dir);
      assert.equal(code, 1, stderr);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1);
    }
  });
});

describe('match', () => {
  const a = () => file('a.csv', 'name,ra,dec,ra_err,dec_err\nx,10,60,1,1\ny,10.001,60,1,1\nz,200,0,1,1\n');
  const b = () => file('b.csv', 'ra,dec,flux\n10.0004,60,5\n10.0011,60,6\n');

  it('each row once, the closest first; rows without a partner when asked for', () => {
    const args = ['match', a(), b(), '--radius', '3'];
    const { pairs } = json(args);
    assert.deepEqual(
      pairs.map(({ name_a, flux_b }) => [name_a, flux_b]),
      [
        ['x', 5],
        ['y', 6],
      ],
    );
    assert.ok(Math.abs(Number(pairs[0]?.separation) - 0.72) < 1e-3);
    const kept = json([...args, '--keep-all']).pairs;
    assert.deepEqual([kept.length, kept[2]?.name_a, kept[2]?.flux_b], [3, 'z', null]);
    assert.equal(json([...args, '--find', 'all']).pairs.length, 4);
  });

  it('the separation over its error, by units that are said', () => {
    const withUnits = file(
      'a.vot',
      `<VOTABLE><RESOURCE><TABLE><FIELD name="ra" datatype="double"/><FIELD name="dec" datatype="double"/><FIELD name="ra_err" datatype="double" unit="mas"/><FIELD name="dec_err" datatype="double" unit="mas"/><DATA><TABLEDATA><TR><TD>10</TD><TD>60</TD><TD>360</TD><TD>360</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>`,
    );
    const { pairs } = json(['match', withUnits, b(), '--sigma', '3']);
    assert.ok(Math.abs(Number(pairs[0]?.separation_sigma) - 2) < 1e-3);
    assert.equal(json(['match', withUnits, b(), '--sigma', '1.9']).pairs.length, 0);
    const { code, stderr } = runCli(['match', a(), b(), '--sigma', '3'], dir);
    assert.equal(code, 1);
    assert.match(stderr, /ra_err has no unit, not arcsec, mas or deg/);
    assert.match(ok(['match', a(), b()]).stderr, /warning: .*ra_err has no unit.* left out of separation_sigma/);
  });

  it('identifiers of 64 bits keep their digits, in the formats that are read and those that are written', () => {
    const ids = ['5853498713190525696', '5853498713190525697', '5853498713190525698'];
    const cells = ids.map((id, row) => `<TR><TD>${id}</TD><TD>1${row}</TD><TD>60</TD></TR>`).join('');
    const votable = file(
      'ids.vot',
      `<VOTABLE><RESOURCE><TABLE><FIELD name="id" datatype="long"/><FIELD name="ra" datatype="double"/><FIELD name="dec" datatype="double"/><DATA><TABLEDATA>${cells}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>`,
    );
    const text = file('ids.csv', `id,ra,dec\n${ids.map((id, row) => `${id},1${row},60`).join('\n')}\n`);
    const { pairs } = json(['match', votable, text]);
    assert.deepEqual(
      pairs.map(({ id_a, id_b }) => [id_a, id_b]),
      ids.map((id) => [id, id]),
    );
  });

  it('positions are taken in the unit their table says, or refused by its name', () => {
    const inUnit = (unit: string, ra: number, dec: number) =>
      file(
        `${unit}.vot`,
        `<VOTABLE><RESOURCE><TABLE><FIELD name="ra" datatype="double" unit="${unit}"/><FIELD name="dec" datatype="double" unit="${unit === 'hourangle' ? 'deg' : unit}"/><DATA><TABLEDATA><TR><TD>${ra}</TD><TD>${dec}</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>`,
      );
    const degrees = Math.PI / 180;
    for (const path of [
      inUnit('rad', 10.0004 * degrees, 60 * degrees),
      inUnit('hourangle', 10.0004 / 15, 60),
      inUnit('arcsec', 36001.44, 216000),
    ]) {
      assert.equal(json(['match', path, b(), '--radius', '0.1']).pairs.length, 1, path);
    }
    const { code, stderr } = runCli(['match', inUnit('furlong', 1, 2), b()], dir);
    assert.equal(code, 1);
    assert.match(stderr, /furlong\.vot: ra is in furlong, which cannot be turned into degrees/);
  });

  it('a table without positions is told by the columns it has; a mark of UTF-8 is none of them', () => {
    const lacking = file('none.csv', '\ufeffra,decl,flux\n1,2,3\n');
    const { code, stderr } = runCli(['match', lacking, b()], dir);
    assert.equal(code, 1);
    assert.match(stderr, /none\.csv has no column of numbers named dec or .* \(there are ra, decl, flux\)/);
  });

  it('columns whose names are no XML names have IDs that are', () => {
    const odd = file('odd.csv', 'ra,dec,flux [mJy],1400\n10,60,1,2\n');
    const text = ok(['match', odd, b(), '--format', 'votable', '-o', '-']).stdout;
    const fields = [...text.matchAll(/<FIELD ID="([^"]*)" name="([^"]*)"/g)].map(([, id, name]) => [id, name]);
    assert.deepEqual(fields.slice(0, 4), [
      ['ra_a', 'ra_a'],
      ['dec_a', 'dec_a'],
      ['col1', 'flux [mJy]_a'],
      ['col2', '1400_a'],
    ]);
  });

  it('writes a FITS table that astropy reads', { skip: kNoAstropy }, () => {
    ok(['match', 'found.vot', truth, '-o', 'pairs.fits']);
    const program = 'import sys\nfrom astropy.table import Table\nprint(len(Table.read(sys.argv[1])))';
    assert.ok(Number(python(program, join(dir, 'pairs.fits'))) > 50);
    assert.ok(readFileSync(join(dir, 'pairs.fits')).length > 2880);
  });
});
