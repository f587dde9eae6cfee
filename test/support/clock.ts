/** The wall clock of a server that is started with it (native/faults), set by its test. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kRoot } from './cli.js';

/** Built with the native tests. */
export const kClockLibrary = join(kRoot, 'build/native-tests/libotf_clock.so');
export const kNoClock = existsSync(kClockLibrary) ? false : 'the native tests are not built';

export class WallClock {
  readonly #state: string;
  /** From the true time. */
  offsetMs = 0;

  private constructor(state: string) {
    this.#state = state;
  }

  static async in(dir: string): Promise<WallClock> {
    const state = join(dir, 'clock');
    await writeFile(state, Buffer.alloc(8));
    return new WallClock(state);
  }

  get env(): Record<string, string> {
    return { LD_PRELOAD: kClockLibrary, OTF_CLOCK_STATE: this.#state };
  }

  async set(byMs: number): Promise<void> {
    this.offsetMs += byMs;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(this.offsetMs));
    // The same file: it is mapped.
    await writeFile(this.#state, bytes, { flag: 'r+' });
  }
}
