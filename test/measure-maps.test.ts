/** Maps that are given to a measurement, images and flux densities it leaves: of detect, and of jobs. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { kNoAstropy, python, runCli, runOk, scratchDir } from './support/cli.js';
import { startTestServer } from './support/server.js';

const dir = scratchDir();
const field = join(dir, 'sim/field.fits');
const truth = join(dir, 'sim/truth.vot');

const ok = (args: string[]) => runOk(args, dir).stdout;

type Row = Record<string, number>;

interface Table {
  run: Record<string, number | string>;
  warnings: string[];
  sources: Row[];
  places: Row[];
}

/** All that is measured: without the card's cut on SNR. */
function detected(args: string[]): Table {
  return JSON.parse(
    ok(['detect', field, '--measure', 'full', '--min-snr', '0', '--format', 'json', '-o', '-', ...args]),
  ) as Table;
}

/** A file made of another by a line of Python that changes `data` (float64) or `header`. */
function changed(from: string, to: string, line: string): string {
  const program = `
import sys
import numpy
from astropy.io import fits
with fits.open(sys.argv[1]) as f:
    data, header = f[0].data.astype("float64"), f[0].header
    ${line}
    fits.PrimaryHDU(data.astype("float32"), header).writeto(sys.argv[2])
print(1)`;
  python(program, join(dir, from), join(dir, to));
  return to;
}

/** Of places between pixels the map has the nearest pixel's value. */
function assertAlike(values: number[], others: number[]): void {
  assert.equal(values.length, others.length);
  for (const [row, value] of values.entries()) {
    const other = others[row] ?? Number.NaN;
    assert.ok(Math.abs(value / other - 1) < 3e-3, `${value} ${other}`);
  }
}

function column({ sources }: Table, name: string): number[] {
  return sources.map((row) => row[name] ?? Number.NaN);
}

describe('maps given to a measurement', { skip: kNoAstropy }, () => {
  let own: Table;
  before(() => {
    ok(['simulate', '-o', 'sim', '--size', '512', '--seed', '31']);
    own = detected(['--rms', 'rms.fits', '--background', 'bg.fits']);
  });

  it('its own maps, given back, change nothing that can be seen', () => {
    const again = detected(['--noise-map', 'rms.fits', '--background-map', 'bg.fits']);
    assert.equal(again.sources.length, own.sources.length);
    const moved = own.sources.map(({ peak_flux = 0, peak_flux_err = 1 }, row) => {
      return Math.abs((again.sources[row]?.peak_flux ?? Number.NaN) - peak_flux) / peak_flux_err;
    });
    // A source on the edge of being resolved may change its shape.
    assert.ok(moved.filter((sigmas) => !(sigmas < 0.01)).length <= 0.02 * moved.length, `${moved}`);
    assertAlike(column(again, 'rms'), column(own, 'rms'));
    assert.deepEqual([again.run.noise_map, again.run.background_map], ['rms.fits', 'bg.fits']);
  });

  it('another noise and background count, in their units', () => {
    changed('rms.fits', 'rms3.fits', 'data *= 3000; header["BUNIT"] = "mJy/beam"');
    changed('bg.fits', 'bg1.fits', 'data += 1e-7');
    const other = detected(['--noise-map', 'rms3.fits', '--background-map', 'bg1.fits']);
    const snr = column(other, 'snr').map((value, row) => value / (column(own, 'snr')[row] ?? 1));
    const sorted = snr.sort((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
    assert.ok(middle > 0.28 && middle < 0.34, `${middle}`);
    for (const value of column(other, 'background')) assert.ok(Math.abs(value - 1e-7) < 2e-7, `${value}`);
    // One map alone: the other is measured.
    const half = detected(['--background-map', 'bg1.fits']);
    assert.ok(Math.abs((column(half, 'rms')[0] ?? 0) / (column(own, 'rms')[0] ?? 1) - 1) < 1e-6);
  });

  it('a map of a part of the image lies where its header says; blank pixels of it measure nothing', () => {
    const box = ['--box', '101,51,300,320'];
    const part = detected([...box, '--rms', 'part.fits', '--background', 'partbg.fits']);
    const again = detected([...box, '--noise-map', 'part.fits', '--background-map', 'partbg.fits']);
    assertAlike(column(again, 'rms'), column(part, 'rms'));
    const refused = runCli(['detect', field, '--measure', 'full', '--noise-map', 'part.fits', '-o', 'x.vot'], dir);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /part\.fits is no map of .*field\.fits: it does not cover the pixels/);
    changed('rms.fits', 'holes.fits', 'data[:, :256] = numpy.nan');
    const holes = detected(['--noise-map', 'holes.fits']);
    const left = holes.sources.filter(({ x = 0 }) => x < 240);
    assert.ok(left.length > 10);
    for (const { rms, peak_flux, flags = 0 } of left) assert.deepEqual([rms, peak_flux, flags & 8], [null, null, 8]);
    assert.ok(holes.sources.some(({ x = 0, snr = 0 }) => x > 270 && snr > 5));
  });

  it('refuses a map of other pixels or of another unit, in one line', () => {
    changed('rms.fits', 'shift.fits', 'header["CRPIX1"] += 3');
    changed('rms.fits', 'kelvin.fits', 'header["BUNIT"] = "K"');
    changed('rms.fits', 'small.fits', 'data = data[:100, :100]; [header.remove(k) for k in ("CTYPE1", "CTYPE2")]');
    const refused = (map: string, pattern: RegExp) => {
      const { code, stderr } = runCli(['detect', field, '--measure', 'full', '--noise-map', map, '-o', 'x.vot'], dir);
      assert.equal(code, 1);
      assert.match(stderr, pattern);
      assert.equal(stderr.trim().split('\n').length, 1);
    };
    refused('shift.fits', /its pixels lie elsewhere on the sky/);
    refused('kelvin.fits', /kelvin\.fits is in K \(BUNIT\), the measured values are in Jy\/beam/);
    refused('small.fits', /it has 100x100 pixels, the image 512x512/);
    const { code, stderr } = runCli(['detect', field, '--noise-map', 'rms.fits', '-o', 'x.vot'], dir);
    assert.equal(code, 2);
    assert.match(stderr, /NOISE_MAP is for the measurement: give MEASURE=fast or MEASURE=full/);
  });

  it('model and residual are the image; the residual is as noisy as the noise', () => {
    const args = ['--box', '21,31,400,450', '--model-image', 'model.fits', '--residual', 'residual.fits'];
    const { run, sources } = detected(args);
    writeFileSync(join(dir, 'model.json'), JSON.stringify({ sources }));
    const program = `
import json, sys
import numpy
from astropy.io import fits
from astropy.stats import sigma_clipped_stats
image, model, residual = (fits.open(path)[0].data.squeeze().astype("float64") for path in sys.argv[1:4])
part = image[30:480, 20:420]
sources = [s for s in json.load(open(sys.argv[4]))["sources"] if s["peak_flux"] is not None]
# Of every fit, by the definition of a Gaussian.
y, x = numpy.mgrid[30:480, 20:420]
want = numpy.zeros(part.shape)
for s in sources:
    if s["flags"] & 8: continue
    t = numpy.deg2rad(s["pa_fit"])
    u, v = -(x - s["x_fit"] + 1), y - s["y_fit"] + 1  # East is towards -x in these fields
    a = (u * numpy.sin(t) + v * numpy.cos(t)) / s["maj_fit"]
    b = (u * numpy.cos(t) - v * numpy.sin(t)) / s["min_fit"]
    scale = float(sys.argv[5])
    want += s["peak_flux"] * numpy.exp(-4 * numpy.log(2) * (a * a + b * b) * scale * scale)
print(json.dumps([float(numpy.abs(part - model - residual).max() / numpy.abs(part).max()),
                  float(numpy.abs(want - model).max() / want.max()), float(sigma_clipped_stats(residual)[2])]))`;
    const pixel = String(
      python(
        'import sys\nfrom astropy.io import fits\nprint(abs(fits.getheader(sys.argv[1])["CDELT2"]) * 3600)',
        field,
      ),
    );
    const files = ['model.fits', 'residual.fits', 'model.json'].map((name) => join(dir, name));
    const [sum, shape, noise] = python(program, field, ...files, pixel) as [number, number, number];
    assert.ok(sum < 1e-6, `${sum}`);
    assert.ok(shape < 6e-3, `${shape}`);
    assert.ok(noise / Number(run.typical_rms) > 0.9 && noise / Number(run.typical_rms) < 1.15, `${noise}`);
  });

  it('flux densities at places: those of measure, with the noise of the detection', () => {
    ok(['detect', field, '--measure', 'fast', '--places', truth, '--photometry', 'at.vot', '-o', 'c.vot']);
    ok(['measure', field, '--positions', truth, '-o', 'peer.vot']);
    const rows = (name: string) => readFileSync(join(dir, name), 'utf8').match(/<TR>.*<\/TR>/g) ?? [];
    assert.ok(rows('at.vot').length > 100);
    assert.deepEqual(rows('at.vot'), rows('peer.vot'));
    const { code, stderr } = runCli(['detect', field, '--measure', 'fast', '--places', truth], dir);
    assert.equal(code, 2);
    assert.match(stderr, /give both/);
  });

  it('a job leaves the same, named as results; what is wrong is refused when it is made', async (t) => {
    const server = await startTestServer(t);
    ok(['detect', field, '--measure', 'full', '--noise-map', 'rms.fits', '--residual', 'own.fits', '-o', 'own.vot']);
    const files = ['--noise-map', 'rms.fits', '--places', truth];
    const asked = ['--measure', 'full', '--maps', 'residual,rms', ...files];
    const sent = runCli(['submit', field, '--server', server.url, '--json', '--wait', ...asked], dir);
    assert.equal(sent.code, 0, sent.stderr);
    const [{ id }] = JSON.parse(sent.stdout) as [{ id: string }];
    const bytes = async (name: string) =>
      Buffer.from(await (await server.send(`/jobs/${id}/results/${name}`)).arrayBuffer());
    const pixels = (file: Buffer) =>
      file
        .subarray(2880 * 2, 2880 * 2 + 512 * 512 * 4)
        .toString('base64')
        .slice(0, 4000);
    assert.equal(pixels(await bytes('residual')), pixels(readFileSync(join(dir, 'own.fits'))));
    assert.ok((await bytes('rms')).length > 512 * 512 * 4);
    assert.match((await bytes('photometry')).toString(), /name="flux_limit"/);
    const provenance = await server.text(`/jobs/${id}/results/provjson`);
    for (const words of ['noise map', 'rms.fits', 'places', 'results/residual'])
      assert.ok(provenance.includes(words), words);
    const image = readFileSync(field);
    for (const [fields, pattern] of [
      [{ MAPS: 'rms' }, /MAPS is of what is measured/],
      [{ MEASURE: 'full', MAPS: 'sigma' }, /not one of rms, background, model, residual/],
      [{ NOISE_MAP: 'https://example.org/rms.fits' }, /NOISE_MAP is for the measurement/],
    ] as const) {
      const answer = await server.post(fields, image);
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), pattern);
    }
    const failed = await server.submit({ MEASURE: 'full', PLACES: `job:${id}/rms` }, image);
    assert.match((await server.until(failed, 'ERROR')).error, /rms\.fits/);
  });
});
