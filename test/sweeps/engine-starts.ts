/**
 * Starts an engine again and again, and each time another allocation of that fails: it is refused, or it runs and its end is told.
 * Prints how many failed. This process ends by itself: nothing of a start that failed may keep it.
 */
import { open } from 'node:fs/promises';
import { native } from '#otf/engine/addon.js';
import { arm, countsOf } from './faults.js';

const state = process.env.OTF_FAULT_STATE ?? '';
// What the engine allocates is not counted.
delete process.env.LD_PRELOAD;
const slots = await open('/dev/null');
const addon = native();

/** Resolves with its end. It has nothing to load, and says so. */
function start(at: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = { arguments: [], environment: [], slotsFd: slots.fd };
    arm(state, at);
    try {
      addon.startEngine(request, () => undefined, resolve);
    } catch (thrown) {
      reject(thrown);
    }
  });
}

let refused = 0;
for (let at = 1; ; at++) {
  await start(at).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'OTF_OUT_OF_MEMORY' && thrown.code !== 'OTF_ENGINE_UNAVAILABLE') throw thrown;
    refused += 1;
  });
  if (countsOf(state).failed === 0) break;
}
arm(state, 0);
await slots.close();
process.stdout.write(`${refused}\n`);
