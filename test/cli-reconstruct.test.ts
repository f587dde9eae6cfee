/** `reconstruct`: a simulated cube to sources and light curves, in this process and as a job of a server. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { kNoAstropy, kNoStilts, kRoot, python, runCli, scratchDir } from './support/cli.js';
import { startTestServer } from './support/server.js';

const dir = scratchDir();
const kArray = ['--array', join(kRoot, 'models/demo-transients/array.enu'), '--latitude', '-30.713'];
const cube = join(dir, 'sim/dirty.fits');
const psf = join(dir, 'sim/psf.fits');

function simulate(folder: string, ...more: string[]): void {
  const args = ['simulate', '--cube', '-o', join(dir, folder), '--seed', '9', '--size', '48', ...kArray, ...more];
  const { code, stderr } = runCli(args, dir);
  assert.equal(code, 0, stderr);
}

function refused(args: string[], message: RegExp, exit = 1): void {
  const out = join(dir, 'refused');
  const { code, stderr } = runCli(['reconstruct', ...args, '-o', out], dir);
  assert.equal(code, exit, stderr);
  assert.match(stderr, message);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
  assert.ok(!existsSync(join(out, 'sources.vot')) && !existsSync(join(out, 'residual.fits')), 'something was left');
}

describe('reconstruct', () => {
  before(() =>
    simulate('sim', '--sigma-over-peak', '0.15', '--transients', '2', '--steady', '1', '--separation', '12'),
  );

  it('finds the sources of a simulated cube, with files that others read', { skip: kNoAstropy }, () => {
    const out = join(dir, 'found');
    const args = [
      'reconstruct',
      cube,
      '--psf',
      psf,
      '-o',
      out,
      '--threshold',
      '8',
      '--positions',
      'corner,px,4,4',
      '--truth',
      join(dir, 'sim/truth.fits'),
      '--json',
    ];
    const { code, stdout, stderr } = runCli(args, dir);
    assert.equal(code, 0, stderr);
    const { run, sources } = JSON.parse(stdout) as {
      run: Record<string, unknown>;
      sources: { label: string; name: string }[];
    };
    assert.equal(run.model, 'demo-transients');
    assert.equal(run.frames, 32);
    assert.equal(sources.filter(({ name }) => name === 'corner').length, 1);
    const program = `
import sys, json, numpy
from astropy.io import fits
from astropy.io.votable import parse
sim, out = sys.argv[1].split(',')
s = parse(out + '/sources.vot', verify='exception').get_first_table().array
v = parse(out + '/lightcurves.vot', verify='exception')
l = v.get_first_table().array
t = parse(sim + '/truth-sources.vot').get_first_table().array
c = parse(sim + '/truth-lightcurves.vot').get_first_table().array
rows = []
for i, name in enumerate(t['source_id']):
    d = numpy.hypot(s['x'] - t['x'][i], s['y'] - t['y'][i]) + 1e3 * (s['source_id'] == 'corner')
    j = int(d.argmin())
    mine, true = l[l['source_id'] == s['source_id'][j]], c[c['source_id'] == name]
    rows.append({'off': float(d[j]), 'label': str(s['label'][j]), 'shape': str(t['shape'][i]),
      'time': float(abs(mine['time'] - true['time']).max()),
      'pull': float(numpy.sqrt((((mine['flux'] - true['flux']) / mine['flux_error']) ** 2).mean())),
      'truth': float(abs(mine['true_flux'] - true['flux']).max() / true['flux'].max()),
      'rec': float(numpy.sqrt(((mine['flux_rec'] - true['flux']) ** 2).mean()) / mine['flux_error'].mean())})
names = ('reconstructed', 'residual')
print(json.dumps({'rows': rows, 'shapes': [fits.getdata(out + '/%s.fits' % n).shape for n in names],
  'map': fits.getdata(out + '/snr_max.fits').shape, 'beam': fits.getheader(out + '/reconstructed.fits')['BMAJ'] * 3600,
  'times': list(v.get_first_table().fields[2].ref or ''), 'frames': int((l['source_id'] == 'corner').sum()),
  'corner': float(abs(l['true_flux'][l['source_id'] == 'corner']).max() / l['true_flux'].max())}))
`;
    const read = python(program, `${join(dir, 'sim')},${out}`) as {
      rows: { off: number; label: string; shape: string; time: number; pull: number; rec: number; truth: number }[];
      corner: number;
      shapes: number[][];
      map: number[];
      beam: number;
      frames: number;
    };
    for (const { off, label, shape, time, pull, rec, truth } of read.rows) {
      assert.ok(off < 0.7, `${shape} is ${off} pixels off`);
      assert.equal(label, shape === 'steady' ? 'steady' : 'transient');
      assert.ok(time < 1e-6, 'the times are not those of the cube');
      assert.ok(pull > 0.6 && pull < 1.5, `forced fluxes of the ${shape} are ${pull} errors off`);
      assert.ok(truth < 0.3, `the truth of the ${shape} is ${truth} of its peak off`);
      assert.ok(rec < 0.8, `the reconstruction of the ${shape} is ${rec} sigma off`);
    }
    assert.ok(read.corner < 1e-3, 'there is a truth where no source is');
    assert.equal(run.truth, join(dir, 'sim/truth.fits').split('/').pop());
    assert.deepEqual(read.shapes, [
      [32, 48, 48],
      [32, 48, 48],
    ]);
    assert.deepEqual(read.map, [48, 48]);
    assert.ok(Math.abs(read.beam - 9.6) < 1e-6);
    assert.equal(read.frames, 32);
    assert.match(readFileSync(join(out, 'sources.reg'), 'utf8'), /image;circle\(.*color=red/);
    assert.equal(readFileSync(join(out, 'lightcurves.png')).subarray(1, 4).toString('latin1'), 'PNG');
  });

  it('finds in the example what its truth has', () => {
    const example = (name: string) => join(kRoot, 'examples/transients', name);
    const args = [
      'reconstruct',
      example('dirty.fits'),
      '--psf',
      example('psf.fits'),
      '-o',
      join(dir, 'example'),
      '--json',
    ];
    const { code, stdout, stderr } = runCli(args, dir);
    assert.equal(code, 0, stderr);
    const { sources } = JSON.parse(stdout) as { sources: { label: string; x: number; y: number }[] };
    const { sources: truth } = JSON.parse(readFileSync(example('simulation.json'), 'utf8')) as {
      sources: { shape: string; x: number; y: number }[];
    };
    assert.equal(sources.length, 3);
    for (const { shape, x, y } of truth) {
      const found = sources.find((source) => Math.hypot(source.x - x, source.y - y) < 1);
      assert.equal(found?.label, shape === 'steady' ? 'steady' : 'transient', shape);
    }
  });

  it('its VOTables are such that STILTS finds nothing to say about', { skip: kNoStilts }, () => {
    const out = join(dir, 'lint');
    const { code, stderr } = runCli(['reconstruct', cube, '--psf', psf, '-o', out, '--method', 'clean-bank'], dir);
    assert.equal(code, 0, stderr);
    for (const name of ['sources.vot', 'lightcurves.vot']) {
      const lint = spawnSync('stilts', ['votlint', `votable=${join(out, name)}`], { encoding: 'utf8' });
      assert.equal(`${lint.stdout}${lint.stderr}`.trim(), '');
    }
  });

  it('leaves no picture of an earlier run where there is nothing to draw', () => {
    const out = join(dir, 'twice');
    const run = (threshold: string) => {
      const args = ['reconstruct', cube, '--psf', psf, '-o', out, '--method', 'clean', '--threshold', threshold];
      const { code, stderr } = runCli(args, dir);
      assert.equal(code, 0, stderr);
      return existsSync(join(out, 'lightcurves.png'));
    };
    assert.ok(run('6'));
    assert.ok(!run('900'));
  });

  it('a job of a server gives the same sources, and the other files as results', async (t) => {
    // Before there is a server: connections to it do not outlive that this thread is busy for long.
    const out = join(dir, 'same');
    const { code, stderr } = runCli(['reconstruct', cube, '--psf', psf, '-o', out, '--threshold', '8'], dir);
    assert.equal(code, 0, stderr);
    const server = await startTestServer(t);
    const body = new FormData();
    for (const [name, value] of Object.entries({ MODEL: 'demo-transients', PHASE: 'RUN', THRESHOLD: '8' }))
      body.append(name, value);
    for (const [name, path] of Object.entries({ IMAGE: cube, PSF: psf }))
      body.append(name, new Blob([new Uint8Array(readFileSync(path))]), `${name}.fits`);
    const answer = await server.send('/jobs', { method: 'POST', body });
    assert.equal(answer.status, 303, await answer.text());
    const id = (answer.headers.get('location') ?? '').split('/').pop() ?? '';
    const job = await server.until(id, 'COMPLETED');
    for (const result of ['lightcurves', 'sheet', 'reconstructed', 'residual', 'snr_max', 'provjson']) {
      assert.match(job.xml, new RegExp(`id="${result}"`), result);
      assert.equal((await server.send(`/jobs/${id}/results/${result}`)).status, 200, result);
    }
    const csv = await server.text(`/jobs/${id}/results/csv`);
    assert.equal(csv, readFileSync(join(out, 'sources.csv'), 'utf8'));
    const residual = Buffer.from(await (await server.send(`/jobs/${id}/results/residual`)).arrayBuffer());
    const pixels = (bytes: Buffer) => bytes.subarray(bytes.length - Math.ceil((32 * 48 * 48 * 4) / 2880) * 2880);
    assert.ok(pixels(residual).equals(pixels(readFileSync(join(out, 'residual.fits')))), 'the residual is another one');
    // What it left is looked at as what it was given is.
    const refusedPicture = async (query: string, status: number) =>
      assert.equal((await server.send(`/jobs/${id}/image${query}`)).status, status, query);
    const picture = async (query: string) => {
      const answer = await server.send(`/jobs/${id}/image${query}`);
      assert.equal(answer.status, 200, query);
      return (await answer.json()) as { header: { planes: number }; plane: number; preview: string; value: number };
    };
    const cubeOf = async (query: string) => (await picture(query)).header.planes;
    assert.deepEqual(
      [await cubeOf(''), await cubeOf('?RESULT=reconstructed'), await cubeOf('?RESULT=snr_max')],
      [32, 32, 1],
    );
    const frame = await picture('?RESULT=residual&PLANE=5');
    assert.equal(frame.plane, 5);
    assert.match(frame.preview, /preview\.png\?RESULT=residual&PLANE=5$/);
    const at = pixels(residual).readFloatBE(4 * ((5 * 48 + 8) * 48 + 10));
    assert.equal((await picture('/pixel?RESULT=residual&PLANE=5&X=11&Y=9')).value, at);
    const [tile] = await Promise.all(
      ['?RESULT=reconstructed&PLANE=5', '?RESULT=residual&PLANE=5'].map(async (query) => {
        const answer = await server.send(`/jobs/${id}/image/tiles/0/0_0.png${query}`);
        assert.equal(answer.headers.get('content-type'), 'image/png');
        return answer.headers.get('etag');
      }),
    );
    assert.notEqual(tile, (await server.send(`/jobs/${id}/image/tiles/0/0_0.png?PLANE=5`)).headers.get('etag'));
    for (const name of ['lightcurves', 'result', 'nothing', '../IMAGE'])
      await refusedPicture(`?RESULT=${encodeURIComponent(name)}`, 404);
    await refusedPicture('?RESULT=residual&INPUT=PSF', 400);
    await refusedPicture('?RESULT=residual&PLANE=32', 422);
    const missing = await server.post({ MODEL: 'demo-transients' }, readFileSync(cube));
    assert.equal(missing.status, 400);
    assert.match(await missing.text(), /PSF/);
    assert.equal(await server.stop(), 0);
  });

  it('refuses what is no cube, no PSF of it, or too short, in one line and with nothing left', () => {
    refused([join(dir, 'sim/truth.fits'), '--psf', join(dir, 'none.fits')], /none\.fits/);
    refused([psf, '--psf', cube], /fewer than the cube's/);
    refused([cube, '--psf', join(dir, 'sim/truth.fits')], /PSF .*truth\.fits.*(peak|blank)/);
    simulate('short', '--frames', '8', '--hours', '2');
    refused([join(dir, 'short/dirty.fits'), '--psf', join(dir, 'short/psf.fits')], /8 frames are too few/);
    refused([cube, '--psf', join(dir, 'short/psf.fits')], /8 frames, the cube has 32/);
    const image = join(kRoot, 'examples/simulated-field-1024.fits');
    refused([image, '--psf', psf], /no axis of time/);
    refused([cube, '--psf', psf, '--truth', join(dir, 'short/truth.fits')], /truth.*48x48x8, .* one of 48x48x32/);
    refused([cube, '--psf', psf, '--truth', image], /no axis of time/);
    refused([cube, '--psf', psf, '--positions', 'somewhere'], /POSITIONS: "somewhere"/, 2);
    const named = (positions: string) => [cube, '--psf', psf, '--positions', positions];
    refused(named(',150.1,-30'), /POSITIONS: a name is empty/, 2);
    refused(named('S0001,150.1,-30'), /the name "S0001" is what a source that is found is called/, 2);
    refused(named('A,150.1,-30;A,px,5,5'), /the name "A" is there twice/, 2);
    refused(named('150.1,-30;position-1,px,5,5'), /the name "position-1" is there twice/, 2);
    refused([cube, '--psf', psf, '--model', 'demo-continuum'], /is no reconstructor/);
  });
});
