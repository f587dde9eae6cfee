/** What is asked of pictures and cannot be had. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';
import { compressedImage } from './support/compressed-fits.js';
import { type Info, image, json, type Spot, upAndUploaded, upload } from './support/pictures.js';

describe('pictures of an image', () => {
  it('are refused in words when what is asked for is none', async (t) => {
    const { at, base } = await upAndUploaded(t);
    const wrong: [string, number][] = [
      ['tiles/3/0_0.png', 404],
      ['tiles/2/3_0.png', 404],
      ['tiles/2/0_2.png', 404],
      ['tiles/99/0_0.png', 404],
      ['tiles/-1/0_0.png', 404],
      ['tiles/0/0_0', 404],
      ['tiles/0/..%2f..%2fotf.sqlite', 404],
      ['tiles/0/99999999_0.png', 404],
      ['tiles/0/0_0.png?STRETCH=cube', 400],
      ['tiles/0/0_0.png?COLOUR=rainbow', 400],
      ['tiles/0/0_0.png?COLOUR=grey&COLOUR=heat', 400],
      ['tiles/0/0_0.png?CUTS=', 400],
      ['tiles/0/0_0.png?CUTS=2,1', 400],
      ['tiles/0/0_0.png?CUTS=nan,1', 400],
      ['tiles/0/0_0.png?CUTS=1e999,2e999', 400],
      ['tiles/0/0_0.png?CUTS=101%25', 400],
      ['tiles/0/0_0.png?CUTS=0%25', 400],
      ['tiles/0/0_0.png?CUTS=1%25,2', 400],
      ['tiles/0/0_0.png?NAN=red', 400],
      ['tiles/0/0_0.png?PLANE=-1', 400],
      ['tiles/0/0_0.png?PLANE=1', 422],
      ['tiles/0/0_0.png?HDU=99999', 400],
      ['preview.png?SIZE=15', 400],
      ['preview.png?SIZE=4097', 400],
    ];
    for (const [path, status] of wrong) await json(at, `${base}/${path}`, status);
    await json(at, '/uploads/nobody/image', 404);
    await json(at, '/jobs/nobody/image/tiles/0/0_0.png', 404);
    assert.equal((await at.send(`${base}/tiles/0/0_0.png`, { method: 'POST' })).status, 405);
    assert.deepEqual(at.errors, []);
  });

  it('are not made of more pixels than may be, however few bytes they are', async (t) => {
    const at = await bench(t, {}, { pictures: { max_mpx: 10 } });
    const row = new Float32Array(100_000).fill(1);
    const base = await upload(at, compressedImage({ width: 100_000, height: 200_000, row }));
    assert.equal((await json<Info>(at, base)).header.width, 100_000);
    for (const path of ['statistics', 'tiles/0/0_0.png', 'preview.png']) {
      const refused = await json<{ error: string }>(at, `${base}/${path}`, 422);
      assert.match(refused.error, /100000 x 200000 pixels: pictures are made of at most 10 million/);
    }
    assert.equal((await json<Spot>(at, `${base}/pixel?X=1&Y=1`)).value, 1);
  });

  it('answer every mutation of their parameters with an image, JSON or a refusal', async (t) => {
    const { at, base } = await upAndUploaded(t, image(70, 50));
    let state = 20261128;
    const random = (most: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * most);
    };
    const seeds = [
      'tiles/0/0_0.png?STRETCH=asinh&CUTS=0.5%25,99.5%25&COLOUR=heat&PLANE=0',
      'preview.png?SIZE=64&CUTS=-1e-3,2.5e2&NAN=00ff00',
      'pixel?X=12.5&Y=30',
      'pixel?RA=150.1&DEC=-30.2',
      'region?BOX=1,1,20,20',
      'region?ROI=150.1,-30.2,20,20',
      'statistics?HDU=0&PLANE=0',
    ];
    const letters = '0123456789.,-+%&=_eEinfaNHDUPLCTSX%00%ff%2f/?#\u00e9';
    const counts = new Map<number, number>();
    for (let round = 0; round < 400; round++) {
      const seed = seeds[random(seeds.length)] ?? '';
      const at0 = random(seed.length);
      const piece = Array.from({ length: 1 + random(4) }, () => letters[random(letters.length)]).join('');
      const path = `${base}/${seed.slice(0, at0)}${piece}${seed.slice(at0 + random(3))}`;
      const { status } = await at.send(path);
      assert.ok([200, 400, 404, 422].includes(status), `${path}: ${status}`);
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    assert.ok((counts.get(200) ?? 0) > 20 && (counts.get(400) ?? 0) > 20, JSON.stringify([...counts]));
    assert.deepEqual(at.errors, []);
  });
});
