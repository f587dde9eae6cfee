/** One scoring of `bench score` in a process of its own: the request as JSON in the first argument, the outcome on stdout. */
import { native, type Sdc1Request } from '#otf/engine/addon.js';

export interface ScoreCase {
  seconds: number;
  /** Of all threads: what else the machine does is not in it. */
  cpuSeconds: number;
  peakRssBytes: number;
  matches: number;
}

async function runCase(argument: string): Promise<ScoreCase> {
  const addon = native();
  const request = JSON.parse(argument) as Sdc1Request;
  const started = performance.now();
  const { matches } = await addon.scoreSdc1(request);
  const seconds = (performance.now() - started) / 1000;
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return { seconds, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakRssBytes: maxRSS * 1024, matches };
}

try {
  process.stdout.write(JSON.stringify(await runCase(process.argv[2] ?? '{}')));
} catch (thrown) {
  process.stderr.write(`${(thrown as Error).message}\n`);
  process.exitCode = 1;
}
