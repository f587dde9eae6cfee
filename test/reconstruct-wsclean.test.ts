/** Frames as WSClean writes them: an image and a PSF per interval, of a small Measurement Set that python3-casacore makes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { runCli, scratchDir } from './support/cli.js';
import { imageVisibilities, kNoWsclean } from './support/wsclean.js';

const kFrames = 4;
/** Where measurement_set.py puts its source: 3 arcsec pixels, the middle at 33. */
const kSource = { x: 13, y: 43 };

it('frames of wsclean -intervals-out -make-psf are a cube', { skip: kNoWsclean }, () => {
  const dir = scratchDir();
  const imaging = `-intervals-out ${kFrames} -size 64 64 -scale 3asec -weight briggs 0 -niter 0 -pol xx -j 1`;
  imageVisibilities(dir, kFrames, imaging.split(' '));
  const named = (what: string) => readdirSync(dir).filter((name) => name.endsWith(`-${what}.fits`));
  const [images, psfs] = [named('dirty').sort(), named('psf').sort()];
  assert.equal(images.length, kFrames);
  const args = [...images, '--psf', ...psfs, '-o', 'found', '--method', 'clean', '--json', '--positions', 'p,px,13,43'];
  const { code, stdout, stderr } = runCli(['reconstruct', ...args], dir);
  assert.equal(code, 0, stderr);
  const { sources, warnings } = JSON.parse(stdout) as { sources: { x: number; y: number }[]; warnings: string[] };
  const [brightest] = sources;
  assert.ok(brightest && Math.hypot(brightest.x + 1 - kSource.x, brightest.y + 1 - kSource.y) < 0.5, stdout);
  assert.ok(
    warnings.some((line) => /4 images tell when they begin/.test(line)),
    warnings.join('\n'),
  );
  assert.ok(warnings.some((line) => /smaller than twice the image/.test(line)));
  const [head = '', ...rows] = readFileSync(join(dir, 'found/lightcurves.csv'), 'utf8').trim().split('\n');
  const column = (name: string) =>
    rows.filter((row) => row.startsWith('p,')).map((row) => Number(row.split(',')[head.split(',').indexOf(name)]));
  const [flux, time] = [column('flux'), column('time')];
  // The first two frames are without it; WSClean's DATE-OBS is the middle of the first integration, of 450 s.
  assert.ok(Math.abs((flux[0] ?? 1) + (flux[1] ?? 1)) < 0.6 && (flux[2] ?? 0) > 0.7 && (flux[3] ?? 0) > 0.7, `${flux}`);
  assert.ok(
    Math.abs((time[0] ?? 0) - 60000 - 225 / 86400) < 1e-6 &&
      Math.abs((time[3] ?? 0) - (time[2] ?? 0) - 900 / 86400) < 1e-6,
  );
});
