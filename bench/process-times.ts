/** What processes have taken of the CPUs, by /proc. */
import { readdir, readFile } from 'node:fs/promises';

/** Of a tick of /proc: a constant of the interface (USER_HZ). */
const kTicksPerS = 100;

/** Seconds of CPU, all threads; 0 = it is gone. */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = await fieldsOf(pid);
  return (Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)) / kTicksPerS;
}

/** Children of a process whose program has this name. */
export async function childrenOf(parent: number, name: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const fields = await fieldsOf(pid);
    if (Number(fields?.[1]) !== parent) continue;
    const program = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (program.trim() === name) found.push(pid);
  }
  return found;
}

/** Of the machine: seconds its CPUs had nothing to do, and all of them. */
export async function machineSeconds(): Promise<{ idle: number; all: number }> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return { idle: idle / kTicksPerS, all: ticks.reduce((sum, each) => sum + each, 0) / kTicksPerS };
}

/** What follows the name of the program, which may have blanks in it (proc_pid_stat(5)). */
async function fieldsOf(pid: number): Promise<string[] | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}
