/** `detect --measure`: what is measured comes beside the network's columns, and is true. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { kNoAstropy, python, runCli, runOk, scratchDir } from './support/cli.js';

const dir = scratchDir();
const field = join(dir, 'sim/field.fits');
const truth = join(dir, 'sim/truth.vot');

const ok = (args: string[]) => runOk(args, dir).stdout;

interface Catalogue {
  run: Record<string, number | string>;
  columns: { name: string; unit: string }[];
  sources: Record<string, number>[];
}

function detected(args: string[]): Catalogue {
  return JSON.parse(ok(['detect', field, '--format', 'json', '-o', '-', ...args])) as Catalogue;
}

function scored(args: string[]): Record<string, number> {
  return (JSON.parse(ok(['score', ...args, truth, '--plain', '--min-snr', '5', '--format', 'json'])) as Catalogue)
    .run as Record<string, number>;
}

function written(args: string[]): string {
  ok(['detect', field, '--measure', 'full', ...args, '-o', 'written.vot']);
  return 'written.vot';
}

describe('detect --measure', () => {
  before(() => {
    ok(['simulate', '-o', 'sim', '--size', '1024', '--seed', '77']);
    ok(['detect', field, '-o', 'none.vot']);
    ok(['detect', field, '--measure', 'full', '-o', 'full.vot']);
  });

  it('none is what it was: the same bytes but for the time, with and without the option', () => {
    ok(['detect', field, '--measure', 'none', '-o', 'again.vot']);
    const rows = (name: string) => readFileSync(join(dir, name), 'utf8').replace(/.*name="created".*\n/, '');
    assert.equal(rows('again.vot'), rows('none.vot'));
  });

  it("the network's columns stay, rows go only where two detections have one peak", () => {
    const plain = detected([]);
    const full = detected(['--measure', 'full', '--min-snr', '0']);
    const names = plain.columns.map(({ name }) => name);
    assert.deepEqual(full.columns.map(({ name }) => name).slice(0, names.length), names);
    assert.equal(full.sources.length + Number(full.run.merged), plain.sources.length);
    const places = new Set(plain.sources.map(({ x, y }) => `${x},${y}`));
    for (const { x, y } of full.sources) assert.ok(places.has(`${x},${y}`));
    assert.equal(full.columns.find(({ name }) => name === 'int_flux')?.unit, 'Jy');
    const rms = Number(full.run.typical_rms);
    assert.ok(Math.abs(rms / 4e-7 - 1) < 0.15, `typical rms ${rms}`);
  });

  it('places are better than those of the boxes, and errors honest', () => {
    const boxes = scored(['none.vot']);
    const measured = scored(['full.vot', '--measured']);
    assert.ok((measured.separation ?? 1) < 0.5 * (boxes.separation ?? 0), `${measured.separation} ${boxes.separation}`);
    for (const name of ['ra_pull', 'dec_pull', 'flux_pull']) {
      const pull = measured[name] ?? 0;
      assert.ok(pull > 0.8 && pull < 1.3, `${name} ${pull}`);
    }
    assert.ok(Math.abs((measured.flux_ratio ?? 0) - 1) < 0.1);
  });

  it('a cut on SNR makes the catalogue purer; without a measurement there is none', () => {
    ok(['detect', field, '--measure', 'full', '--min-snr', '5', '-o', 'cut.vot']);
    const all = scored(['full.vot', '--measured']);
    const cut = scored(['cut.vot', '--measured']);
    assert.ok((cut.purity ?? 0) > (all.purity ?? 1));
    assert.ok((cut.detections ?? 0) < (all.detections ?? 0));
    const { code, stderr } = runCli(['detect', field, '--min-snr', '5'], dir);
    assert.equal(code, 2);
    assert.match(stderr, /MIN_SNR is of what is measured/);
  });

  it("the card's cut goes with thresholds of its own; a lower one does not", () => {
    const thresholds = (args: string[]) => detected(args).run.objectness_threshold;
    const [boxes, measured] = ['0.62,0.6,0.65,0.65,0.95', '0.5,0.5,0.5,0.5,0.7'];
    assert.equal(thresholds([]), boxes);
    assert.equal(thresholds(['--measure', 'fast']), measured);
    assert.equal(thresholds(['--measure', 'fast', '--min-snr', '6']), measured);
    assert.equal(thresholds(['--measure', 'fast', '--min-snr', '4']), boxes);
    const [own, less] = [[], ['--min-snr', '4.29']].map((cut) => scored([written(cut), '--measured']));
    assert.ok((own?.completeness ?? 0) > (less?.completeness ?? 1));
  });

  it('results do not depend on the number of threads; fast keeps the shape of the beam', () => {
    const one = detected(['--measure', 'full', '--threads', '1']);
    const two = detected(['--measure', 'full', '--threads', '3']);
    assert.deepEqual(one.sources, two.sources);
    const fast = detected(['--measure', 'fast']);
    assert.ok(fast.sources.every(({ flags = 0 }) => (flags & 64) !== 0 || (flags & 8) !== 0));
  });

  it('a VOTable with valid units and UCDs, read by astropy', { skip: kNoAstropy }, () => {
    const program =
      'import sys\nfrom astropy.io.votable import parse\nt = parse(sys.argv[1], verify="exception").get_first_table()\nprint(int((t.array["snr"] > 5).sum()))';
    assert.ok(Number(python(program, join(dir, 'full.vot'))) > 100);
  });

  it('maps of noise and background, placed on the sky as the image is', { skip: kNoAstropy }, () => {
    ok([
      'detect',
      field,
      '--measure',
      'fast',
      '--box',
      '101,201,600,500',
      '--rms',
      'rms.fits',
      '--background',
      'bg.fits',
    ]);
    const program = `
import sys
import numpy
from astropy.io import fits
from astropy.wcs import WCS
image, rms, background = (fits.open(path)[0] for path in sys.argv[1:])
place = WCS(image.header).celestial.all_pix2world(100, 200, 0)
there = WCS(rms.header).celestial.all_pix2world(0, 0, 0)
print([rms.data.shape == (500, 600) and background.data.shape == (500, 600), rms.header["BUNIT"],
       float(numpy.median(rms.data)), float(numpy.abs(background.data).max()),
       float(max(abs(place[0] - there[0]), abs(place[1] - there[1])) * 3600)].__repr__().replace("True", "true").replace("'", '"'))`;
    const [shape, unit, noise, offset, arcsec] = python(
      program,
      field,
      join(dir, 'rms.fits'),
      join(dir, 'bg.fits'),
    ) as [boolean, ...[string, number, number, number]];
    assert.deepEqual([shape, unit], [true, 'Jy/beam']);
    assert.ok(Math.abs(noise / 4e-7 - 1) < 0.15 && offset < 4e-7, `${noise} ${offset}`);
    assert.ok(arcsec < 1e-6);
    const { code, stderr } = runCli(['detect', field, '--rms', 'x.fits'], dir);
    assert.equal(code, 2);
    assert.match(stderr, /maps of the measurement: give --measure/);
  });

  it('an image without a beam is refused in one line', { skip: kNoAstropy }, () => {
    const program = `
import sys
from astropy.io import fits
with fits.open(sys.argv[1]) as f:
    for key in ("BMAJ", "BMIN", "BPA"):
        del f[0].header[key]
    f.writeto(sys.argv[2])
print(1)`;
    const bare = join(dir, 'bare.fits');
    python(program, field, bare);
    const { code, stderr } = runCli(['detect', bare, '--measure', 'full', '-o', 'x.vot'], dir);
    assert.equal(code, 1);
    assert.match(stderr, /bare\.fits has no beam \(BMAJ, BMIN, BPA\), which a measurement needs/);
  });
});

describe('measure', () => {
  it('flux densities at given places: of sources that are there, and limits where none is', () => {
    ok(['simulate', '-o', 'forced', '--size', '512', '--seed', '12', '--density', '0.0002']);
    const image = join(dir, 'forced/field.fits');
    const args = ['measure', image, '--positions', join(dir, 'forced/truth.vot'), '--format', 'json'];
    const { places, run } = JSON.parse(ok(args)) as { places: Record<string, number>[]; run: Record<string, number> };
    const sources = places.filter(({ snr = 0 }) => snr > 10);
    assert.ok(sources.length > 5);
    for (const { flux_limit } of sources) assert.equal(flux_limit, null);
    assert.ok(Math.abs((run.typical_rms ?? 0) / 4e-7 - 1) < 0.1);
    // A degree away, and between sources.
    writeFileSync(join(dir, 'places.csv'), 'id,ra,dec\nfar,40,10\n');
    const far = JSON.parse(ok(['measure', image, '--positions', 'places.csv', '--format', 'json'])) as {
      places: Record<string, number | string | null>[];
    };
    assert.deepEqual([far.places[0]?.source_id, far.places[0]?.flux, far.places[0]?.x], ['far', null, null]);
    // One of the sources twice, under identifiers that differ in the 19th digit.
    const { ra, dec, flux } = sources[0] ?? {};
    const ids = ['5853498713190525697', '5853498713190525698'];
    writeFileSync(join(dir, 'twice.csv'), `id,ra,dec\n${ids.map((id) => `${id},${ra},${dec}\n`).join('')}`);
    const twice = JSON.parse(ok(['measure', image, '--positions', 'twice.csv', '--format', 'json'])) as typeof far;
    assert.deepEqual(
      twice.places.map(({ source_id }) => source_id),
      ids,
    );
    for (const place of twice.places) assert.ok(Math.abs(Number(place.flux) / (flux ?? 0) - 1) < 0.2, `${place.flux}`);
  });
});
