/** Sets of CPUs, as the kernel numbers them. */
import { readFileSync } from 'node:fs';

export type CpuSet = readonly number[];

/** `0-3+8`, also with commas as the kernel writes it; undefined for what is no list of CPUs, each once. */
export function parseCpuSet(text: string): CpuSet | undefined {
  const cpus = new Set<number>();
  for (const part of text.split(/[+,]/)) {
    const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()) ?? [];
    if (from === undefined || Number(to) < Number(from)) return undefined;
    for (let cpu = Number(from); cpu <= Number(to); cpu++) {
      if (cpus.has(cpu)) return undefined;
      cpus.add(cpu);
    }
  }
  return [...cpus].sort((a, b) => a - b);
}

/** As parseCpuSet reads it. */
export function printCpuSet(cpus: CpuSet, separator: '+' | ',' = '+'): string {
  const runs: [number, number][] = [];
  for (const cpu of cpus) {
    const last = runs.at(-1);
    if (last && last[1] === cpu - 1) last[1] = cpu;
    else runs.push([cpu, cpu]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(separator);
}

/** In equal parts of neighbours, the first ones larger by one where it does not come out even. */
export function shareCpus(cpus: CpuSet, parts: number): CpuSet[] {
  const cut = (part: number) => Math.ceil((cpus.length * part) / parts);
  return Array.from({ length: parts }, (_, part) => cpus.slice(cut(part), cut(part + 1)));
}

/** Those this process may use (proc(5), /proc/pid/status). */
export function allowedCpus(): CpuSet {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const cpus = list === undefined ? undefined : parseCpuSet(list);
  if (!cpus) throw new Error('/proc/self/status does not say which CPUs this process may use');
  return cpus;
}
