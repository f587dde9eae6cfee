/** A whole radio chain: visibilities in a Measurement Set > WSClean > detect > VOTable, as sites run it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { runCli, scratchDir } from './support/cli.js';
import { imageVisibilities, kNoWsclean } from './support/wsclean.js';

const kSizePx = 256;
/** 60 arcsec East and 30 arcsec North of the middle (measurement_set.py), in pixels of 3 arcsec; FITS counts from 1. */
const kSource = { x: kSizePx / 2 + 1 - 20, y: kSizePx / 2 + 1 + 10 };

it('from visibilities to a catalogue', { skip: kNoWsclean }, () => {
  const dir = scratchDir();
  const imaging = `-size ${kSizePx} ${kSizePx} -scale 3asec -weight briggs 0 -niter 200 -pol xx -j 1`;
  imageVisibilities(dir, 4, imaging.split(' '));
  // The network knows fainter skies than this one: clipped to percentiles, and what is not five times the noise left out.
  const looks = '--norm-fct linear --min-pix 1 --max-pix 99.99 --measure fast --min-snr 5';
  const args = ['detect', 'w-image.fits', ...looks.split(' ')];
  assert.equal(runCli([...args, '-o', 'w.vot'], dir).code, 0);
  const { code, stderr } = runCli([...args, '--format', 'json', '-o', 'w.json'], dir);
  assert.equal(code, 0, stderr);
  const { sources } = JSON.parse(readFileSync(join(dir, 'w.json'), 'utf8')) as { sources: { x: number; y: number }[] };
  const near = sources.filter(({ x, y }) => Math.hypot(x - kSource.x, y - kSource.y) < 3);
  assert.ok(near.length > 0, JSON.stringify(sources.map(({ x, y }) => [x, y])));
  assert.match(readFileSync(join(dir, 'w.vot'), 'utf8'), /<VOTABLE[\s\S]*<TABLEDATA>/);
});
