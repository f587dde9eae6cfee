/**
 * Is this process running out of descriptors? Libraries say "cannot open" whatever the reason was, and by the time one
 * asks others may have closed theirs: so what is asked is whether there are enough.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isShortage } from '../errors/catalogue.js';

/** An engine and what is opened for its first pass take about a dozen. */
const kEnough = 16;

/** Node raises it to the most it may be at its start. Infinite where there is no /proc to say so. */
export function descriptorLimit(): number {
  if (!existsSync('/proc/self/limits')) return Number.POSITIVE_INFINITY;
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

/** Undefined = there are enough. To be asked right after a failure. */
export function descriptorShortage(): unknown {
  try {
    const open = readdirSync('/proc/self/fd').length;
    if (open + kEnough <= descriptorLimit()) return undefined;
  } catch (thrown) {
    return isShortage(thrown) ? thrown : undefined;
  }
  return Object.assign(new Error('few descriptors are left'), { code: 'EMFILE' });
}
