/** `preview`: pictures of images, with sources of catalogues on them, from the command line. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PNG } from 'pngjs';
import { runCli, scratchDir } from './support/cli.js';
import { floatData, header, imageCards, skyCards } from './support/fits-writer.js';
import { fakeRecord, writeResult } from './support/records.js';

const dir = scratchDir();
const side = 200;
const image = join(dir, 'field.fits');

function picture(...args: string[]): { png: PNG; stdout: string; stderr: string } {
  const out = join(dir, 'out.png');
  const { code, stdout, stderr } = runCli(['preview', image, '-o', out, ...args], dir);
  assert.equal(code, 0, stderr);
  return { png: PNG.sync.read(readFileSync(out)), stdout, stderr };
}

/** Mean place of the pixels that are not grey. */
function coloured(png: PNG): { count: number; x: number; y: number } {
  let [count, x, y] = [0, 0, 0];
  for (let at = 0; at < png.width * png.height; at++) {
    if (png.data[at * 4] === png.data[at * 4 + 1]) continue;
    count++;
    x += at % png.width;
    y += Math.floor(at / png.width);
  }
  return { count, x: x / count, y: y / count };
}

describe('preview', () => {
  before(() => {
    const pixels = Float32Array.from({ length: side * side }, (_, at) => Math.floor(at / side));
    writeFileSync(image, Buffer.concat([header([...imageCards([side, side]), ...skyCards(100)]), floatData(pixels)]));
  });

  it('draws the image, also packed, as large as asked for, up as astronomers look', () => {
    const { png, stdout } = picture('--stretch', 'linear', '--cuts', 'minmax');
    assert.deepEqual([png.width, png.height], [side, side]);
    assert.match(stdout, /200x200 pixels, one is 1 of the image/);
    assert.ok((png.data[0] ?? 0) > 250 && (png.data[(side * side - 1) * 4] ?? 9) < 5);
    assert.equal(coloured(png).count, 0);
    assert.equal(picture('--size', '100').png.width, 100);
    const tinted = picture('--colour', 'viridis', '--cuts', '5%,95%').png;
    assert.ok(coloured(tinted).count > side);
    writeFileSync(join(dir, 'field.fits.gz'), gzipSync(readFileSync(image)));
    const packed = runCli(['preview', 'field.fits.gz', '-o', 'packed.png'], dir);
    assert.equal(packed.code, 0, packed.stderr);
    assert.ok(readFileSync(join(dir, 'packed.png')).length > 100);
  });

  it('draws sources where they are: by pixels, or by positions on the sky', () => {
    writeFileSync(join(dir, 'pixels.csv'), 'x,y,width,height\n51,151,10,20\n');
    const box = coloured(picture('--catalogue', join(dir, 'pixels.csv')).png);
    assert.ok(Math.hypot(box.x - 50, box.y - 49) < 0.6, JSON.stringify(box));
    // The reference pixel (100, 100) is at 150.1, -30.2.
    writeFileSync(join(dir, 'sky.csv'), '# made by hand\r\nname,ra,dec\r\n"a ""b"", c",150.1,-30.2\r\n');
    const { png, stderr, stdout } = picture('--catalogue', join(dir, 'sky.csv'));
    const circle = coloured(png);
    assert.ok(Math.hypot(circle.x - 99, circle.y - 100) < 0.6, JSON.stringify(circle));
    assert.match(stderr, /taken as ICRS/);
    assert.match(stdout, /1 sources/);
  });

  it('reads the catalogues that are written here', async () => {
    const record = await fakeRecord({ count: 30 });
    for (const format of ['votable', 'votable-binary2', 'csv', 'fits'] as const) {
      const path = join(dir, `catalogue.${format}`);
      await writeResult(record, format, path);
      assert.match(picture('--catalogue', path).stdout, /30 sources/);
    }
  });

  it('draws positions in the frame of the image, as a CSV written here names it', () => {
    const cards = skyCards(100).filter(([name]) => name !== 'RADESYS');
    const pixels = Float32Array.from({ length: side * side }, (_, at) => Math.floor(at / side));
    const own = join(dir, 'fk5.fits');
    const frame: [string, string | number][] = [...cards, ['RADESYS', 'FK5'], ['EQUINOX', 2000]] as [string, string][];
    writeFileSync(own, Buffer.concat([header([...imageCards([side, side]), ...frame]), floatData(pixels)]));
    const drawn = (text: string) => {
      writeFileSync(join(dir, 'fk5.csv'), `ra,dec,frame\r\n150.1,-30.2,${text}\r\n`);
      return runCli(['preview', own, '-o', 'fk5.png', '--catalogue', 'fk5.csv'], dir);
    };
    const { code, stderr } = drawn('FK5 J2000');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(drawn('FK5 J1975').stderr, /positions in FK5 J1975 cannot be drawn on an image in FK5 J2000/);
  });

  it('says in one line what is wrong, and writes nothing then', () => {
    const refused = (args: string[], code: number, says: RegExp) => {
      const result = runCli(['preview', ...args], dir);
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, says);
      assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
    };
    const out = ['-o', 'no.png'];
    writeFileSync(join(dir, 'none.csv'), 'a,b\n1,2\n');
    writeFileSync(join(dir, 'bad.vot'), '<VOTABLE><RESOURCE>');
    refused([image, '--catalogue', 'none.csv', ...out], 1, /neither x and y nor ra and dec are among a, b/);
    for (const name of ['bad.vot', 'gone.csv']) refused([image, '--catalogue', name, ...out], 1, new RegExp(name));
    refused([image, '--cuts', '5,1', ...out], 2, /not below the second/);
    refused([image, '--colour', 'rainbow', ...out], 2, /rainbow/);
    refused([image, '--plane', '3', ...out], 1, /no plane 3/);
    refused([image, '-o', image], 2, /is the input itself/);
    refused([image, '-o', 'no/such/folder.png'], 1, /no such file/);
    assert.throws(() => readFileSync(join(dir, 'no.png')), /ENOENT/);
  });
});
