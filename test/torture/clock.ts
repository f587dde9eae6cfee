/** Somebody sets the wall clock while jobs run: none of them is lost, ended early or waited for in vain. */
import { join } from 'node:path';
import { kNoClock, WallClock } from '../support/clock.js';
import { field, startTestServer, type TestServer, tempDir } from '../support/server.js';
import type { Scene } from './scene.js';

const kHourMs = 3_600_000;
/** Less than results are kept, in sum. */
const kJumpsMs = [kHourMs, -2 * kHourMs, 24 * kHourMs, -48 * kHourMs, 3000, -3000, 36 * kHourMs];

/** Whether it is another time there at all. */
async function unset(server: TestServer, offsetMs: number): Promise<string[]> {
  const { xml } = await server.job(await server.submit({ PHASE: '' }));
  const createdMs = Date.parse(/<uws:creationTime>([^<]+)</.exec(xml)?.[1] ?? '');
  return Math.abs(createdMs - Date.now() - offsetMs) < offsetMs / 2 ? [] : ['the clock of the server was not set'];
}

export const clock: Scene = async (t, { say }) => {
  if (kNoClock) return { figures: {}, faults: [], skipped: kNoClock };
  const dir = await tempDir(t);
  const wall = await WallClock.in(dir);
  const [small, large] = [await field(dir, 300, 1), await field(dir, 2000, 2)];
  const server = await startTestServer(t, { dataDir: join(dir, 'data'), env: wall.env });
  const faults: string[] = [];
  const rows = new Map<Buffer, string>();
  let jobs = 0;
  for (const jumpMs of [0, ...kJumpsMs]) {
    // It may take ten minutes: less than any jump, and far more than it takes.
    const asked = { EXECUTIONDURATION: '600' };
    const ids = [await server.submit(asked, large), await server.submit(asked, small), await server.submit({}, small)];
    const waited = server.send(`/jobs/${ids[1]}?WAIT=60`).then((answer) => answer.text());
    await wall.set(jumpMs);
    if (jumpMs === kHourMs) faults.push(...(await unset(server, wall.offsetMs)));
    for (const [index, id] of ids.entries()) {
      const image = index === 0 ? large : small;
      const job = await server.until(id, 'COMPLETED').catch((thrown: Error) => {
        faults.push(`a jump of ${jumpMs / 1000} s: ${thrown.message}`);
      });
      if (!job) continue;
      const found = await server.text(`/jobs/${id}/results/csv`);
      if (found !== (rows.get(image) ?? found)) faults.push(`a jump of ${jumpMs / 1000} s: another catalogue`);
      rows.set(image, found);
      jobs += 1;
    }
    if (!(await waited).includes(ids[1] ?? '')) faults.push(`a jump of ${jumpMs / 1000} s: WAIT was not answered`);
    say(`  ${jumpMs / 1000} s`);
  }
  const code = await server.stop();
  if (code !== 0) faults.push(`the server ended with ${code}`);
  return { figures: { jumps: kJumpsMs.length, jobs, COMPLETED: jobs }, faults };
};
