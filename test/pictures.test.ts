/** Pictures of images and what a page needs beside them, from a server: /uploads/ID/image and /jobs/ID/image. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { PNG } from 'pngjs';
import { bench } from './service/bench.js';
import { compressedImage } from './support/compressed-fits.js';
import { floatData, header, imageCards, skyCards } from './support/fits-writer.js';
import {
  greyOf,
  type Info,
  json,
  kGrey,
  kHeight,
  kWidth,
  png,
  type Spot,
  type Stats,
  upAndUploaded,
  upload,
  value,
} from './support/pictures.js';

describe('pictures of an image', () => {
  it('are tiles of its pixels, at full resolution and as means, up as astronomers look', async (t) => {
    const { at, base } = await upAndUploaded(t);
    const info = await json<Info>(at, base);
    assert.deepEqual([info.width, info.height, info.tileSize, info.maxLevel], [kWidth, kHeight, 512, 2]);
    for (let level = 0; level <= info.maxLevel; level++) {
      const step = 2 ** (info.maxLevel - level);
      const columns = Math.ceil(kWidth / step);
      const rows = Math.ceil(kHeight / step);
      let seen = 0;
      for (let ty = 0; ty * 512 < rows; ty++) {
        for (let tx = 0; tx * 512 < columns; tx++) {
          const tile = await png(at, `${base}/tiles/${level}/${tx}_${ty}.png?${kGrey}`);
          assert.equal(tile.width, Math.min(512, columns - tx * 512));
          assert.equal(tile.height, Math.min(512, rows - ty * 512));
          for (let y = 0; y < tile.height; y += 3) {
            for (let x = 0; x < tile.width; x += 7) checkPixel(tile, x, y, tx * 512 + x, ty * 512 + y, step);
          }
          seen += tile.width * tile.height;
        }
      }
      assert.equal(seen, columns * rows);
    }
  });

  it('are the same of the image in gzip, or tile-compressed', async (t) => {
    const at = await bench(t);
    const row = Float32Array.from({ length: 1100 }, (_, x) => Math.sin(x / 50) * 1e-3);
    const compressed = compressedImage({ width: 1100, height: 600, row });
    const pixels = Float32Array.from({ length: 1100 * 600 }, (_, index) => row[index % 1100] ?? 0);
    const cards = header([...imageCards([1100, 600]), ['BUNIT', 'JY/BEAM'], ...skyCards(550)]);
    const plain = Buffer.concat([cards, floatData(pixels)]);
    const bases = [
      await upload(at, plain),
      await upload(at, gzipSync(plain), 'field.fits.gz'),
      await upload(at, compressed, 'field.fits.fz'),
    ];
    for (const path of ['tiles/0/0_0.png', 'tiles/2/1_0.png?CUTS=zscale', 'preview.png?SIZE=300&COLOUR=magma']) {
      const digests = new Set<string>();
      for (const base of bases) {
        const answer = await at.send(`${base}/${path}`);
        assert.equal(answer.status, 200);
        digests.add(
          createHash('sha256')
            .update(Buffer.from(await answer.arrayBuffer()))
            .digest('hex'),
        );
      }
      assert.equal(digests.size, 1, path);
    }
    // However many pictures are made of it, also at full resolution: the compressed one is decoded once.
    for (const name of ['0_0', '1_0', '0_1', '1_1', '2_0', '2_1']) {
      assert.equal((await at.send(`${bases[2]}/tiles/2/${name}.png`)).status, 200, name);
    }
    assert.match(await at.text('/metrics'), /otf_picture_seconds_count\{stage="decode"\} 1\n/);
  });

  it('are made of compressed pixels themselves where a decoded plane would take too much of what is kept', async (t) => {
    const at = await bench(t, {}, { pictures: { cache_mb: 1 } });
    const row = Float32Array.from({ length: 700 }, (_, x) => x);
    const base = await upload(at, compressedImage({ width: 700, height: 600, row }), 'field.fits.fz');
    assert.equal((await at.send(`${base}/tiles/1/0_0.png`)).status, 200);
    assert.doesNotMatch(await at.text('/metrics'), /otf_picture_seconds_count\{stage="decode"\}/);
  });

  it('stay what they are: a tag, and a year in every cache; what is kept goes with its upload', async (t) => {
    const { at, base } = await upAndUploaded(t);
    const path = `${base}/tiles/1/0_0.png?COLOUR=viridis`;
    const first = await at.send(path);
    const etag = first.headers.get('etag') ?? '';
    assert.match(etag, /^"[0-9a-f]{32}"$/);
    assert.match(first.headers.get('cache-control') ?? '', /immutable/);
    await first.arrayBuffer();
    assert.equal((await at.send(path, { headers: { 'if-none-match': etag } })).status, 304);
    const other = await at.send(`${base}/tiles/1/0_0.png?COLOUR=magma`);
    assert.notEqual(other.headers.get('etag'), etag);
    await other.arrayBuffer();
    assert.equal((await readdir(join(at.dataDir, 'pictures'))).length, 3);
    await at.send(base.replace(/\/image$/, ''), { method: 'DELETE' });
    assert.deepEqual(await readdir(join(at.dataDir, 'pictures')), []);
  });

  it('show blanks as nothing, or in the colour asked for', async (t) => {
    const { at, base } = await upAndUploaded(t);
    const corner = async (query: string) => {
      const tile = await png(at, `${base}/tiles/2/0_1.png?${kGrey}${query}`);
      return [...tile.data.subarray((tile.height - 1) * tile.width * 4, (tile.height - 1) * tile.width * 4 + 4)];
    };
    assert.equal((await corner(''))[3], 0);
    assert.deepEqual(await corner('&NAN=ff8000'), [255, 128, 0, 255]);
    assert.deepEqual(await corner('&nan=%23FF8000'), [255, 128, 0, 255]);
  });

  it('tell value and position of a pixel, and the pixel of a position', async (t) => {
    const { at, base } = await upAndUploaded(t);
    const middle = await json<Spot>(at, `${base}/pixel?X=650&Y=650`);
    assert.equal(middle.value, value(649, 649));
    assert.equal(middle.unit, 'Jy/beam');
    assert.ok(Math.abs((middle.sky?.raDeg ?? 0) - 150.1) < 1e-9);
    assert.equal(middle.sky?.ra, '10:00:24.0000');
    assert.equal(middle.sky?.dec, '-30:12:00.000');
    const back = await json<Spot>(at, `${base}/pixel?RA=150.1&DEC=-30.2`);
    assert.ok(Math.hypot(back.x - 650, back.y - 650) < 1e-6);
    assert.equal((await json<Spot>(at, `${base}/pixel?X=1&Y=1`)).value, null);
    assert.equal((await json<Spot>(at, `${base}/pixel?X=-5000&Y=1`)).value, null);
    await json(at, `${base}/pixel?RA=330&DEC=30`, 422);
    for (const query of ['', 'X=1', 'X=1&Y=2&RA=3&DEC=4', 'X=1&Y=nan', 'RA=361&DEC=0', 'RA=1&DEC=91', 'X=1&X=2&Y=3'])
      await json(at, `${base}/pixel?${query}`, 400);
  });

  it('give a region as jobs are asked for it, and the same pixels back', async (t) => {
    const { at, base } = await upAndUploaded(t);
    interface Region {
      box: number[];
      BOX: string;
      ROI: string;
    }
    for (const box of ['1,1,1300,700', '1,1,1,1', '301,200,17,18', '1300,700,1,1', '640,10,101,64']) {
      const told = await json<Region>(at, `${base}/region?BOX=${box}`);
      assert.equal(told.BOX, box);
      const again = await json<Region>(at, `${base}/region?ROI=${told.ROI}`);
      assert.equal(again.BOX, box);
    }
    assert.equal((await json<Region>(at, `${base}/region?BOX=-9,-19,20,40`)).BOX, '1,1,10,20');
    await json(at, `${base}/region?BOX=5000,1,10,10`, 422);
    for (const query of ['', 'BOX=1,1,0,5', 'BOX=1,2,3', 'BOX=1,1,5,5&ROI=1,2,3,4', 'ROI=400,0,1,1'])
      await json(at, `${base}/region?${query}`, 400);
  });

  it('are of the plane and HDU asked for, and of the job its own', async (t) => {
    const at = await bench(t);
    const planes = [1, 5];
    const pixels = Float32Array.from({ length: 2 * 64 * 64 }, (_, index) => planes[Math.floor(index / 4096)] ?? 0);
    const cube = Buffer.concat([header([...imageCards([64, 64, 2]), ...skyCards(32)]), floatData(pixels)]);
    const base = await upload(at, cube);
    const ranges = await Promise.all([0, 1].map((plane) => json<Stats>(at, `${base}/statistics?PLANE=${plane}`)));
    assert.deepEqual(
      ranges.map(({ min, max }) => [min, max]),
      [
        [1, 1],
        [5, 5],
      ],
    );
    await json(at, `${base}?PLANE=2`, 422);
    await json(at, `${base}?HDU=7`, 422);
    const created = await at.form('/jobs', { IMAGE: `upload:${base.split('/')[2]}`, PLANE: '1' });
    const job = new URL(created.headers.get('location') ?? '').pathname;
    const info = await json<Info>(at, `${job}/image`);
    assert.equal(info.plane, 1);
    assert.match(info.tiles, /\?HDU=0&PLANE=1$|\?PLANE=1$/);
    assert.equal((await json<Stats>(at, `${job}/image/statistics`)).max, 5);
    assert.equal((await json<Spot>(at, `${job}/image/pixel?X=1&Y=1&PLANE=0`)).value, 1);
    await json(at, `${job}/image?INPUT=BEAM`, 404);
    await json(at, `${job}/image?INPUT=MODEL`, 404);
    const fetched = await at.form('/jobs', { IMAGE: 'http://example.org/a.fits' });
    await json(at, `${new URL(fetched.headers.get('location') ?? '').pathname}/image`, 410);
    await at.send(job, { method: 'DELETE' });
    await json(at, `${job}/image`, 404);
  });

  it('of a job that is PENDING are of the image it has now', async (t) => {
    const at = await bench(t);
    const level = (value: number) =>
      Buffer.concat([
        header([...imageCards([64, 64]), ...skyCards(32)]),
        floatData(new Float32Array(4096).fill(value)),
      ]);
    const [first, second] = [await upload(at, level(1)), await upload(at, level(2))];
    const created = await at.form('/jobs', { IMAGE: `upload:${first.split('/')[2]}` });
    const job = new URL(created.headers.get('location') ?? '').pathname;
    assert.equal((await json<Spot>(at, `${job}/image/pixel?X=3&Y=3`)).value, 1);
    const tile = await at.send(`${job}/image/tiles/0/0_0.png`);
    assert.match(tile.headers.get('cache-control') ?? '', /no-cache/);
    const changed = await at.form(`${job}/parameters`, { IMAGE: `upload:${second.split('/')[2]}` });
    assert.equal(changed.status, 303);
    assert.equal((await json<Spot>(at, `${job}/image/pixel?X=3&Y=3`)).value, 2);
    const other = await at.send(`${job}/image/tiles/0/0_0.png`);
    assert.notEqual(other.headers.get('etag'), tile.headers.get('etag'));
  });

  it('of a plane without a value are blank, and its statistics say so', async (t) => {
    const pixels = new Float32Array(32 * 32).fill(Number.NaN);
    const { at, base } = await upAndUploaded(t, Buffer.concat([header(imageCards([32, 32])), floatData(pixels)]));
    const stats = await json<Stats>(at, `${base}/statistics`);
    assert.deepEqual([stats.finite, stats.blank, stats.min, stats.cuts], [0, 1024, null, null]);
    for (const cuts of ['zscale', 'minmax', 'percentile', '1,2']) {
      const tile = await png(at, `${base}/tiles/0/0_0.png?CUTS=${cuts}`);
      assert.ok(tile.data.every((byte, index) => index % 4 !== 3 || byte === 0));
    }
    assert.equal((await json<{ grid: unknown }>(at, base)).grid, null);
  });
});

/** The picture's pixel (column, row) is a block of step x step pixels, counted from the top left. */
function checkPixel(tile: PNG, x: number, y: number, column: number, row: number, step: number): void {
  let sum = 0;
  let count = 0;
  for (let r = row * step; r < Math.min(kHeight, (row + 1) * step); r++) {
    for (let c = column * step; c < Math.min(kWidth, (column + 1) * step); c++) {
      const each = value(c, kHeight - 1 - r);
      if (!Number.isNaN(each)) {
        sum += each;
        count++;
      }
    }
  }
  const at = (y * tile.width + x) * 4;
  if (count === 0) {
    assert.equal(tile.data[at + 3], 0, `blank at ${column},${row}`);
    return;
  }
  // One level of 255: float32 means may fall on the other side of a border.
  const off = Math.abs((tile.data[at] ?? -9) - greyOf(sum / count));
  assert.ok(off <= 2, `grey at ${column},${row} of step ${step}: ${tile.data[at]}, not ${greyOf(sum / count)}`);
  assert.equal(tile.data[at + 3], 255);
}
