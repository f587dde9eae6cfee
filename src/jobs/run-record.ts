/**
 * How the run of the server before this one ended, from what it left in data_dir: jobs are to blame for ends that may be their
 * doing, and not for a kill -9 or a power cut. A run writes a line when it begins, its faults add lines (`markCrashes` of the
 * addon for signals, `fault` here for the rest), and it takes the file away when it ends in order.
 */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { refuseForDisk } from './folders.js';

/** `outside`: somebody killed it, or the machine went down. `itself`: it crashed, or had taken all memory. */
export type Ending = 'in order' | 'outside' | 'itself' | 'unknown';

export interface Before {
  ending: Ending;
  /** For people. */
  words: string;
}

const kRecord = 'run';
const kBootId = '/proc/sys/kernel/random/boot_id';
const kVmstat = '/proc/vmstat';

const begun = z.object({ pid: z.int(), boot: z.string().min(1), oomKills: z.int() });
type Begun = z.infer<typeof begun>;

export function runRecordPath(dataDir: string): string {
  return join(dataDir, kRecord);
}

/** Once a start, before any job runs: what became of the run before; and this one begins. Throws OTF_DISK_FULL, OTF_INTERNAL. */
export function beginRun(dataDir: string): Before {
  const path = runRecordPath(dataDir);
  const now = { pid: process.pid, ...machine() };
  const before = endingOf(textAt(path), now);
  try {
    writeFileSync(path, `${JSON.stringify(now)}\n`, { mode: 0o600 });
  } catch (thrown) {
    refuseForDisk(thrown);
  }
  return before;
}

/** This run ends, by a fault of its own that is no signal. */
export function runFault(dataDir: string): void {
  try {
    appendFileSync(runRecordPath(dataDir), 'fault\n', { mode: 0o600 });
  } catch {
    // Said already what the fault is; one that came before there was a folder, or because the disk is full, is this one, too.
  }
}

export function endRun(dataDir: string): void {
  rmSync(runRecordPath(dataDir), { force: true });
}

/** `text`: undefined = there was no record. */
export function endingOf(text: string | undefined, now: Omit<Begun, 'pid'>): Before {
  if (text === undefined) return { ending: 'in order', words: 'ended in order' };
  const [first = '', ...faults] = text.split('\n');
  const mark = faults.find((line) => line !== '');
  if (mark !== undefined) return { ending: 'itself', words: `crashed (${mark})` };
  const record = recordOf(first);
  if (record === undefined || record.boot !== now.boot) {
    if (record === undefined || now.boot === '') return { ending: 'unknown', words: 'ended nobody knows how' };
    return { ending: 'outside', words: 'went down with the machine' };
  }
  // Of this machine, whoever was killed: where it may have been us, it was.
  if (record.oomKills < 0 || now.oomKills !== record.oomKills) {
    return { ending: 'itself', words: 'was ended while the machine ran out of memory' };
  }
  return { ending: 'outside', words: 'was killed from outside' };
}

function recordOf(line: string): Begun | undefined {
  try {
    return begun.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** Counts of this machine (proc(5), oom_kill of vmstat: cgroups' own limits, too); '' and -1 where it does not tell. */
function machine(): Omit<Begun, 'pid'> {
  const kills = /^oom_kill (\d+)$/m.exec(textAt(kVmstat) ?? '')?.[1];
  return { boot: bootId(), oomKills: Number(kills ?? '-1') };
}

/** Another one after each start of the machine; '' = it does not say. */
export function bootId(): string {
  return (textAt(kBootId) ?? '').trim();
}

function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
