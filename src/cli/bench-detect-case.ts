/** One case of `bench detect` in a process of its own: request as JSON in the first argument, outcome as JSON on stdout. */
import type { DetectOutcome, DetectRequest } from '../engine/addon.js';
import { loadAddon } from '../engine/load.js';

export interface CaseOutcome extends Pick<DetectOutcome, 'times' | 'memory' | 'counts' | 'tiling'> {
  sources: number;
  quantization: string;
  threads: number;
}

async function runCase(argument: string): Promise<CaseOutcome> {
  const addon = await loadAddon();
  const outcome = await addon.detect(JSON.parse(argument) as DetectRequest, () => undefined);
  const { times, memory, counts, tiling, engine, catalogue } = outcome;
  return {
    times,
    memory,
    counts,
    tiling,
    sources: catalogue.count,
    quantization: engine.effective,
    threads: engine.threads,
  };
}

try {
  process.stdout.write(JSON.stringify(await runCase(process.argv[2] ?? '{}')));
} catch (thrown) {
  process.stderr.write(`${(thrown as Error).message}\n`);
  process.exitCode = 1;
}
