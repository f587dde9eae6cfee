/** Engines that stand still (SIGSTOP), idle or in the middle of their work: they are ended, and nobody notices. */
import { join } from 'node:path';
import { field, isRunning, pause, startTestServer, type TestServer, tempDir } from '../support/server.js';
import type { Scene } from './scene.js';

/** Longer than any pass takes on a busy machine. */
const kEnv = { CIANNA_OTF_ENGINE_HANG_S: '2' };
const kRounds = 3;

/** Gives who was stopped. */
async function stopAll(server: TestServer): Promise<number[]> {
  const pids = await server.engines();
  for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGSTOP');
  return pids;
}

export const engines: Scene = async (t, { say }) => {
  const dir = await tempDir(t);
  const images = [await field(dir, 300, 1), await field(dir, 2500, 2)];
  const server = await startTestServer(t, { dataDir: join(dir, 'data'), env: kEnv });
  const faults: string[] = [];
  const rows: string[] = [];
  for (const image of images) {
    const id = await server.submit({}, image);
    await server.until(id, 'COMPLETED');
    rows.push(await server.text(`/jobs/${id}/results/csv`));
  }
  let [stopped, completed] = [0, 0];
  for (let round = 0; round < kRounds; round++) {
    const pids = round % 2 === 0 ? await stopAll(server) : [];
    const ids = await Promise.all(
      [1, 0, 0].map(async (index) => ({ index, id: await server.submit({}, images[index]) })),
    );
    if (round % 2 === 1) {
      await server.until(ids[0]?.id ?? '', 'EXECUTING', 'COMPLETED');
      pids.push(...(await stopAll(server)));
    }
    stopped += pids.length;
    for (const { index, id } of ids) {
      const job = await server.until(id, 'COMPLETED', 'ERROR');
      if (job.phase !== 'COMPLETED') faults.push(`${id} is ${job.phase}: ${job.error}`);
      else if ((await server.text(`/jobs/${id}/results/csv`)) !== rows[index]) faults.push(`${id}: another catalogue`);
      else completed += 1;
    }
    // One that had nothing to do any more may stand there until it is asked for something.
    for (let i = 0; i < 100 && pids.some(isRunning); i++) {
      await server.until(await server.submit({}, images[0]), 'COMPLETED');
      await pause(50);
    }
    if (pids.some(isRunning)) faults.push('an engine that stands still is kept');
    say(`  round ${round + 1}: ${pids.length} engines stopped`);
  }
  const code = await server.stop();
  if (code !== 0) faults.push(`the server ended with ${code}`);
  return { figures: { 'engines stopped': stopped, COMPLETED: completed }, faults };
};
