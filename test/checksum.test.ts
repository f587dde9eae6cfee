/** When a result carries the checksum of its image: by the request and the file, never by what was faster. */
import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isDue } from '#otf/tasks/checksum.js';
import { runCli, scratchDir } from './support/cli.js';
import { FieldImage } from './support/field-image.js';

describe('the checksum of an image', () => {
  const of = (side: number) => ({ region: { x: 0, y: 0, width: side, height: side }, bitpix: -32 });

  it('is due for small files and for a fair part of a large one', () => {
    assert.ok(isDue(1e6, of(1)));
    assert.ok(isDue(4 * 30_000 ** 2, of(30_000)));
    assert.ok(isDue(4 * 30_000 ** 2, of(7_500)));
    assert.ok(!isDue(4 * 30_000 ** 2, of(7_400)));
  });

  it('is left out of a small box of a large file, unless it is asked for', async () => {
    const dir = scratchDir();
    const field = await FieldImage.simulate(dir);
    const path = field.write('large.fits');
    // Behind the image's HDU: sparse, nothing of it is read.
    truncateSync(path, 65 * 2 ** 20);
    const run = (...options: string[]) => {
      const { code, stdout, stderr } = runCli(['detect', path, '--json', '-o', join(dir, 'o.vot'), ...options], dir);
      assert.equal(code, 0, stderr);
      return (JSON.parse(stdout) as { run: Record<string, string | number> }).run;
    };
    const left = run('--box', '1,1,100,100');
    assert.equal(left.input_sha256, undefined);
    assert.equal(left.input_size, 65 * 2 ** 20);
    assert.match(String(left.input_modified), /^\d{4}-\d\d-\d\dT.*Z$/);
    const asked = run('--box', '1,1,100,100', '--checksum');
    assert.match(String(asked.input_sha256), /^[0-9a-f]{64}$/);
    assert.equal(asked.input_size, undefined);
  });
});
