/** What the other commands do when they are called rightly. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kFixtures, kNoAstropy, kNoStilts, kRoot, python, runOk, scratchDir } from './support/cli.js';

const dir = scratchDir();

const ok = (args: string[], cwd = dir) => runOk(args, cwd).stdout;

describe('engines', () => {
  it('the default engine works here, and says in which compute types', () => {
    const { engines, versions } = JSON.parse(ok(['engines', '--json'])) as {
      engines: { name: string; available: boolean; reason: string; computeTypes: string[] }[];
      versions: Record<string, string>;
    };
    const onednn = engines.find((engine) => engine.name === 'onednn');
    assert.ok(onednn?.available && onednn.computeTypes.includes('FP32C_FP32A'));
    const cuda = engines.find((engine) => engine.name === 'cuda');
    if (cuda?.available) assert.ok(cuda.computeTypes.includes('FP16C_FP32A'));
    else assert.match(cuda?.reason ?? '', /^.+$/, 'one line says why it is not');
    for (const name of ['cianna-otf', 'node', 'onednn', 'cfitsio', 'wcslib'])
      assert.match(versions[name] ?? '', /\d/, name);
    assert.match(ok(['engines']), /onednn/);
  });
});

describe('models', () => {
  it('list names the shipped model', () => {
    assert.match(ok(['models', 'list']), /^demo-continuum /m);
    assert.match(ok(['models', 'list', '--xml']), /id="ModelName">demo-continuum\.dat</);
  });
  it('show gives the card and the layers', () => {
    const text = ok(['models', 'show', 'demo']);
    assert.match(text, /^demo-continuum: /);
    assert.match(text, /conv 5x5x8/);
    assert.match(text, /^ *1 {2}conv 5x5x8/m);
    assert.match(text, /5 boxes/);
  });
  it('check finds card and weights good, and reads any network file', () => {
    assert.match(ok(['models', 'check', 'demo-continuum']), /card and weights are good/);
    const { network } = JSON.parse(ok(['models', 'check', join(kFixtures, 'networks/text_norm.dat'), '--json'])) as {
      network: { format: string };
    };
    assert.equal(network.format, 'text');
  });
});

describe('simulate', () => {
  it('makes the same field twice from one seed, and a truth that lies in it', { skip: kNoAstropy }, () => {
    const [a, b] = [join(dir, 'a'), join(dir, 'b')];
    for (const folder of [a, b]) ok(['simulate', '-o', folder, '--size', '200', '--seed', '5']);
    assert.deepEqual(readFileSync(join(a, 'field.fits')), readFileSync(join(b, 'field.fits')));
    const program = `
import sys, json, numpy
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.wcs import WCS
with fits.open(sys.argv[1] + '/field.fits') as f:
    w = WCS(f[0].header).celestial
    shape = f[0].data.squeeze().shape
t = parse_single_table(sys.argv[1] + '/truth.vot', verify='exception').array
x, y = w.all_world2pix(t['ra'].data, t['dec'].data, 1)
print(json.dumps({'shape': shape, 'rows': len(t), 'off': float(numpy.max(numpy.hypot(x - t['x'], y - t['y'])))}))
`;
    const { shape, rows, off } = python(program, a) as { shape: number[]; rows: number; off: number };
    assert.deepEqual(shape, [200, 200]);
    assert.ok(rows > 10 && rows < 100, `${rows} sources`);
    assert.ok(off < 0.001, `truth is ${off} pixels off`);
  });

  it('the truth is a VOTable STILTS finds nothing to say about', { skip: kNoStilts }, () => {
    const folder = join(dir, 'c');
    ok(['simulate', '-o', folder, '--size', '64']);
    const lint = spawnSync('stilts', ['votlint', `votable=${join(folder, 'truth.vot')}`], { encoding: 'utf8' });
    assert.equal(`${lint.stdout}${lint.stderr}`.trim(), '');
  });
});

describe('demo', () => {
  it('shows sources, files, times and what to do next, without colours in a pipe', () => {
    const text = ok(['demo', '-o', 'demo-out']);
    for (const part of [/brightest/, /catalogue\.vot/, /run the network/, /Next/, /above 5 sigma were found/]) {
      assert.match(text, part);
    }
    assert.ok(!text.includes('\u001b'), 'colour in a pipe');
    assert.ok(existsSync(join(dir, 'demo-out/sources.png')));
    const share = Number(/\((\d+) %\)/.exec(text)?.[1]);
    assert.ok(share >= 85, `only ${share} % of the bright sources found`);
  });
});

describe('bench', () => {
  it('engine reports every layer with its conditions', () => {
    const args = ['bench', 'engine', '--model', join(kRoot, 'models/demo-continuum/weights.dat'), '--size', '128'];
    const report = JSON.parse(ok([...args, '--batch', '2', '--repeats', '2', '--json'])) as {
      conditions: { cpu: string };
      tilesPerSecond: number;
      overBare: number;
      limitShare: number;
      outcome: {
        layers: { bytes: number; arithmetic: number; limitSeconds: number; bound: string }[];
        peakFlops: number;
        unit: string;
      };
    };
    assert.ok(report.conditions.cpu.length > 0);
    assert.ok(report.tilesPerSecond > 0 && report.overBare > 0 && report.limitShare > 0);
    const { layers, peakFlops, unit } = report.outcome;
    assert.ok(peakFlops > 1e9 && unit.length > 0);
    assert.equal(layers.length, 12);
    for (const { bytes, arithmetic, limitSeconds, bound } of layers) {
      assert.ok(bytes > 0 && limitSeconds > 0);
      assert.ok(arithmetic > 0 && arithmetic <= 1);
      assert.ok(['arithmetic', 'L2', 'memory'].includes(bound));
    }
  });

  it('server runs the published architecture, with a card made of the one that is shipped', () => {
    const args = ['bench', 'server', '--case', 'sdc1', '--tasks', '1', '--batch', '1', '--json'];
    const { cases } = JSON.parse(ok(args)) as { cases: { network: string; serverTilesPerSecond: number }[] };
    assert.deepEqual(
      cases.map(({ network, serverTilesPerSecond }) => [network, serverTilesPerSecond > 0]),
      [['sdc1', true]],
    );
  });

  it('arrival has an image brought and searched, beside the search of one that is there', () => {
    const args = ['bench', 'arrival', '--case', 'demo-continuum', '--size', '512', '--repeats', '1', '--json'];
    const { figures } = JSON.parse(ok(args)) as {
      figures: { network: string; share: number; search: number; download: number; ratios: number[] }[];
    };
    assert.deepEqual(
      figures.map(({ network, share, ratios }) => [network, share, ratios.length]),
      [1, 2, 0.5].map((share) => ['demo-continuum', share, 1]),
    );
    for (const { search, download, ratios } of figures) {
      assert.ok(search > 0 && download > 0);
      assert.ok(ratios.every((ratio) => ratio > 0));
    }
  });
});
