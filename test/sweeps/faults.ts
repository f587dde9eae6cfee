/** One write, sync or allocation that fails (native/faults), counted over a program and all that it starts. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { kRoot } from '../support/cli.js';

/** `read-only` has no number: 1 = every write fails, 0 = none. */
export type FaultKind = 'write' | 'sync' | 'allocation' | 'read-only';

export interface Fault {
  kind: FaultKind;
  /** Which one, from 1 on; 0: none. */
  at: number;
  /** All that follow, too. */
  lasting?: boolean;
}

/** Built with the native tests. */
export const kShim = join(kRoot, 'build/native-tests/libotf_faults.so');
const kStateBytes = 256;
/** Which one fails, and where it was asked for (native/faults/faults.cpp). */
const [kAt, kWhere] = [16, 24];

function begun(at: number): Buffer {
  const bytes = Buffer.alloc(kStateBytes);
  bytes.writeBigUInt64LE(BigInt(at), kAt);
  return bytes;
}

/** Counts anew, also under a program that runs, and lets another one fail. `file`: its OTF_FAULT_STATE. */
export function arm(file: string, at: number): void {
  const descriptor = openSync(file, 'r+');
  // At once: programs have it mapped.
  writeSync(descriptor, begun(at));
  closeSync(descriptor);
}

/** How many there were, and how many of them failed. */
export function countsOf(file: string): { seen: number; failed: number } {
  const bytes = readFileSync(file);
  return { seen: Number(bytes.readBigUInt64LE(0)), failed: Number(bytes.readBigUInt64LE(8)) };
}

export class FaultState {
  readonly folder: string;
  readonly env: Record<string, string>;

  get #file(): string {
    return join(this.folder, 'state');
  }

  /** A folder of its own below `scratch`. */
  constructor(scratch: string, { kind, at, lasting }: Fault) {
    this.folder = mkdtempSync(join(scratch, `${kind}-${at}-`));
    const file = this.#file;
    writeFileSync(file, begun(at));
    this.env = { LD_PRELOAD: kShim, OTF_FAULT_KIND: kind, OTF_FAULT_STATE: file };
    if (lasting) this.env.OTF_FAULT_LASTING = '1';
  }

  arm(at: number): void {
    arm(this.#file, at);
  }

  get counts(): { seen: number; failed: number } {
    return countsOf(this.#file);
  }

  /** What asked for what failed. */
  get where(): string {
    return readFileSync(this.#file).subarray(kWhere).toString('latin1').replace(/\0.*$/s, '');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `work` on every item, so many at once; what each gave, without what is undefined. */
export async function inTurns<Item, Value>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Value | undefined>,
): Promise<Value[]> {
  const found: Value[] = [];
  let next = 0;
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      const value = await work(item);
      if (value !== undefined) found.push(value);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return found;
}
