/** `detect --monte-carlo`: how far the network's own columns scatter, beside a catalogue that stays as it was. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { kNoAstropy, python, runCli, runOk, scratchDir } from './support/cli.js';
import { startTestServer } from './support/server.js';

const dir = scratchDir();
const field = join(dir, 'sim/field.fits');
const kAsked = ['--monte-carlo', '12'];

interface Catalogue {
  run: Record<string, number>;
  columns: { name: string; unit: string; description: string }[];
  sources: Record<string, number>[];
}

const ok = (args: string[]) => runOk(args, dir).stdout;
const detected = (args: string[]) =>
  JSON.parse(ok(['detect', field, ...args, '--format', 'json', '-o', '-'])) as Catalogue;
const isDrawn = (name: string) => /_mc(_std)?$/.test(name);

describe('detect --monte-carlo', () => {
  before(() => {
    ok(['simulate', '-o', 'sim', '--size', '500', '--seed', '31']);
  });

  it('changes no row, and tells mean and deviation of every column of the network', () => {
    const plain = detected([]);
    const { run, columns, sources } = detected(kAsked);
    assert.deepEqual(
      sources.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !isDrawn(name)))),
      plain.sources,
    );
    assert.deepEqual([run.monte_carlo, run.monte_carlo_seed], [12, 1]);
    const names = new Set(columns.map(({ name }) => name));
    for (const { name } of plain.columns) {
      if (name === 'source_id' || name === 'pa_pixel') continue;
      assert.ok(names.has(`${name}_mc`) && names.has(`${name}_mc_std`), name);
    }
    const mean = columns.find(({ name }) => name === 'objectness_mc');
    assert.match(mean?.description ?? '', /12 Monte Carlo draws of the network's dropout/);
    for (const row of sources) {
      const of = (name: string) => row[name] ?? Number.NaN;
      for (const name of ['x', 'y', 'dec', 'objectness', 'flux', 'bmaj']) assert.ok(of(`${name}_mc_std`) > 0, name);
      // Draws scatter about the usual value: what is far outside is another box's.
      for (const name of ['x', 'y'])
        assert.ok(Math.abs(of(`${name}_mc`) - of(name)) < 3, `${name} ${of(`${name}_mc`)}`);
      const ratio = of('flux_mc') / of('flux');
      assert.ok(ratio > 0.5 && ratio < 2, `flux ${ratio}`);
      assert.ok(of('objectness_mc') > 0 && of('objectness_mc') <= 1);
    }
  });

  it('depends on the seed, and neither on threads nor on the batch', () => {
    const one = detected([...kAsked, '--threads', '1', '--batch', '1']);
    assert.deepEqual(detected([...kAsked, '--threads', '2', '--batch', '7']).sources, one.sources);
    assert.notDeepEqual(detected([...kAsked, '--monte-carlo-seed', '2']).sources, one.sources);
  });

  it('goes with a measurement and its quality', () => {
    const { sources, run } = detected([...kAsked, '--measure', 'full', '--min-snr', '4', '--quality', '4']);
    assert.ok(sources.length > 20 && (run.quality_tiles ?? 0) > 0);
    const all = detected(kAsked).sources;
    const known = new Map(all.map((row) => [`${row.x},${row.y}`, row.flux_mc_std]));
    for (const row of sources) assert.equal(row.flux_mc_std, known.get(`${row.x},${row.y}`));
  });

  it('what cannot be is said in one line', () => {
    for (const wrong of [
      ['--monte-carlo', '1'],
      ['--monte-carlo-seed', '3'],
    ]) {
      const { code, stderr } = runCli(['detect', field, ...wrong], dir);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /MONTE_CARLO/);
    }
  });

  it('a VOTable with valid units and UCDs, read by astropy', { skip: kNoAstropy }, () => {
    ok(['detect', field, ...kAsked, '-o', 'mc.vot']);
    const program =
      'import sys\nfrom astropy.io.votable import parse\nt = parse(sys.argv[1], verify="exception").get_first_table()\nprint(int((t.array["flux_mc_std"] > 0).sum()))';
    assert.ok(Number(python(program, join(dir, 'mc.vot'))) > 20);
  });

  it('a job gives the same, beside one without', async (t) => {
    ok(['detect', field, ...kAsked, '-o', 'own.vot']);
    ok(['detect', field, '-o', 'plain.vot']);
    const server = await startTestServer(t);
    const image = readFileSync(field);
    const ids = [await server.submit({ MONTE_CARLO: '12' }, image), await server.submit({}, image)];
    const rows = (text: string) => text.match(/<TABLEDATA>[\s\S]*<\/TABLEDATA>/)?.[0];
    for (const [index, name] of ['own.vot', 'plain.vot'].entries()) {
      const id = ids[index] ?? '';
      await server.until(id, 'COMPLETED');
      const result = rows(await server.text(`/jobs/${id}/results/result`));
      assert.ok(result);
      assert.equal(result, rows(readFileSync(join(dir, name), 'utf8')));
    }
  });
});
