/** What a reconstruction may be given: images of single epochs, tables of times, several bands; and methods without a network. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { ownCurve } from '#otf/tasks/reconstruction/columns.js';
import { withBands, withDurations, withFlags, withRuns } from '#otf/tasks/reconstruction/upgrades.js';
import { kNoAstropy, kRoot, python, runCli, scratchDir } from './support/cli.js';
import { startTestServer } from './support/server.js';

const kFrames = 16;
const dir = scratchDir();
const array = ['--array', join(kRoot, 'models/demo-transients/array.enu'), '--latitude', '-30.713'];
const [cube, psf] = [join(dir, 'sim/dirty.fits'), join(dir, 'sim/psf.fits')];
const epochs = Array.from({ length: kFrames }, (_, t) => join(dir, `e${String(t).padStart(2, '0')}.fits`));
const psfs = epochs.map((path) => path.replace('/e', '/p'));

/** Frame by frame what the cube is, and once more with a table of uneven times, and with two bands. */
const kSplit = `
import sys, json, numpy
from astropy.io import fits
from astropy.table import Table
dir = sys.argv[1]
for name, prefix in (('dirty', 'e'), ('psf', 'p')):
    with fits.open(dir + '/sim/%s.fits' % name) as f:
        data, head = f[0].data, f[0].header.copy()
    step = head['CDELT3'] * {'s': 1, 'd': 86400}[head['CUNIT3']]
    first = head['MJDREF'] + (head['CRVAL3'] + (1 - head['CRPIX3']) * head['CDELT3']) * (step / head['CDELT3']) / 86400
    bands = head.copy()
    bands['CTYPE4'], bands['CRPIX4'], bands['CRVAL4'], bands['CDELT4'] = 'FREQ', 1.0, 1.3e9, 2e8
    fits.writeto(dir + '/bands-%s.fits' % name, numpy.stack([data, data[::-1]]), bands)
    for key in [k for k in head if k.endswith('3')]:
        del head[key]
    for t, plane in enumerate(data):
        head['MJD-AVG'], head['XPOSURE'] = first + t * step / 86400, step
        fits.writeto(dir + '/%s%02d.fits' % (prefix, t), plane, head)
    if name == 'dirty':
        with fits.open(dir + '/sim/dirty.fits') as f:
            times = Table({'TIME': 100.0 * numpy.arange(len(data))**2}, units={'TIME': 's'})
            table = fits.BinTableHDU(times, name='TIMES')
            fits.HDUList([fits.PrimaryHDU(f[0].data, f[0].header), table]).writeto(dir + '/uneven.fits')
print(json.dumps({'first': first, 'step': step}))
`;

const kCompare = `
import sys, json, numpy
from astropy.io.votable import parse
a, b = (parse(p, verify='exception').get_first_table().array for p in sys.argv[1].split(','))
print(json.dumps({'rows': len(a), 'same': bool(len(a) == len(b) and all(
  numpy.allclose(a[n].filled(0), b[n].filled(0), rtol=1e-9, atol=1e-12) if a[n].dtype.kind == 'f' else (a[n] == b[n]).all()
  for n in a.dtype.names))}))
`;

function reconstruct(name: string, ...args: string[]) {
  const out = join(dir, name);
  const { code, stdout, stderr } = runCli(['reconstruct', ...args, '-o', out, '--json'], dir);
  assert.equal(code, 0, stderr);
  const told = JSON.parse(stdout) as { run: Record<string, unknown>; warnings: string[] };
  const curves = readFileSync(join(out, 'lightcurves.csv'), 'utf8').trim().split('\n');
  return { out, ...told, curves: curves.map((line) => line.split(',')) };
}

describe('inputs of a reconstruction', { skip: kNoAstropy }, () => {
  let sky: { first: number; step: number };
  before(() => {
    const hours = String(kFrames / 4);
    const { code, stderr } = runCli(
      [
        'simulate',
        '--cube',
        '-o',
        join(dir, 'sim'),
        '--size',
        '32',
        '--frames',
        String(kFrames),
        '--hours',
        hours,
        ...array,
      ],
      dir,
    );
    assert.equal(code, 0, stderr);
    sky = python(kSplit, dir) as typeof sky;
    const rows = epochs.map((_, t) => `${60100 + t * t},${30 + t}`);
    writeFileSync(join(dir, 'times.csv'), ['MJD,EXPOSURE', ...rows, ''].join('\n'));
  });

  it('images of single epochs give what their cube gives', () => {
    const whole = reconstruct('whole', cube, '--psf', psf);
    const split = reconstruct('split', ...epochs, '--psf', ...psfs);
    for (const table of ['sources.vot', 'lightcurves.vot']) {
      const { rows, same } = python(kCompare, `${join(whole.out, table)},${join(split.out, table)}`) as {
        rows: number;
        same: boolean;
      };
      assert.ok(rows > 0 && same, table);
    }
    assert.deepEqual(split.warnings, whole.warnings);
  });

  it('a table has the times, in the cube or beside it, and what is written has them too', () => {
    const inside = reconstruct('inside', join(dir, 'uneven.fits'), '--psf', psf, '--method', 'clean');
    const column = inside.curves[0]?.indexOf('time') ?? -1;
    const mjd = (line: string[] | undefined) => Number(line?.[column]);
    const gap = (t: number) => (mjd(inside.curves[t + 2]) - mjd(inside.curves[t + 1])) * 86400;
    assert.ok(Math.abs(gap(3) - 700) < 1e-3, String(gap(3)));
    // Read again, as a cube of its own.
    const again = reconstruct('again', join(inside.out, 'residual.fits'), '--psf', psf, '--positions', 'a,px,9,9');
    assert.ok(Math.abs((mjd(again.curves[2]) - mjd(again.curves[1])) * 86400 - 100) < 1e-3);
    assert.ok(
      again.warnings.some((line) => /unevenly spaced in time \(1 to 29\)/.test(line)),
      again.warnings.join(),
    );
    const beside = reconstruct('beside', cube, '--psf', psf, '--times', join(dir, 'times.csv'), '--method', 'clean');
    assert.equal(mjd(beside.curves[4]), 60109);
    assert.equal(Number(beside.curves[4]?.[(beside.curves[0] ?? []).indexOf('exposure')]), 33);
    assert.equal(beside.run.times, 'times.csv');
  });

  it('a cube with an axis of frequency has one catalogue and a light curve for each band', () => {
    const args = [join(dir, 'bands-dirty.fits'), '--psf', join(dir, 'bands-psf.fits'), '--method', 'clean-bank'];
    const both = reconstruct('both', ...args, '--positions', 'here,px,16,16');
    const [head = [], ...rows] = both.curves;
    const column = (name: string) => rows.map((row) => row[head.indexOf(name)]);
    assert.equal(both.run.bands, 2);
    assert.deepEqual([...new Set(column('band'))], ['1', '2']);
    assert.deepEqual([...new Set(column('frequency'))].map(Number), [1.3e9, 1.5e9]);
    const perSource = new Set(column('source_id')).size;
    assert.equal(rows.length, perSource * 2 * kFrames);
    const one = reconstruct('one', ...args, '--positions', 'here,px,16,16', '--threshold', '1000', '--band', '2');
    assert.equal(one.run.band, 2);
    assert.equal(one.curves.length, kFrames + 1);
    assert.ok(!one.curves[0]?.includes('band'));
    const none = runCli(['reconstruct', ...args, '--band', '3', '-o', join(dir, 'none')], dir);
    assert.match(none.stderr, /there is no band 3/);
  });

  it('steady sources that are taken away first are told of in every result', () => {
    const bright = join(dir, 'bright');
    const of = ['--size', '32', '--frames', String(kFrames), '--hours', String(kFrames / 4), ...array];
    const sky = ['--sigma-over-peak', '0.01', '--steady', '2', '--transients', '0', '--separation', '10'];
    const { code, stderr } = runCli(['simulate', '--cube', '-o', bright, ...of, ...sky], dir);
    assert.equal(code, 0, stderr);
    const args = [join(bright, 'dirty.fits'), '--psf', join(bright, 'psf.fits')];
    const plain = reconstruct('plain', ...args);
    assert.equal(plain.run.static, undefined);
    assert.ok(plain.warnings.some((line) => /brighter than the network was trained for/.test(line)));
    const without = reconstruct('without', ...args, '--static', 'mean-clean');
    assert.equal(without.run.static, 'mean-clean');
    assert.ok(Number(without.run.static_components) > 1);
    assert.ok(!without.warnings.some((line) => /brighter/.test(line)));
    const [head = '', ...rows] = readFileSync(join(without.out, 'sources.csv'), 'utf8').trim().split('\n');
    const column = (name: string) => rows.map((row) => Number(row.split(',')[head.split(',').indexOf(name)]));
    for (const row of [0, 1]) {
      assert.ok(Math.abs((column('mean_flux')[row] ?? 0) - 0.1) < 0.003, `${column('mean_flux')}`);
      assert.ok(Math.abs((column('static_flux')[row] ?? 0) - 0.1) < 0.02, `${column('static_flux')}`);
    }
    assert.ok(!readFileSync(join(plain.out, 'sources.csv'), 'utf8').includes('static_flux'));
    const wrong = runCli(['reconstruct', ...args, '-o', join(dir, 'wrong'), '--static', 'median'], dir);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--static|STATIC/);
  });

  it('a record of before there were bands is one of one band', () => {
    const cube = { frames: 2, band: 1, bands: 4, frequencyHz: 1.4e9 };
    const { found } = withBands({ found: { cube, sources: { count: 3, snr: Float64Array.of(9, 8, 7) } } });
    assert.deepEqual([...found.frequenciesHz], [1.4e9]);
    assert.deepEqual([...found.sources.band], [1, 1, 1]);
    const curves = Float64Array.of(0, 1, 2, 3, 4, 5);
    assert.deepEqual([...ownCurve(found, curves, 1)], [2, 3]);
  });

  it('a record of before there were flags has none', () => {
    const curves = { flux: Float64Array.of(1, 2, 3, 4) };
    const { found } = withFlags({ found: { sources: { count: 2, x: Float64Array.of(5, 6) }, curves } });
    assert.deepEqual([...found.sources.flags], [Number.NaN, Number.NaN]);
    assert.deepEqual([...found.sources.staticFlux], [0, 0]);
    assert.equal(found.curves.flags.length, 4);
    assert.ok(found.curves.flags.every(Number.isNaN));
  });

  it('a record of before runs of frames were looked at has none', () => {
    const { found } = withRuns({ found: { sources: { count: 2, x: Float64Array.of(5, 6) } } });
    assert.deepEqual([...found.sources.pRun], [Number.NaN, Number.NaN]);
  });

  it('a record of before durations were in seconds has those of the mean step', () => {
    const cube = { timesMjd: Float64Array.of(60000, 60000.01, 60000.03) };
    const { found } = withDurations({ found: { cube, sources: { durationFrames: Float64Array.of(2) } } });
    assert.ok(Math.abs((found.sources.durationS[0] ?? 0) - 2 * 0.015 * 86400) < 1e-3);
    assert.ok(!('durationFrames' in found.sources));
  });

  it('a job takes many files of one name, and a classical method without an engine', async (t) => {
    const alone = reconstruct('alone', ...epochs, '--psf', ...psfs, '--method', 'clean-bank');
    const server = await startTestServer(t);
    const post = async (fields: [string, string][], files: [string, string][] = []) => {
      const body = new FormData();
      for (const [name, value] of [['MODEL', 'demo-transients'], ['PHASE', 'RUN'], ...fields])
        body.append(name ?? '', value ?? '');
      for (const [name, path] of files)
        body.append(name, new Blob([new Uint8Array(readFileSync(path))]), `${path.slice(-8)}`);
      return server.send('/jobs', { method: 'POST', body });
    };
    const made = async (...args: Parameters<typeof post>) => {
      const answer = await post(...args);
      assert.equal(answer.status, 303, await answer.text());
      return (answer.headers.get('location') ?? '').split('/').pop() ?? '';
    };
    const files = [...epochs.map((path) => ['IMAGE', path]), ...psfs.map((path) => ['PSF', path])] as [
      string,
      string,
    ][];
    const id = await made([['METHOD', 'clean-bank']], files);
    const job = await server.until(id, 'COMPLETED');
    assert.equal(job.info.engine, undefined);
    assert.match(job.xml, /<uws:parameter id="METHOD">clean-bank</);
    assert.match(job.xml, /<uws:parameter id="IMAGE.16" byReference="true">/);
    const csv = await server.text(`/jobs/${id}/results/csv`);
    assert.equal(csv, readFileSync(join(alone.out, 'sources.csv'), 'utf8'));
    const provenance = await server.text(`/jobs/${id}/results/provjson`);
    assert.doesNotMatch(provenance, /otf:weights-|"otf:engine"/);
    assert.match(provenance, /image\.16/);
    assert.deepEqual(await server.engines(), [], 'an engine was started for a job without a network');

    // Each source has a link to its own light curve.
    const links = await server.text(`/jobs/${id}/results/links`);
    const [, source = '', url = ''] = /<TD>(S0001)<\/TD><TD>([^<]*)</.exec(links) ?? [];
    assert.ok(url.startsWith(`${server.url}/jobs/${id}/`), links);
    const curve = await server.text(new URL(url).pathname + new URL(url).search);
    assert.equal([...curve.matchAll(/<TR><TD>S0001</g)].length, kFrames);
    assert.equal([...curve.matchAll(/<TR>/g)].length, kFrames);
    assert.ok(
      source !== '' &&
        (await server.text(`/jobs/${id}/results/lightcurves`)).includes(curve.match(/ *<TR>.*/)?.[0] ?? '?'),
    );
    assert.equal((await server.send(`/jobs/${id}/results/lightcurves?SOURCE=nobody`)).status, 404);
    const inCsv = await server.text(`/jobs/${id}/results/lightcurves?SOURCE=S0001&RESPONSEFORMAT=csv`);
    assert.equal(inCsv.trim().split('\n').length, kFrames + 1);
    assert.equal((await server.send(`/jobs/${id}/results/lightcurves?SOURCE=S0001&RESPONSEFORMAT=reg`)).status, 400);

    // One form is there of the whole: another that is asked for is no silence.
    for (const [query, status] of [
      ['lightcurves?RESPONSEFORMAT=votable', 200],
      ['lightcurves?RESPONSEFORMAT=csv', 400],
      ['links?RESPONSEFORMAT=fits', 400],
      ['csv?RESPONSEFORMAT=csv', 200],
      ['csv?RESPONSEFORMAT=votable', 400],
    ] as const)
      assert.equal((await server.send(`/jobs/${id}/results/${query}`)).status, status, query);

    const refer = (name: string) =>
      Array.from({ length: kFrames }, (_, at) => `job:${id}/${name}${at === 0 ? '' : `.${at + 1}`}`).join(' ');
    const second = await made([
      ['IMAGE', refer('IMAGE')],
      ['PSF', refer('PSF')],
      ['METHOD', 'clean-bank'],
    ]);
    await server.until(second, 'COMPLETED');
    assert.equal(await server.text(`/jobs/${second}/results/csv`), csv);

    const refused = async (says: RegExp, ...args: Parameters<typeof post>) => {
      const answer = await post(...args);
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), says);
    };
    const image = files.slice(0, 2);
    await refused(/IMAGE is given as files and as values/, [['IMAGE', `job:${id}/IMAGE`]], image);
    await refused(/IMAGE_SHA256 goes with one file as IMAGE, not with 2/, [['IMAGE_SHA256', '0'.repeat(64)]], image);
    await refused(/METHOD=magic: not one of network, clean/, [['METHOD', 'magic']], image);
    const tables = image.map(([, path]): [string, string] => ['TIMES', path]);
    await refused(/file part TIMES is given 2 times/, [], tables);
    const wrong = await server.until(
      await made([['METHOD', 'clean']], [...files.slice(0, 2).reverse(), ...files.slice(-16)]),
      'ERROR',
    );
    assert.match(wrong.error, /e00\.fits: its time is not after that of the frame before/);
  });
});
