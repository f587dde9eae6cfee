/** What comes, on its way into a file. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { Landing } from '#otf/fetch/landing.js';
import { tempDir } from './service/bench.js';

describe('What is fetched', () => {
  it('is in the file in its order, from its position on, and told as far as it is', async (t) => {
    const path = `${await tempDir(t)}/file`;
    const bytes = randomBytes(40 << 20);
    const file = await open(path, 'w');
    const told: number[] = [];
    try {
      await file.write(bytes, 0, 1000, 0);
      const landing = new Landing(file.fd, 1000, (so) => told.push(so));
      for (let at = 1000; at < bytes.length; ) {
        const end = Math.min(at + 1 + (at % 65_536), bytes.length);
        await landing.add(bytes.subarray(at, end));
        at = end;
      }
      await landing.end();
    } finally {
      await file.close();
    }
    assert.ok((await readFile(path)).equals(bytes));
    assert.deepEqual(
      told,
      [...told].sort((one, two) => one - two),
    );
    assert.equal(told.at(-1), bytes.length);
  });

  it('is refused with the reason of the system, also by who only waits for the end', async () => {
    const full = await open('/dev/full', 'w');
    try {
      const landing = new Landing(full.fd, 0, () => assert.fail('nothing was written'));
      assert.equal(landing.add(Buffer.alloc(10)), undefined);
      await assert.rejects(landing.end(), { code: 'ENOSPC' });
      await assert.rejects(async () => landing.add(Buffer.alloc(8 << 20)), { code: 'ENOSPC' });
    } finally {
      await full.close();
    }
  });
});
