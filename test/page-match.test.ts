/** Which rows of two catalogues are one source, as the page has it: everywhere on the sky. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { build, type Rollup } from 'vite';
import { kRoot } from './support/cli.js';

interface Catalogue {
  columns: { name: string; ucd: string; type: string; values: Float64Array }[];
}

interface Page {
  positionsOf: (catalogues: [Catalogue, Catalogue]) => [unknown, unknown] | undefined;
  match: (first: unknown, second: unknown, radius: number) => { pairs: number; partner: Int32Array };
}

type Sky = [raDeg: number, decDeg: number][];

const kDegree = Math.PI / 180;
const kCount = 500;

function catalogue(rows: [number, number][], ucds = ['pos.eq.ra;meta.main', 'pos.eq.dec;meta.main']): Catalogue {
  const column = (axis: 0 | 1) => Float64Array.from(rows, (row) => row[axis]);
  return {
    columns: ([0, 1] as const).map((at) => ({ name: '', ucd: ucds[at] ?? '', type: 'double', values: column(at) })),
  };
}

/** Sources on a spiral around a place, to `halfDeg` from it, each moved along the great circle of an angle of its own. */
function field(raDeg: number, decDeg: number, halfDeg: number, moveArcsec = 0): Sky {
  const away = (from: [number, number], distanceDeg: number, angle: number): [number, number] => {
    const [ra, dec, r] = [from[0] * kDegree, from[1] * kDegree, distanceDeg * kDegree];
    const sin = Math.sin(dec) * Math.cos(r) + Math.cos(dec) * Math.sin(r) * Math.cos(angle);
    const turn = Math.atan2(Math.sin(angle) * Math.sin(r) * Math.cos(dec), Math.cos(r) - Math.sin(dec) * sin);
    return [((ra + turn) / kDegree + 360) % 360, Math.asin(sin) / kDegree];
  };
  return Array.from({ length: kCount }, (_, at) => {
    const there = away([raDeg, decDeg], halfDeg * Math.sqrt((at + 0.5) / kCount), 2.4 * at);
    return moveArcsec === 0 ? there : away(there, moveArcsec / 3600, at);
  });
}

describe('two catalogues on the page', () => {
  let page: Page;
  before(async () => {
    const entry = join(kRoot, 'src/web/table/match.ts');
    const lib = { entry, formats: ['es' as const] };
    const made = await build({ configFile: false, logLevel: 'error', build: { write: false, minify: false, lib } });
    const [{ output }] = made as [Rollup.RollupOutput];
    page = (await import(`data:text/javascript,${encodeURIComponent(output[0].code)}`)) as Page;
  });

  const pairs = (a: Catalogue, b: Catalogue, radius: number) => {
    const positions = page.positionsOf([a, b]);
    assert.ok(positions);
    const { pairs: count, partner } = page.match(...positions, radius);
    for (const [row, other] of partner.entries()) assert.ok(other === -1 || other === row, `row ${row} with ${other}`);
    return count;
  };

  for (const [ra, dec, half] of [
    ...[[10, 0, 2] as const, [0, -30, 3] as const, [359.99, 60, 10] as const],
    ...[[120, 88, 2] as const, [0.001, 89.5, 1] as const, [77, -90, 1] as const],
  ]) {
    it(`match within the radius and not beyond it around RA ${ra}, Dec ${dec}`, () => {
      const [here, moved] = [catalogue(field(ra, dec, half)), catalogue(field(ra, dec, half, 0.95))];
      assert.equal(pairs(here, moved, 1), kCount);
      assert.equal(pairs(here, moved, 0.9), 0);
      assert.equal(pairs(here, here, 1e-4), kCount);
    });
  }

  it('match by pixels where there is no sky, and rows without a place match nothing', () => {
    const xy = ['pos.cartesian.x', 'pos.cartesian.y'];
    const rows: [number, number][] = [
      [1, 1],
      [50, 2],
      [Number.NaN, 3],
    ];
    const moved: [number, number][] = [
      [2.9, 1],
      [50, 4.1],
      [Number.NaN, 3],
    ];
    assert.equal(pairs(catalogue(rows, xy), catalogue(moved, xy), 2), 1);
    assert.equal(page.positionsOf([catalogue(rows), catalogue(moved, xy)]), undefined);
  });
});
