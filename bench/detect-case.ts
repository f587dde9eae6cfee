/** One case of `bench detect` in a process of its own: [request, rounds] as JSON in the first argument, outcome as JSON on stdout. */
import { type BenchDetectOutcome, type DetectRequest, native } from '#otf/engine/addon.js';

async function runCase(argument: string): Promise<BenchDetectOutcome> {
  const addon = native();
  const [request, rounds] = JSON.parse(argument) as [DetectRequest, number];
  return addon.benchDetect(request, rounds);
}

try {
  process.stdout.write(JSON.stringify(await runCase(process.argv[2] ?? '[]')));
} catch (thrown) {
  process.stderr.write(`${(thrown as Error).message}\n`);
  process.exitCode = 1;
}
