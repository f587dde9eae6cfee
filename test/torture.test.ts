/** Scenes of the torture that are short; `npm run torture` has all of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clock } from './torture/clock.js';
import { damage, fullDisk, readOnly } from './torture/disk.js';
import { turnsReadOnly } from './torture/read-only.js';

const kScenes = {
  'gives nobody a file of a job in which a byte has changed': damage,
  'does not start on a disk that may not be written to, and does afterwards': readOnly,
  'waits for a disk that turns read-only under it, and completes what it has acknowledged': turnsReadOnly,
  'completes what it has acknowledged on a disk that is full for a while': fullDisk,
  'does not mind who sets the clock': clock,
};
const kOptions = { seed: 20_261_128, tasks: 1, seconds: 1 };

describe('A server', () => {
  for (const [what, scene] of Object.entries(kScenes))
    it(what, async (t) => {
      const { faults, figures, skipped } = await scene(t, { ...kOptions, say: (line) => t.diagnostic(line) });
      if (skipped !== undefined) return t.skip(skipped);
      t.diagnostic(JSON.stringify(figures));
      assert.deepEqual(faults, []);
    });
});
