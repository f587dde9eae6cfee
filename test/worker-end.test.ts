/** How a worker ends whose server is not there. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { loadConfig } from '#otf/config/load.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { giveSubject, kExecuting } from '#otf/run/remote/messages.js';
import type { Answerer, Switchboard } from '#otf/run/remote/switchboard.js';
import type { Terms } from '#otf/run/remote/terms.js';
import type { RunHost } from '#otf/run/runner.js';
import type { Front } from '#otf/run/worker/front.js';
import { Worker, type WorkerParts } from '#otf/run/worker/worker.js';
import { tempDir } from './support/server.js';
import { job } from './support/worker-rig.js';

/** Has whatever it is given until it is stopped. */
function endlessRunner() {
  let host: RunHost | undefined;
  const jobs: string[] = [];
  const place = { name: 'cpu', tier: 0, hungry: true, busy: false, full: false, takes: () => true, holds: () => false };
  const runner = {
    ...{ environment: {}, stuck: 0, needsFetching: () => false, room: () => [place] },
    start: async (its: RunHost) => {
      host = its;
    },
    begin: async (batch: { jobs: { id: string }[] }) => {
      for (const { id } of batch.jobs) {
        jobs.push(id);
        await host?.executing(id, {});
      }
    },
    ...{ abort: () => undefined, state: () => ({ devices: [], gpus: [], itemsPerSecond: 0 }) },
    stop: async () => {
      for (const id of jobs) await host?.requeued(id);
    },
    close: async () => undefined,
  };
  return { runner: runner as unknown as NonNullable<WorkerParts['runner']>, jobs };
}

describe('A worker that is told to end', () => {
  it('ends also when nobody answers what it says of its jobs, and leaves nothing behind', async (t) => {
    const cache = await tempDir(t);
    const answerers = new Map<string, Answerer>();
    let there = true;
    let asked = 0;
    const board = {
      ...{ tell: () => undefined, hear: () => undefined, watch: () => undefined, close: async () => undefined },
      ask: async (subject: string) => {
        asked++;
        if (there && subject === kExecuting) return { go: true, startedMs: 1, log: [], baseUrl: '' };
        await pause(5);
        throw new OtfError('OTF_SERVER_UNREACHABLE', 'nobody answers');
      },
      answer: (subject: string, answerer: Answerer) => answerers.set(subject, answerer),
    } as unknown as Switchboard;
    const terms = {
      leaseMs: 1000,
      maxBatch: 1,
      models: [],
      digest: 'd',
      detection: {},
      broker: {},
    } as unknown as Terms;
    const { runner, jobs } = endlessRunner();
    const worker = await Worker.start({
      ...{ name: 'one', config: await loadConfig({ env: {} }), terms, front: {} as Front, broker: {}, cache, runner },
      ...{ log: pino({ level: 'silent' }), signal: new AbortController().signal, connect: async () => board },
    });
    const batch = { id: 'b', key: 'm/FP32', reason: 'idle', startedMs: 0, size: 1 };
    const order = { job: job('a'), attempt: 'x'.repeat(8), device: 'cpu', batch, number: 1 };
    assert.deepEqual(await answerers.get(giveSubject('one'))?.(order), { taken: true });
    while (jobs.length === 0) await pause(5);
    there = false;
    await worker.stop(10);
    const before = asked;
    await pause(700);
    assert.equal(asked, before, 'it asks for nothing any more');
    assert.deepEqual(existsSync(join(cache, 'jobs')) ? readdirSync(join(cache, 'jobs')) : [], []);
  });
});
