/** `bench results`: how fast each result format is made, without a disk: 20000 rows into pieces of text. */
import { Bench } from 'tinybench';
import { type DetectionFormat, kDetectionFormats } from '#otf/tasks/detection/formats.js';
import { fakeRecord, resultPieces } from '#otf/test/support/records.js';

const kRows = 20_000;

export async function benchResults(): Promise<void> {
  const record = await fakeRecord({ count: kRows });
  const bench = new Bench({ time: 1000, warmupTime: 200 });
  for (const name of Object.keys(kDetectionFormats) as DetectionFormat[]) {
    if (!kDetectionFormats[name].isText) continue;
    bench.add(name, () => {
      let bytes = 0;
      for (const piece of resultPieces(record, name)) bytes += piece.length;
      return bytes;
    });
  }
  await bench.run();
  console.table(
    bench.tasks.map((task) => {
      const { result } = task;
      if (!('latency' in result)) throw new Error(`${task.name} was not measured`);
      const { p50, p99 } = result.latency;
      return {
        format: task.name,
        'median ms': p50.toFixed(1),
        'p99 ms': p99.toFixed(1),
        'rows/s': Math.round((kRows / p50) * 1000),
      };
    }),
  );
}
