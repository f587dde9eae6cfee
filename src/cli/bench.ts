/** `bench`: the benchmarks are in bench/, built on the whole program, and read only when one is asked for. */
import type { Command } from 'commander';

const kBenchmarks = new URL('../bench/command.js', import.meta.url).href;

/** `args` of the command line: `bench ...` and `help bench` need what is below it, no other command does. */
export async function registerBench(root: Command, args: string[]): Promise<void> {
  const group = root.command('bench').description('measure this machine');
  if (!args.slice(0, 2).includes('bench')) return;
  const { addBenchmarks } = (await import(kBenchmarks)) as { addBenchmarks: (group: Command) => void };
  addBenchmarks(group);
}
