/** A short soak; `npm run soak -- --seconds 600` is the long one. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { soak } from './soak/soak.js';

const kSeconds = 20;
const kSeed = 20_260_207;

it(`loses nothing, does nothing twice and leaves nothing in ${kSeconds} s of everything at once (seed ${kSeed})`, async (t) => {
  const { faults, summary } = await soak(t, { seconds: kSeconds, seed: kSeed, say: (line) => t.diagnostic(line) });
  t.diagnostic(summary);
  assert.deepEqual(faults, []);
});
