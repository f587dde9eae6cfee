/** `simulate --cube`: what the files say, and to whom. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kNoAstropy, kNoStilts, python, runCli, scratchDir } from './support/cli.js';

const dir = scratchDir();
const kSmall = ['--cube', '--size', '32', '--frames', '6', '--seed', '3'];

function simulate(folder: string, ...more: string[]): string {
  const path = join(dir, folder);
  const { code, stderr } = runCli(['simulate', '-o', path, ...kSmall, ...more], dir);
  assert.equal(code, 0, stderr);
  return path;
}

describe('simulate --cube', () => {
  it('cubes and truth agree with each other, read by astropy', { skip: kNoAstropy }, () => {
    const folder = simulate(
      'a',
      '--sigma-over-peak',
      '1e-6',
      '--transients',
      '2',
      '--steady',
      '1',
      '--separation',
      '8',
    );
    const program = `
import sys, json, numpy
from astropy.io import fits
from astropy.io.votable import parse
from astropy.wcs import WCS
cube, psf, truth = (fits.getdata(sys.argv[1] + '/' + n) for n in ('dirty.fits', 'psf.fits', 'truth.fits'))
h = fits.getheader(sys.argv[1] + '/truth.fits')
w = WCS(h).celestial
s = parse(sys.argv[1] + '/truth-sources.vot', verify='exception').get_first_table().array
votable = parse(sys.argv[1] + '/truth-lightcurves.vot', verify='exception')
l = votable.get_first_table().array
x, y = w.all_world2pix(s['ra'].data, s['dec'].data, 1)
n = cube.shape[1]
model = numpy.zeros((len(cube),) + (2 * n, 2 * n))
ky, kx = numpy.meshgrid(numpy.fft.fftfreq(2 * n), numpy.fft.rfftfreq(2 * n), indexing='ij')
H = numpy.fft.rfft2(numpy.fft.ifftshift(psf, (1, 2)))
for i, name in enumerate(s['source_id']):
    f = l['flux'][l['source_id'] == name]
    e = numpy.exp(-2j * numpy.pi * (kx * (s['x'][i] - 1) + ky * (s['y'][i] - 1)))
    model += numpy.fft.irfft2(H * e * f[:, None, None], s=(2 * n, 2 * n))
step = float(l['time'][1] - l['time'][0]) * 86400
print(json.dumps({'cube': cube.shape, 'psf': psf.shape, 'centre': float(psf[:, n, n].min()), 'ctype3': h['CTYPE3'],
  'off': float(numpy.hypot(x - s['x'], y - s['y']).max()), 'worst': float(abs(model[:, :n, :n] - cube).max() / cube.max()),
  'truth': truth.shape, 'beam': h['BMAJ'] * 3600, 'step': step, 'cdelt3': h['CDELT3'], 'rows': len(l)}))
`;
    const read = python(program, folder) as Record<string, number> & { cube: number[]; psf: number[]; truth: number[] };
    assert.deepEqual(read.cube, [6, 32, 32]);
    assert.deepEqual(read.psf, [6, 64, 64]);
    assert.deepEqual(read.truth, [6, 32, 32]);
    assert.equal(read.ctype3, 'TIME');
    assert.equal(read.rows, 18);
    assert.ok(Math.abs((read.centre ?? 0) - 1) < 1e-6);
    assert.ok((read.off ?? 1) < 1e-3, `truth is ${read.off} pixels off`);
    assert.ok((read.worst ?? 1) < 1e-4, `the dirty cube is not the sky through the PSF: ${read.worst}`);
    assert.ok(Math.abs((read.beam ?? 0) - 9.6) < 1e-9);
    assert.ok(Math.abs((read.step ?? 0) - (read.cdelt3 ?? 1)) < 1e-3);
  });

  it('the truth is VOTables STILTS finds nothing to say about', { skip: kNoStilts }, () => {
    const folder = simulate('b');
    for (const name of ['truth-sources.vot', 'truth-lightcurves.vot']) {
      const lint = spawnSync('stilts', ['votlint', `votable=${join(folder, name)}`], { encoding: 'utf8' });
      assert.equal(`${lint.stdout}${lint.stderr}`.trim(), '');
    }
  });

  it('simulation.json has what was asked, and what came of it', () => {
    const folder = simulate(
      'c',
      '--array',
      'nenufar-like',
      '--frequency',
      '60',
      '--cell',
      '60',
      '--declination',
      '50',
      '--weighting',
      'natural',
    );
    const record = JSON.parse(readFileSync(join(folder, 'simulation.json'), 'utf8')) as {
      request: { seed: number; array: string };
      sources: { fluxJy: number[] }[];
      sigmaJyBeam: number[];
    };
    assert.equal(record.request.seed, 3);
    assert.equal(record.request.array, 'nenufar-like');
    assert.equal(record.sources.length, 6);
    assert.equal(record.sources[0]?.fluxJy.length, 6);
    assert.deepEqual(record.sigmaJyBeam, Array(6).fill(1e-3));
  });

  it('refuses what would change nothing, and what cannot be', () => {
    const refused = (args: string[], message: RegExp) => {
      const { code, stderr } = runCli(['simulate', '-o', join(dir, 'x'), ...args], dir);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1);
    };
    refused(['--frames', '4'], /--frames is for cubes: add --cube/);
    refused(['--cube', '--density', '0.1'], /--density means nothing with --cube/);
    refused([...kSmall, '--shapes', 'square'], /no light curve of the shape "square"/);
    refused([...kSmall, '--array', 'none.enu'], /antenna table none\.enu cannot be read/);
    refused([...kSmall, '--size', '33'], /even number/);
    refused([...kSmall, '--noise', '0'], /multiples of the noise, which is 0/);
  });
});
