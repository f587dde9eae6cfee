/** What pictures are made with: looks, the cache, who waits for a thread; and numbers against astropy and numpy. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PNG } from 'pngjs';
import { native } from '#otf/engine/addon.js';
import { kColourMaps, kStretches, type Look } from '#otf/engine/addon-pictures.js';
import { declination, rightAscension } from '#otf/io/sexagesimal.js';
import { FileCache } from '#otf/pictures/cache.js';
import { readLook } from '#otf/pictures/look.js';
import { PictureThreads } from '#otf/pictures/threads.js';
import { Parameters } from '#otf/uws/parameters.js';
import { python, withoutPython } from './service/python.js';
import { scratchDir } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { floatData, header, imageCards, noise, skyCards } from './support/fits-writer.js';

const look = (query: string) => readLook(Parameters.fromQuery(query));

describe('what a picture looks like', () => {
  it('is read as people write it', () => {
    assert.deepEqual(look(''), {
      stretch: 'asinh',
      cuts: { kind: 'percentile', low: 0.25, high: 99.75 },
      colours: 'grey',
    });
    assert.deepEqual(look('CUTS=98%25').cuts, { kind: 'percentile', low: 1, high: 99 });
    assert.deepEqual(look('CUTS=1%25,%2099.5%25').cuts, { kind: 'percentile', low: 1, high: 99.5 });
    assert.deepEqual(look('CUTS=-1e-6,2.5E-3').cuts, { kind: 'values', low: -1e-6, high: 2.5e-3 });
    assert.deepEqual(look('CUTS=ZScale').cuts, { kind: 'zscale' });
    assert.deepEqual(look('stretch=LOG&colour=Heat&nan=0a0B0c'), {
      stretch: 'log',
      cuts: { kind: 'percentile', low: 0.25, high: 99.75 },
      colours: 'heat',
      blank: [10, 11, 12],
    });
  });
});

describe('positions in sexagesimal', () => {
  it('carry what rounds up, and stay in range', () => {
    assert.equal(rightAscension(359.9999999, 2), '00:00:00.00');
    assert.equal(rightAscension(15.25, 3), '01:01:00.000');
    assert.equal(declination(-0.00027, 1), '-00:00:01.0');
    assert.equal(declination(59.99999999, 2), '+60:00:00.00');
    assert.equal(rightAscension(Number.NaN, 2), '');
  });
});

describe('the cache of pictures', () => {
  const sized = (bytes: number) => async (path: string) => {
    writeFileSync(path, Buffer.alloc(bytes));
    return bytes;
  };

  it('keeps what was used last, within its limit, and makes a thing once', async () => {
    const dir = scratchDir();
    writeFileSync(join(dir, 'left'), 'of before');
    const cache = new FileCache(dir, 100);
    await cache.open();
    assert.deepEqual(readdirSync(dir), []);
    let made = 0;
    const make = async (path: string) => {
      made++;
      return sized(40)(path);
    };
    const paths = await Promise.all([1, 2, 3].map(() => cache.use('a/1', make, ({ path }) => path)));
    assert.equal(made, 1);
    assert.equal(new Set(paths).size, 1);
    await cache.use('a/2', sized(40), () => undefined);
    await cache.use('a/1', make, () => undefined);
    await cache.use('b/1', sized(40), () => undefined);
    assert.equal(cache.bytes, 80);
    assert.equal(made, 1);
    let again = false;
    await cache.use(
      'a/2',
      async (path) => {
        again = true;
        return sized(40)(path);
      },
      () => undefined,
    );
    assert.ok(again);
    await cache.forget('a');
    assert.equal(cache.bytes, 40);
    assert.equal(readdirSync(dir).length, 1);
  });

  it('gives way when others need the disk', async () => {
    let room = true;
    const cache = new FileCache(scratchDir(), 1000, () => room);
    await cache.open();
    for (const name of ['a/1', 'a/2']) await cache.use(name, sized(40), () => undefined);
    assert.equal(cache.bytes, 80);
    room = false;
    await cache.shrink();
    assert.equal(cache.bytes, 0);
  });

  it('takes nothing away from somebody, and leaves nothing of what fails', async () => {
    const dir = scratchDir();
    const cache = new FileCache(dir, 10);
    await cache.open();
    await cache.use('a/1', sized(50), async ({ path }) => {
      await cache.use('a/2', sized(50), () => undefined);
      await cache.forget('a');
      assert.ok(existsSync(path));
    });
    assert.deepEqual(readdirSync(dir), []);
    assert.equal(cache.bytes, 0);
    const half = async (path: string) => {
      writeFileSync(path, 'half');
      throw new Error('the disk of the test is full');
    };
    await assert.rejects(
      cache.use('c/1', half, () => undefined),
      /disk of the test/,
    );
    assert.deepEqual(readdirSync(dir), []);
    await cache.use('c/1', sized(5), () => undefined);
    assert.equal(cache.bytes, 5);
  });
});

describe('the threads that make pictures', () => {
  it('have a line that ends, half of it for one, and forget whom nobody waits for', async (t) => {
    const dir = scratchDir();
    const path = join(dir, 'a.fits');
    writeFileSync(path, Buffer.concat([header(imageCards([64, 64])), floatData(noise(4096))]));
    const threads = new PictureThreads(6, 2);
    atEnd(t, () => threads.close());
    const gone = new AbortController();
    const describeIt = (owner: string, signal?: AbortSignal) =>
      threads.run('describe', { image: { path } }, { owner, decodes: true, signal });
    const first = describeIt('a');
    const waiting = [describeIt('a', gone.signal), describeIt('a'), describeIt('a')];
    await assert.rejects(describeIt('a'), { code: 'OTF_QUEUE_FULL' });
    const others = [describeIt('b'), describeIt('b'), describeIt('c')];
    await assert.rejects(describeIt('d'), { code: 'OTF_QUEUE_FULL' });
    gone.abort();
    const [left, ...rest] = await Promise.allSettled(waiting);
    assert.equal(left?.status, 'rejected');
    assert.equal((await first).width, 64);
    for (const each of [...rest, ...(await Promise.allSettled(others))]) assert.equal(each.status, 'fulfilled');
    await assert.rejects(describeIt('e', AbortSignal.abort()), { code: 'OTF_CLIENT_GONE' });
  });
});

describe('owners who wait for pictures', () => {
  it('take turns', async (t) => {
    const dir = scratchDir();
    const path = join(dir, 'a.fits');
    writeFileSync(path, Buffer.concat([header(imageCards([64, 64])), floatData(noise(4096))]));
    const threads = new PictureThreads(100, 2);
    atEnd(t, () => threads.close());
    const order: string[] = [];
    const ask = async (owner: string) => {
      await threads.run('describe', { image: { path } }, { owner, decodes: true });
      order.push(owner);
    };
    await Promise.all([...Array.from({ length: 8 }, () => ask('many')), ask('one'), ask('other')]);
    assert.ok(order.indexOf('one') < 4 && order.indexOf('other') < 4, order.join(' '));
  });
});

const kScript = `
import json, sys
import numpy as np
from astropy.io import fits
from astropy.visualization import AsinhStretch, LinearStretch, LogStretch, PercentileInterval, SqrtStretch, ZScaleInterval
data = fits.getdata(sys.argv[1])
finite = data[np.isfinite(data)]
out = {"zscale": ZScaleInterval().get_limits(data), "percentile": PercentileInterval(99.5).get_limits(finite)}
out = {name: [float(value) for value in both] for name, both in out.items()}
out.update(mean=float(finite.mean(dtype="f8")), std=float(finite.std(dtype="f8")), median=float(np.median(finite)))
low, high = out["zscale"]
share = np.clip((data[::-1].astype("f8") - low) / (high - low), 0, 1)
stretches = {"linear": LinearStretch(), "log": LogStretch(1000), "sqrt": SqrtStretch(), "asinh": AsinhStretch(0.1)}
out["levels"] = {}
for name, stretch in stretches.items():
    levels = 1 + np.minimum(254, np.floor(255 * stretch(share.copy())))
    out["levels"][name] = [int(v) for v in np.where(np.isfinite(levels), levels, 0)[::37, ::41].ravel()]
json.dump(out, sys.stdout)
`;

describe('numbers of pictures', () => {
  it('are those of numpy and astropy', { skip: withoutPython('astropy') }, async () => {
    const dir = scratchDir();
    const path = join(dir, 'field.fits');
    const [width, height] = [1000, 900];
    const pixels = noise(width * height, 7, 3e-5);
    for (let at = 0; at < pixels.length; at += 5003) pixels[at] = 1e-3 * (1 + (at % 7));
    for (let at = 100_000; at < 220_000; at++) pixels[at] = Number.NaN;
    writeFileSync(path, Buffer.concat([header([...imageCards([width, height]), ...skyCards(600)]), floatData(pixels)]));
    const wanted = JSON.parse(await python(kScript, [path]));
    const overview = join(dir, 'overview');
    native().makeOverview({ image: { path }, file: overview });
    const found = native().overviewStatistics(overview);
    const near = (a: number, b: number, tolerance: number, what: string) =>
      assert.ok(Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b)), `${what}: ${a}, not ${b}`);
    for (const name of ['zscale', 'percentile'] as const)
      for (const side of [0, 1]) near(found.cuts?.[name][side] ?? Number.NaN, wanted[name][side], 1e-5, name);
    near(found.mean ?? Number.NaN, wanted.mean, 1e-9, 'mean');
    near(found.std ?? Number.NaN, wanted.std, 1e-9, 'std');
    near(found.median ?? Number.NaN, wanted.median, 1e-6, 'median');
    for (const stretch of kStretches) {
      const cuts = { kind: 'values', low: wanted.zscale[0], high: wanted.zscale[1] } as const;
      const request = { image: { path }, overview, maxPx: 1000, look: { stretch, cuts, colours: 'grey' as const } };
      const { data } = PNG.sync.read(native().renderPicture(request).png);
      const levels: number[] = [];
      for (let y = 0; y < height; y += 37) {
        for (let x = 0; x < width; x += 41) {
          const at = (y * width + x) * 4;
          levels.push(data[at + 3] === 0 ? 0 : 1 + Math.round(((data[at] ?? 0) * 254) / 255));
        }
      }
      const off = levels.map((level, index) => Math.abs(level - wanted.levels[stretch][index]));
      // At the border between two levels the last bit decides.
      assert.ok(Math.max(...off) <= 1, `${stretch}: ${Math.max(...off)}`);
      assert.ok(off.filter((each) => each > 0).length < off.length / 500, stretch);
    }
  });

  it('have the same names on both sides', () => {
    const dir = scratchDir();
    const path = join(dir, 'a.fits');
    writeFileSync(path, Buffer.concat([header(imageCards([16, 16])), floatData(noise(256))]));
    const draw = (stretch: string, colours: string) =>
      native().renderPicture({
        image: { path },
        maxPx: 16,
        look: { stretch, colours, cuts: { kind: 'zscale' } } as Look,
      }).png;
    for (const stretch of kStretches) for (const colours of kColourMaps) assert.ok(draw(stretch, colours).length > 100);
    assert.throws(() => draw('cube', 'grey'), { code: 'OTF_INVALID_ARGUMENT' });
    assert.throws(() => draw('log', 'rainbow'), { code: 'OTF_INVALID_ARGUMENT' });
  });
});
