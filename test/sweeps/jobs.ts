/** Jobs of a server that may end while they are asked for. */
import { pause, type TestServer } from '../support/server.js';

const kFinal = new Set(['COMPLETED', 'ERROR', 'ABORTED']);
export const kPatienceMs = 120_000;

export interface Ended {
  phase: string;
  error: string;
}

/** Its final phase; undefined when the server ended before, or says nothing more of it. */
export async function phaseOf(server: TestServer, id: string, patienceMs = kPatienceMs): Promise<Ended | undefined> {
  const end = Date.now() + patienceMs;
  while (Date.now() < end && server.child.exitCode === null && server.child.signalCode === null) {
    const job = await server.job(id).catch(() => undefined);
    if (job !== undefined && kFinal.has(job.phase)) return job;
    await pause(20);
  }
  return undefined;
}
