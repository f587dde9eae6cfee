/** What time does to jobs: by a clock that nobody sets, but for what an earlier server began. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import type { Job } from '#otf/jobs/job.js';
import { Sweeper, type SweeperParts } from '#otf/jobs/sweeper.js';

const kHourMs = 3_600_000;

/** The jobs that are there are `active`, each may be executed for half an hour; gives the ids of those whose time is over. */
function swept(
  active: Pick<Job, 'id' | 'startedMs'>[],
  idle: (id: string) => boolean = () => false,
): { sweeper: Sweeper; expired: string[] } {
  const expired: string[] = [];
  const jobs = () => active.map((job) => ({ ...job, phase: 'EXECUTING', executionDurationS: 1800 }));
  const parts = {
    store: { active: jobs, due: () => [], keepUsage: () => undefined, keepReserve: () => undefined },
    folders: { readOnly: false },
    log: pino({ level: 'silent' }),
    orphanMs: kHourMs,
    remove: async () => undefined,
    idle,
    expire: async (id: string) => expired.push(id),
  } as unknown as SweeperParts;
  return { sweeper: new Sweeper(parts), expired };
}

/** One sweep, to its end. */
async function sweep(t: TestContext): Promise<void> {
  t.mock.timers.tick(250);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('The duration of a job', () => {
  it('is not changed by a wall clock that is set, from the first moment of a server on', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1e12 });
    const active: Pick<Job, 'id' | 'startedMs'>[] = [];
    const { sweeper, expired } = swept(active);
    active.push({ id: 'first', startedMs: Date.now() });
    t.mock.timers.setTime(Date.now() + kHourMs);
    await sweep(t);
    active.push({ id: 'later', startedMs: Date.now() });
    await sweep(t);
    t.mock.timers.setTime(Date.now() + kHourMs);
    await sweep(t);
    sweeper.stop();
    assert.deepEqual(expired, []);
  });

  it('goes on for what a worker began under the server before', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1e12 });
    const { sweeper, expired } = swept([
      { id: 'long ago', startedMs: Date.now() - kHourMs },
      { id: 'just now', startedMs: Date.now() - 1000 },
    ]);
    await sweep(t);
    sweeper.stop();
    assert.deepEqual(expired, ['long ago']);
  });

  it('is what is done for it: fetching and running, and not the wait between them', async (t) => {
    let nowMs = 0;
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1e12 });
    t.mock.method(performance, 'now', () => nowMs);
    const waiting = new Set<string>();
    const active: Pick<Job, 'id' | 'startedMs'>[] = [];
    const { sweeper, expired } = swept(active, (id) => waiting.has(id));
    const pass = async (minutes: number) => {
      nowMs += minutes * 60_000;
      await sweep(t);
      return [...expired];
    };
    active.push({ id: 'far', startedMs: Date.now() }, { id: 'other', startedMs: Date.now() });
    await pass(0);
    assert.deepEqual(await pass(20), []);
    waiting.add('far');
    assert.deepEqual(await pass(20), ['other']);
    active.pop();
    assert.deepEqual(await pass(600), ['other']);
    waiting.clear();
    assert.deepEqual(await pass(9), ['other']);
    assert.deepEqual(await pass(2), ['other', 'far']);
    sweeper.stop();
  });
});
