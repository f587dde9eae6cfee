/** Several devices on one machine: sets of CPUs, each with engine processes of its own. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { allowedCpus, printCpuSet, shareCpus } from '#otf/engine/cpu-sets.js';
import { crashModels } from './support/crash-models.js';
import { floatData, header, imageCards, noise, skyCards } from './support/fits-writer.js';
import { field, startTestServer, type TestServer, tempDir } from './support/server.js';

const kSide = 256;
const skip = allowedCpus().length < 2 ? 'this machine has one CPU' : false;

/** One tile, at whose first value the debug engine hangs (native/engine/host/crash_engine.h), or does not. */
function image(first: number): Buffer {
  const pixels = noise(kSide * kSide);
  pixels[0] = first;
  return Buffer.concat([header([...imageCards([kSide, kSide]), ...skyCards(128)]), floatData(pixels)]);
}

/** The CPUs of each engine process, as the kernel has them. */
async function cpusOfEngines(server: TestServer): Promise<string[]> {
  const lists: string[] = [];
  for (const pid of await server.engines()) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    if (/^Name:\s+otf-engine$/m.test(status)) lists.push(/^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1] ?? '');
  }
  return lists.sort();
}

describe('Two sets of CPUs', { skip }, () => {
  const sets = shareCpus(allowedCpus(), 2);
  const names = sets.map((set) => `cpu:${printCpuSet(set)}`);

  it('have engines of their own that keep to them, and one goes on while the other is busy', async (t) => {
    const env = {
      OTF_DEBUG_ENGINES: '1',
      CIANNA_OTF_ENGINE_DEFAULT: 'crash',
      CIANNA_OTF_ENGINE_DEVICES: 'cpu, cpu',
      CIANNA_OTF_SERVER_SHUTDOWN_S: '1',
    };
    const server = await startTestServer(t, { models: await crashModels(t), env });
    const hanging = await server.submit({}, image(3e30));
    await server.until(hanging, 'EXECUTING');
    for (let i = 0; i < 3; i++) await server.until(await server.submit({}, image(0)), 'COMPLETED');
    assert.equal((await server.job(hanging)).phase, 'EXECUTING');
    assert.deepEqual(await cpusOfEngines(server), sets.map((set) => printCpuSet(set, ',')).sort());
    const metrics = await server.text('/metrics');
    for (const name of names) assert.ok(metrics.includes(`device="${name}"`), name);
    const note = await server.text('/availability');
    for (const name of names) assert.ok(note.includes(name), note);
    assert.equal(await server.stop('SIGTERM'), 0);
  });

  it('give what one device gives', async (t) => {
    const pixels = await field(await tempDir(t), 700, 5);
    const one = await startTestServer(t);
    const single = await one.until(await one.submit({}, pixels), 'COMPLETED');
    const expected = await one.text(`/jobs/${single.id}/results/csv`);
    const two = await startTestServer(t, { env: { CIANNA_OTF_ENGINE_DEVICES: `${names[0]},${names[1]}` } });
    const ids = await Promise.all(Array.from({ length: 12 }, () => two.submit({}, pixels)));
    for (const id of ids) {
      await two.until(id, 'COMPLETED');
      assert.equal(await two.text(`/jobs/${id}/results/csv`), expected);
    }
    assert.equal((await cpusOfEngines(two)).length, 2, 'both were used');
  });
});
