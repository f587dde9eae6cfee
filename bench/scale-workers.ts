/**
 * Several workers in one process, each with its own connections, cache and simulated device (`bench scale`). Told "counts"
 * it tells what they have done and what that took of the CPUs; it ends when its parent does.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '#otf/config/load.js';
import { Front } from '#otf/run/worker/front.js';
import { Worker } from '#otf/run/worker/worker.js';
import { type Simulated, SimulatedRunner } from './simulated-runner.js';

export interface ScaleWorkers {
  server: string;
  names: string[];
  cache: string;
  device: Simulated;
}

export interface ScaleCounts {
  tiles: number;
  jobs: number;
  loads: number;
  cpuSeconds: number;
  /** Devices that have computed something. */
  begun: number;
}

const { server, names, cache, device } = JSON.parse(process.argv[2] ?? '{}') as ScaleWorkers;
const front = new Front({ server, token: async () => undefined });
const [terms, config] = [await front.terms(), await loadConfig({ env: {} })];
const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }));
const runners: SimulatedRunner[] = [];
for (const name of names) {
  const runner = new SimulatedRunner(device);
  runners.push(runner);
  const { signal } = new AbortController();
  await Worker.start({ name, config, terms, front, broker: {}, cache: join(cache, 'worker'), log, signal, runner });
}
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const sum = (of: (runner: SimulatedRunner) => number) => runners.reduce((all, runner) => all + of(runner), 0);
  const counts: ScaleCounts = {
    tiles: sum(({ counts: { tiles } }) => tiles),
    jobs: sum(({ counts: { jobs } }) => jobs),
    loads: sum(({ counts: { loads } }) => loads),
    begun: sum(({ counts: { tiles } }) => Math.sign(tiles)),
    cpuSeconds: (user + system) / 1e6,
  };
  process.send?.(counts);
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
