/**
 * Asks how a job stands, again and again, from a thread of its own: what a busy load generator takes to hear an answer is
 * not in its times. `workerData`: {url, everyMs}; told an id: asks for that one from then on; told null: answers with the
 * times in milliseconds and ends.
 */
import { Agent, get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const { url, everyMs } = workerData as { url: string; everyMs: number };
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let id: string | undefined;
let over = false;
parentPort?.on('message', (told: string | null) => {
  if (told === null) over = true;
  else id = told;
});

const times: number[] = [];
while (!over) {
  if (id !== undefined) {
    const before = performance.now();
    await phase(id);
    times.push(performance.now() - before);
  }
  await pause(everyMs);
}
agent.destroy();
parentPort?.postMessage(times);
parentPort?.close();

function phase(of: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(new URL(`/jobs/${of}/phase`, url), { agent }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`phase: ${answer.statusCode}`));
      answer.resume().on('end', resolve).on('error', reject);
    }).on('error', reject);
  });
}
