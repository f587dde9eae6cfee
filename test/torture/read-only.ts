/**
 * A disk becomes read-only under a server that works, and is itself again: nothing new is taken meanwhile, and what was
 * acknowledged completes. Names of files become so by a mount, what is open already, as the database is, by a shim.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { mounted, readOnlyFromNow } from '../support/disks.js';
import { field, pause, startTestServer, type TestServer, tempDir } from '../support/server.js';
import { FaultState, kShim } from '../sweeps/faults.js';
import { kSkipped } from './disk.js';
import type { Scene } from './scene.js';

const kRounds = 2;
const kJobs = 6;
/** Longer than what runs needs to come to its end. */
const kReadOnlyMs = 3000;

class Rig {
  readonly faults: string[] = [];
  readonly #server: TestServer;
  readonly #images: readonly Buffer[];
  /** The catalogue of each image. */
  #rows: string[] = [];
  /** COMPLETED. */
  readonly done: string[] = [];
  refused = 0;

  constructor(server: TestServer, images: readonly Buffer[]) {
    this.#server = server;
    this.#images = images;
  }

  async begin(): Promise<void> {
    for (const image of this.#images) {
      const id = await this.#server.submit({}, image);
      await this.#server.until(id, 'COMPLETED');
      this.#rows.push(await this.#rowsOf(id));
      this.done.push(id);
    }
  }

  async submitted(): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < kJobs; i++) ids.push(await this.#server.submit({}, this.#images[i % this.#images.length]));
    return ids;
  }

  async whileReadOnly(ids: readonly string[]): Promise<void> {
    const [server, [image], [first = '']] = [this.#server, this.#images, this.done];
    await this.#refuses('POST', server.post({}, image));
    await this.#refuses('POST without a file', server.post({}));
    await this.#refuses('DELETE', server.send(`/jobs/${first}`, { method: 'DELETE' }));
    const ready = await server.send('/healthz/ready');
    if (ready.status !== 503 || !/read-only/.test(await ready.text())) this.faults.push(`ready: ${ready.status}`);
    if ((await this.#rowsOf(first)) !== this.#rows[0]) this.faults.push('a catalogue is not given');
    await pause(kReadOnlyMs);
    for (const id of ids) {
      const { phase, error } = await server.job(id);
      if (phase === 'ERROR' || phase === 'ABORTED') this.faults.push(`${phase} meanwhile: ${error}`);
    }
    await this.#refuses('POST, later', server.post({}, image));
  }

  async afterwards(ids: readonly string[]): Promise<void> {
    const server = this.#server;
    const again = await server.submit({}, this.#images[0]);
    for (const [index, id] of [...ids, again].entries()) {
      const job = await server.until(id, 'COMPLETED').catch((thrown: Error) => {
        this.faults.push(thrown.message);
      });
      const right = this.#rows[index === ids.length ? 0 : index % this.#rows.length];
      if (job && (await this.#rowsOf(id)) !== right) this.faults.push(`${id}: another catalogue`);
      this.done.push(id);
    }
    if ((await server.send('/healthz/ready')).status !== 200) this.faults.push('it is not ready again');
  }

  async end(): Promise<void> {
    for (const id of this.done) {
      const { status } = await this.#server.send(`/jobs/${id}`, { method: 'DELETE' });
      if (status !== 303) this.faults.push(`DELETE: ${status}`);
    }
    if ((await this.#server.stop()) !== 0) this.faults.push('the server did not end well');
    const left = await readdir(join(this.#server.dataDir, 'jobs'));
    if (left.length > 0) this.faults.push(`left: ${left.join()}`);
    const internal = this.#server.log.find((line) => line.includes('internal error'));
    if (internal !== undefined) this.faults.push(internal);
  }

  get putBack(): number {
    return this.#server.log.filter((line) => line.includes('the job waits and is run again')).length;
  }

  #rowsOf(id: string): Promise<string> {
    return this.#server.text(`/jobs/${id}/results/csv`);
  }

  async #refuses(what: string, asked: Promise<Response>): Promise<void> {
    const answer = await asked;
    const text = await answer.text();
    this.refused += 1;
    if (answer.status === 503 && answer.headers.has('retry-after') && /^[^\n]*read-only[^\n]*\n$/.test(text)) return;
    this.faults.push(`${what}: ${answer.status}, Retry-After ${answer.headers.get('retry-after')}: ${text}`);
  }
}

async function begun(t: TestContext, dataDir: string): Promise<{ rig: Rig; server: TestServer; state: FaultState }> {
  const scratch = await tempDir(t);
  const state = new FaultState(scratch, { kind: 'read-only', at: 0 });
  const server = await startTestServer(t, { dataDir, env: { ...state.env, CIANNA_OTF_STORAGE_RESERVE_MB: '2' } });
  const rig = new Rig(server, [await field(scratch, 300, 1), await field(scratch, 1500, 2)]);
  await rig.begin();
  return { rig, server, state };
}

export const turnsReadOnly: Scene = async (t, { say }) => {
  if (!existsSync(kShim)) return { ...kSkipped, skipped: 'the native tests are not built' };
  const dir = mounted(t, 'size=256m');
  if (dir === undefined) return kSkipped;
  const { rig, server, state } = await begun(t, dir);
  for (let round = 0; round < kRounds; round++) {
    const ids = await rig.submitted();
    // In one round before most of it has begun, in the other while a large one runs.
    if (round > 0) await server.until(ids[1] ?? '', 'EXECUTING', 'COMPLETED');
    const writable = readOnlyFromNow(t, dir);
    if (writable === undefined) return kSkipped;
    try {
      state.arm(1);
      await rig.whileReadOnly(ids);
    } finally {
      state.arm(0);
      writable();
    }
    await rig.afterwards(ids);
    say(`  round ${round + 1}: ${rig.putBack} jobs have been put back`);
  }
  await rig.end();
  const { faults, refused, done, putBack } = rig;
  return { figures: { COMPLETED: done.length, refused, 'put back': putBack }, faults };
};
