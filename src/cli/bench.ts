/** `bench`: the benchmarks are in bench/, built on the whole program, and read only when one is asked for. */
import type { Command } from 'commander';

const kBenchmarks = new URL('../bench/command.js', import.meta.url).href;

const kWanting = new Set(['bench', 'completion', 'man']);

/** `args` of the command line: `bench ...`, `help bench` and descriptions of all commands need what is below it. */
export async function registerBench(root: Command, args: string[]): Promise<void> {
  const group = root.command('bench').description('measure this machine');
  if (!args.slice(0, 2).some((word) => kWanting.has(word))) return;
  const { addBenchmarks } = (await import(kBenchmarks)) as { addBenchmarks: (group: Command) => void };
  addBenchmarks(group);
}
