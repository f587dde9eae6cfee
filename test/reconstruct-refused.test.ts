/** What is no cube, or no PSF of it, ends a reconstruction in one line, with nothing half written. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCli, scratchDir } from './support/cli.js';
import { type CardValue, floatData, header, imageCards, noise, skyCards, writeFits } from './support/fits-writer.js';
import { startTestServer } from './support/server.js';

const kSide = 32;
const kFrames = 20;
const dir = scratchDir();
type Cards = [string, CardValue][];

const timeCards: Cards = [
  ['CTYPE3', 'TIME'],
  ['CUNIT3', 's'],
  ['CRPIX3', 1],
  ['CRVAL3', 450],
  ['CDELT3', 900],
  ['MJDREF', 60000],
];

function cube(name: string, frames: number, cards: Cards, change: (pixels: Float32Array) => void = () => undefined) {
  const pixels = noise(kSide * kSide * frames);
  change(pixels);
  const keys: Cards = [...imageCards([kSide, kSide, frames]), ...skyCards(kSide / 2 + 1), ...cards];
  return writeFits(join(dir, name), header(keys), floatData(pixels));
}

/** A peak of 1 per frame, `at` pixels from the corner. */
function psf(name: string, side: number, frames: number, at = (_frame: number) => side / 2) {
  const pixels = new Float32Array(side * side * frames);
  for (let t = 0; t < frames; t += 1) pixels[(t * side + at(t)) * side + at(t)] = 1;
  const keys: Cards = [...imageCards([side, side, frames]), ...timeCards];
  return writeFits(join(dir, name), header(keys), floatData(pixels));
}

function epoch(name: string, mjd: number, centrePx = kSide / 2 + 1, side = kSide) {
  const keys: Cards = [...imageCards([side, side]), ...skyCards(centrePx), ['MJD-AVG', mjd]];
  return writeFits(join(dir, name), header(keys), floatData(noise(side * side)));
}

const good = cube('good.fits', kFrames, timeCards);
const goodPsf = psf('psf.fits', 2 * kSide, kFrames);
const onePsf = psf('one-psf.fits', 2 * kSide, 1);

function blankFrame(pixels: Float32Array) {
  pixels.fill(Number.NaN, 6 * kSide * kSide, 7 * kSide * kSide);
}

function refused(message: RegExp, cubes: string[], psfs: string[]): void {
  const out = join(dir, 'refused');
  const { code, stdout, stderr } = runCli(['reconstruct', ...cubes, '--psf', ...psfs, '-o', out], dir);
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
  assert.match(stderr, message);
  assert.deepEqual(readdirSync(out), [], 'something was left');
}

describe('a reconstruction refuses', () => {
  it('a cube without an axis of time', () => {
    refused(
      /frequency\.fits: there is no axis of time/,
      [cube('frequency.fits', kFrames, [['CTYPE3', 'FREQ']])],
      [goodPsf],
    );
    refused(
      /nameless\.fits: axis 3 \(no CTYPE, 20 long\) is neither time/,
      [cube('nameless.fits', kFrames, [])],
      [goodPsf],
    );
  });

  it('a PSF of another shape', () => {
    refused(/short\.fits: it has 19 frames, the cube has 20/, [good], [psf('short.fits', 2 * kSide, kFrames - 1)]);
    refused(/small\.fits: 16x16 pixels are fewer than the cube's 32x32/, [good], [psf('small.fits', 16, kFrames)]);
    refused(/one-psf\.fits: 2 files were given for 20 frames/, [good], [onePsf, onePsf]);
  });

  it('a PSF off centre, in whatever frame', () => {
    const late = psf('late.fits', 2 * kSide, kFrames, (t) => (t === 17 ? kSide + 1 : kSide));
    refused(/late\.fits, frame 18: its peak is at pixel 34,34, not in the middle at 33,33/, [good], [late]);
  });

  it('a frame that is blank', () => {
    refused(
      /blank\.fits, frame 7: every pixel is blank/,
      [cube('blank.fits', kFrames, timeCards, blankFrame)],
      [goodPsf],
    );
  });

  it('one frame', () => {
    refused(/lone\.fits: the axis of time has one frame/, [cube('lone.fits', 1, timeCards)], [onePsf]);
    refused(/epoch\.fits: there is no axis of time/, [epoch('epoch.fits', 60000)], [onePsf]);
  });

  it('frames of different grids', () => {
    const [first, second] = [epoch('first.fits', 60000), epoch('second.fits', 60001)];
    const moved = epoch('moved.fits', 60002, kSide / 2 + 3);
    refused(
      /moved\.fits is not on the grid of .*first\.fits: its corners are elsewhere/,
      [first, second, moved],
      [onePsf],
    );
    const larger = epoch('larger.fits', 60002, kSide / 2 + 1, kSide + 2);
    refused(
      /larger\.fits is not on the grid of .*first\.fits: 34x34 pixels, not 32x32/,
      [first, second, larger],
      [onePsf],
    );
  });

  it('times out of order', () => {
    const [first, second] = [epoch('a.fits', 60000), epoch('b.fits', 60001)];
    refused(/a\.fits: its time is not after that of the frame before/, [second, first], [onePsf]);
    const backwards = timeCards.map(([key, value]): [string, CardValue] => [key, key === 'CDELT3' ? -900 : value]);
    refused(/backwards\.fits, frame 2: its time is not after/, [cube('backwards.fits', kFrames, backwards)], [goodPsf]);
  });

  it('a cube too short for the network', () => {
    const frames = 15;
    const short = cube('short-cube.fits', frames, timeCards);
    refused(
      /short-cube\.fits: 15 frames are too few for this network, which needs 16/,
      [short],
      [psf('p15.fits', 64, frames)],
    );
  });

  it('them in a job of a server, too, which then has no results', async (t) => {
    const server = await startTestServer(t);
    const late = psf('late.fits', 2 * kSide, kFrames, (frame) => (frame === 17 ? kSide + 1 : kSide));
    const blank = cube('blank.fits', kFrames, timeCards, blankFrame);
    for (const [image, psfOfIt, code, message] of [
      [blank, goodPsf, 'OTF_IMAGE_BLANK', /frame 7: every pixel is blank/],
      [good, late, 'OTF_CUBE_INVALID', /frame 18: its peak is at pixel 34,34/],
    ] as const) {
      const body = new FormData();
      body.append('MODEL', 'demo-transients');
      body.append('PHASE', 'RUN');
      body.append('IMAGE', new Blob([new Uint8Array(readFileSync(image))]), 'cube.fits');
      body.append('PSF', new Blob([new Uint8Array(readFileSync(psfOfIt))]), 'psf.fits');
      const answer = await server.send('/jobs', { method: 'POST', body });
      assert.equal(answer.status, 303, await answer.text());
      const job = await server.until((answer.headers.get('location') ?? '').split('/').pop() ?? '', 'ERROR');
      assert.match(job.error, message);
      assert.equal(job.info.errorCode, code);
      const results = [...job.xml.matchAll(/<uws:result id="([^"]*)"/g)].map(([, id]) => id);
      assert.deepEqual(results, ['log']);
    }
  });
});
