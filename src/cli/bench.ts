/** `bench`: the benchmarks are in bench/, built on the whole program, and read only when one is asked for. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';

const kBenchmarks = new URL('../bench/command.js', import.meta.url);

const kWanting = new Set(['bench', 'completion', 'man']);

/** `args` of the command line: `bench ...`, `help bench` and descriptions of all commands need what is below it. */
export async function registerBench(root: Command, args: string[]): Promise<void> {
  // The package (scripts/package) is without: they run programs and compilers of a checkout.
  if (!existsSync(fileURLToPath(kBenchmarks))) return;
  const group = root.command('bench').description('measure this machine');
  if (!args.slice(0, 2).some((word) => kWanting.has(word))) return;
  const { addBenchmarks } = (await import(kBenchmarks.href)) as { addBenchmarks: (group: Command) => void };
  addBenchmarks(group);
}
