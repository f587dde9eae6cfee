/** What the dashboard is made of, without a terminal. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { emulate, readEmulation } from '#otf/dashboard/emulate.js';
import { followServer } from '#otf/dashboard/feed.js';
import { Model } from '#otf/dashboard/model.js';
import { viewOfServer } from '#otf/dashboard/server-view.js';
import { machineLines } from '#otf/dashboard/views/machine.js';
import { age, bytes, queueLine, sparkline, standing, timeOf } from '#otf/dashboard/words.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { kRoot } from './support/cli.js';
import { atEnd } from './support/endings.js';

function job(id: string, more: object = {}) {
  return { id, href: `/jobs/${id}`, phase: 'QUEUED', creationTime: `2026-01-01T00:00:0${id.slice(-1)}.000Z`, ...more };
}

describe('what the dashboard knows', () => {
  it('follows jobs through events, the newest first, and forgets those that are deleted', () => {
    const model = new Model();
    model.replaceJobs([job('j1'), job('j2', { ownerId: 'eve' })]);
    model.event('job', job('j3', { phase: 'EXECUTING' }), 0);
    model.event('progress', { jobId: 'j3', done: 2, total: 4, unit: 'tiles' }, 0);
    model.event('progress', { jobId: 'unknown', done: 2, total: 4, unit: 'tiles' }, 0);
    assert.deepEqual(
      model.shown.map(({ id }) => id),
      ['j3', 'j2', 'j1'],
    );
    assert.deepEqual(model.job('j3')?.progress, { done: 2, total: 4, unit: 'tiles' });
    model.event('job', { id: 'j1', phase: 'DELETED' }, 0);
    model.nextPhase();
    assert.equal(model.phase, 'active');
    model.nextPhase();
    assert.deepEqual(
      model.shown.map(({ id }) => id),
      ['j3'],
    );
    model.phase = 'all';
    model.nextOwner();
    assert.deepEqual([model.owner, model.shown.length], ['', 1]);
    model.nextOwner();
    assert.deepEqual([model.owner, model.shown[0]?.id], ['eve', 'j2']);
    model.nextOwner();
    assert.deepEqual([model.owner, model.shown.length], [undefined, 2]);
  });

  it('keeps no more than a terminal can ever show', () => {
    const model = new Model();
    for (let count = 0; count < 2500; count++) {
      model.event('job', job(`j${count}`, { creationTime: new Date(count).toISOString() }), count);
      model.event('server', { itemsPerSecond: count }, count);
    }
    assert.deepEqual([model.jobs, model.log.length, model.rates.length], [2000, 500, 120]);
    assert.equal(model.job('j499'), undefined);
  });

  it('lets nothing of others reach the terminal that it would obey', () => {
    const model = new Model();
    const evil = '\u001b[2Ja\u009b31m\u0007';
    const found = { count: 1, rows: evil };
    model.event(
      'job',
      job('j1', { image: evil, error: evil, runId: evil, found, batch: { id: 'b', size: 1, reason: evil } }),
      0,
    );
    model.event('log', { jobId: 'j1', level: evil, message: evil, timeMs: 1 }, 0);
    const queues = [{ key: evil, why: evil }];
    model.event(
      'server',
      { software: { version: evil }, queues, gpus: [{ name: evil }], devices: [{ name: evil }] },
      0,
    );
    model.lost(0, evil);
    assert.doesNotMatch(
      JSON.stringify([model.shown, model.log, model.server, model.connection]),
      /\\u00(1b|07|9b)|\u009b/,
    );
    for (const odd of [null, 7, 'x', [], { jobs: 3, devices: 'x', queues: { a: 1 } }]) {
      for (const type of ['server', 'job', 'progress', 'log', 'other']) model.event(type, odd, 0);
    }
  });
});

describe('how the dashboard words it', () => {
  it('numbers, times, queues and bars', () => {
    assert.equal(sparkline([0, 1, 2, 4], 6), '  ▁▃▅█');
    assert.equal(sparkline([0, 0], 2), '▁▁');
    assert.deepEqual([bytes(999), bytes(25444596), bytes(1.5e12)], ['999 B', '25.4 MB', '1.50 TB']);
    assert.deepEqual([age(5000), age(200_000), age(7_500_000), age(3e8)], ['5 s', '3 min', '2 h 5 min', '3 d 11 h']);
    const line = { key: 'k', waiting: 3, batch: 3, why: 'busy', oldestMs: 0, leavesMs: 2200 };
    assert.equal(queueLine(line, 8, 1000), '3 wait; 3 of 8 within 1.20 s, devices busy');
    assert.equal(queueLine({ ...line, why: 'newer' }, 8, 3000), '3 wait; 3 of 8, newer');
    const executing = { ...job('j1'), phase: 'EXECUTING', progress: { done: 1, total: 4, unit: 'tiles' } };
    assert.equal(standing(executing, 8), '██░░░░░░ 1/4');
    const ended = { ...job('j1'), startTime: '2026-01-01T00:00:00Z', endTime: '2026-01-01T00:00:01.500Z' };
    assert.deepEqual([timeOf(ended, 0), timeOf(job('j1'), Date.parse('2026-01-01T00:02:01Z'))], ['1.50 s', '2 min']);
  });
});

describe('what the dashboard shows of workers', () => {
  it('says what each has and what became of jobs there, and that there is none', () => {
    const lines = (workers: unknown) =>
      machineLines(viewOfServer({ workers, queues: [] }), 0).map(
        ({ head, text, bad }) => `${bad ? '!' : ''}${head}: ${text}`,
      );
    const counts = { held: 2, completed: 9, lost: 0, swept: 0, back: 0, refused: 0 };
    const one = { name: 'w1', node: 'n1', leaving: false, keys: ['m/FP32'], ...counts };
    const two = { ...one, name: 'w2', leaving: true, keys: [], held: 0, lost: 3, swept: 1, back: 2, refused: 4 };
    assert.deepEqual(lines([one, two]).slice(1), [
      'worker w1: on n1: has 2, 9 completed; m/FP32',
      '!worker w2: on n1, ends: has 0, 9 completed, 3 lost (1 not known there), 2 given back, 4 refused; no network',
    ]);
    assert.deepEqual(lines([]).slice(1), ['!workers: none is heard of: jobs wait']);
    assert.deepEqual(lines(undefined).slice(1), []);
  });
});

describe('an emulated load', () => {
  const spec = { image: 'a.fits', model: '', jobs: 4, intervalS: 0, abortProbability: 0.5 };

  it('sends so many jobs, aborts its share, and waits while the server is full', async () => {
    const aborted: string[] = [];
    const chances = [0.1, 0, 0.9, 0.2, 0, 0.8];
    let calls = 0;
    const actions = {
      submit: async () => {
        if (++calls === 2) throw new OtfError('OTF_SERVER_ANSWER', 'the server answered 503: queue holds 9 of 9 jobs');
        return `j${calls}`;
      },
      abort: async (id: string) => {
        aborted.push(id);
      },
    };
    const line = await emulate(
      spec,
      actions,
      new AbortController().signal,
      () => undefined,
      () => chances.shift() ?? 1,
    );
    assert.equal(line, 'emulation done: 4 of 4 jobs sent, 2 aborted, 1 times the server was full');
    assert.deepEqual(aborted, ['j1', 'j4']);
  });

  it('ends when something else is refused, and reads its form with care', async () => {
    const refusing = {
      submit: () => Promise.reject(new OtfError('OTF_NOT_FOUND', 'none')),
      abort: async () => undefined,
    };
    await assert.rejects(
      emulate(spec, refusing, new AbortController().signal, () => undefined),
      /none/,
    );
    const given = { image: ' a.fits ', model: 'm', jobs: '3', 'interval s': '0.5', 'abort probability': '1' };
    assert.deepEqual(readEmulation(given), {
      image: 'a.fits',
      model: 'm',
      jobs: 3,
      intervalS: 0.5,
      abortProbability: 1,
    });
    for (const [name, value] of [
      ['jobs', '0'],
      ['jobs', '1.5'],
      ['jobs', ''],
      ['interval s', '-1'],
      ['abort probability', '2'],
      ['image', ' '],
    ] as const)
      assert.throws(() => readEmulation({ ...given, [name]: value }), new RegExp(`^OtfError: ${name}: `));
  });
});

async function listen(
  t: TestContext,
  answer: (response: ServerResponse) => void,
): Promise<{ server: Server; url: string }> {
  const server = createServer((_, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events` };
}

describe('the feed of the dashboard', () => {
  it('reads events however they are cut, and connects again when it is cut off', async (t) => {
    let connections = 0;
    const { url } = await listen(t, (response) => {
      connections++;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': listening\n\nevent: jo');
      setTimeout(() => response.end('b\ndata: {"id":"π"}\n\nevent: log\ndata: {}\n\n'), 20);
    });
    const told: string[] = [];
    const ending = new AbortController();
    await followServer((signal) => fetch(url, { signal }), ending.signal, {
      connected: () => told.push('connected'),
      event: (type, data) => told.push(`${type} ${JSON.stringify(data)}`),
      lost: (reason) => {
        told.push(reason);
        if (connections === 2) ending.abort();
      },
    });
    const once = ['connected', 'job {"id":"π"}', 'log {}', 'the server has ended the connection'];
    assert.deepEqual(told, [...once, ...once]);
  });

  it('says why there is none, and takes nothing for a server that is none', async (t) => {
    const reasons: string[] = [];
    const follow = async (url: string) => {
      const ending = new AbortController();
      const lost = (reason: string) => {
        reasons.push(reason);
        ending.abort();
      };
      await followServer((signal) => fetch(url, { signal }), ending.signal, {
        connected: () => undefined,
        event: () => undefined,
        lost,
      });
    };
    const closed = await listen(t, () => undefined);
    await new Promise((resolve) => closed.server.close(resolve));
    await follow(closed.url);
    await follow((await listen(t, (response) => response.writeHead(503).end('5000 requests wait already\n'))).url);
    await follow((await listen(t, (response) => response.end('<html>'))).url);
    const bad = await listen(t, (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('event: x\ndata: {half\n\n');
    });
    await follow(bad.url);
    assert.deepEqual(reasons, [
      'connection refused',
      'it answers 503: 5000 requests wait already',
      'it is no server of ours',
      'it is no server of ours',
    ]);
  });
});

describe('cianna-otf dashboard', () => {
  it('is refused without a terminal, with what is there for programs', () => {
    const { status, stderr } = spawnSync(process.execPath, ['bin/cianna-otf.js', 'dashboard'], {
      cwd: kRoot,
      encoding: 'utf8',
    });
    assert.deepEqual([status, /needs a terminal/.test(stderr)], [2, true]);
  });
});
