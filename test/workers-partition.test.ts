/** A network that is cut between a server and one of its sites, and mended again. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { field, pause, type TestServer, tempDir } from './support/server.js';
import { kNoSites, makeSites } from './support/sites.js';
import { until } from './support/until.js';
import { kNoBroker, startSiteAt, TestWorker } from './support/workers.js';

const kCutMs = 10_000;

interface Worker {
  name: string;
  held: number;
  completed: number;
  lost: number;
  back: number;
}

async function workers(server: TestServer): Promise<Map<string, Worker>> {
  const state = JSON.parse(await server.text('/server')) as { workers: Worker[] };
  return new Map(state.workers.map((worker) => [worker.name, worker]));
}

describe('Sites with workers', { skip: kNoBroker ?? kNoSites }, () => {
  it('may be cut off for ten seconds: the others go on, nothing is lost, nothing ends twice', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 1000, 1);
    const { address, names, cut, join: mend } = makeSites(t, 2);
    const { server, env } = await startSiteAt(t, address);
    const hired = names.map((site, index) => new TestWorker(t, server, `w${index}`, join(dir, 'cache'), env, site));
    await Promise.all(hired.map((worker) => worker.ready()));
    const ids = await Promise.all(Array.from({ length: 40 }, () => server.submit({}, image)));
    await until(async () => ((await workers(server)).get('w0')?.held ?? 0) > 0, 'the first has no jobs', 60);
    cut(0);
    await pause(kCutMs);
    const meanwhile = async () => {
      const heard = await workers(server);
      return !heard.has('w0') && (heard.get('w1')?.completed ?? 0) > 0;
    };
    await until(meanwhile, 'who is not heard of for a lease is not gone, or the other site does not go on', 60);
    mend(0);
    await until(async () => (await workers(server)).has('w0'), 'the first is not heard of again', 60);
    const catalogues = new Set<string>();
    for (const id of ids) {
      await server.until(id, 'COMPLETED');
      catalogues.add(await server.text(`/jobs/${id}/results/csv`));
    }
    assert.equal(catalogues.size, 1);
    const after = await workers(server);
    const { lost = 0, back = 0 } = after.get('w0') ?? {};
    // Back: what was on its way there, and nobody has said to have.
    assert.ok(lost + back > 0, 'what the first had began elsewhere');
    const completed = [...after.values()].reduce((sum, each) => sum + each.completed, 0);
    assert.equal(completed, ids.length, 'each has ended once');
  });
});
