/** Many jobs, long lists, deletions beside everything, a lost database: what is kept must not be a burden or get lost. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { JobStore } from '#otf/jobs/store.js';
import { bench, kImage, tempDir } from './service/bench.js';
import { rawExchange, rawSocket } from './service/raw.js';
import { storedJob } from './support/stored-job.js';
import { until } from './support/until.js';

/** A data folder with so many finished jobs. */
async function historyOf(t: TestContext, jobs: number): Promise<string> {
  const dataDir = await tempDir(t);
  const store = new JobStore(dataDir);
  store.load(Array.from({ length: jobs }, (_, index) => ({ ...storedJob(index), results: [] })));
  store.close();
  return dataDir;
}

describe('A long history', () => {
  it('comes in pages that can be read on, and other requests are answered between their pieces', async (t) => {
    const b = await bench(t, {}, { server: { list_page: 5000 } }, await historyOf(t, 20_000));
    const ids = (xml: string) => [...xml.matchAll(/jobref id="j(\d+)"/g)].map(([, id]) => Number(id));
    const newest = ids(await b.text('/jobs'));
    assert.deepEqual([newest.length, newest[0], newest.at(-1)], [5000, 15_000, 19_999]);
    const read: number[] = [];
    for (let after = '1970-01-01T00:00:00Z'; ; ) {
      const xml = await b.text(`/jobs?AFTER=${after}`);
      const page = ids(xml);
      if (page.length === 0) break;
      read.push(...page);
      after = [...xml.matchAll(/creationTime>([^<]+)</g)].at(-1)?.[1] ?? '';
    }
    assert.deepEqual(
      read,
      Array.from({ length: 20_000 }, (_, index) => index),
    );
    const head = await b.send('/jobs', { method: 'HEAD' });
    assert.equal(head.status, 200);
    // Forty long lists are under way, each to a client that reads nothing for now: this one is answered all the same.
    const sockets = await Promise.all(Array.from({ length: 40 }, () => rawSocket(b.url)));
    for (const socket of sockets) socket.pause().write('GET /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let answered = 0;
    const counted = sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          let text = '';
          socket.on('data', (data) => {
            text = (text + data.toString('latin1')).slice(-40);
            if (text.includes('</uws:jobs>')) resolve();
          });
        }),
    );
    for (let i = 0; i < 20; i++) {
      assert.equal(await b.text('/jobs/j1/phase'), 'COMPLETED');
      answered++;
    }
    assert.equal(answered, 20);
    for (const socket of sockets) socket.resume();
    await Promise.all(counted);
    for (const socket of sockets) socket.destroy();
  });
});

describe('Pipelined requests', () => {
  it('leave room for those of others', async (t) => {
    const b = await bench(t, {}, {}, await historyOf(t, 200));
    const socket = await rawSocket(b.url);
    socket.on('error', () => undefined);
    let answered = 0;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('data', (data) => {
      answered += data.toString('latin1').split('</uws:jobs>').length - 1;
    });
    const many = 4000;
    socket.write('GET /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(many));
    await new Promise((resolve) => socket.once('data', resolve));
    assert.equal((await b.send('/jobs/j1')).status, 200);
    // What is left was not worked off first: the connection is given up.
    await closed;
    assert.ok(answered < many, `${answered} lists were made before anybody else had a turn`);
    assert.equal((await b.send('/jobs')).status, 200);
    // A few are answered, all of them, in order.
    const polite = await rawExchange(b.url, 'GET /jobs/j1/phase HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50), 1000);
    assert.equal(polite.split('COMPLETED').length - 1, 50);
  });
});

describe('Limits of what is kept', () => {
  it('hold for jobs nobody starts, for one owner, and for bytes: 503, and room again after a deletion', async (t) => {
    const refused = async (answer: Response, why: RegExp) => {
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
      assert.match(await answer.text(), why);
    };
    const empty = (headers: Record<string, string> = {}): RequestInit => ({ method: 'POST', headers });
    const p = await bench(t, {}, { policy: { max_pending: 3 } });
    const ids = [await p.create(), await p.create(), await p.create()];
    await refused(await p.send('/jobs', empty()), /3 jobs wait to be started/);
    assert.equal((await p.send(`/jobs/${ids[0]}`, { method: 'DELETE' })).status, 303);
    assert.equal((await p.send('/jobs', empty())).status, 303);
    const burst = await Promise.all(Array.from({ length: 8 }, () => p.send('/jobs', empty())));
    assert.ok(burst.every(({ status }) => status === 503));

    const flags = { policy: { max_queued: 10, owner_share: 0.2 }, auth: { owner_header: 'x-remote-user' } };
    const o = await bench(t, { hold: true }, flags);
    const many = await Promise.all(Array.from({ length: 6 }, () => o.send('/jobs', empty({ 'x-remote-user': 'ada' }))));
    assert.equal(many.filter(({ status }) => status === 303).length, 2);
    await refused(await o.send('/jobs', empty({ 'x-remote-user': 'ada' })), /you have 2 jobs/);
    assert.equal((await o.send('/jobs', empty({ 'x-remote-user': 'bob' }))).status, 303);

    const s = await bench(t, { hold: true }, { storage: { max_mb: 0.01 } });
    for (let i = 0; i < 3; i++) await s.create();
    const body = new FormData();
    body.append('IMAGE', new Blob([Buffer.alloc(5000)]), 'a.fits');
    await refused(await s.send('/jobs', { method: 'POST', body }), /keeps as much as it may/);
  });

  it('hold for texts', async (t) => {
    const b = await bench(t);
    for (const [field, text] of [
      ['RUNID', 'x'.repeat(5000)],
      ['IMAGE', `http://example.org/${'x'.repeat(5000)}`],
      ['ANYTHING', 'x'.repeat(5000)],
      ['x'.repeat(5000), '1'],
    ] as const) {
      const answer = await b.form('/jobs', { [field]: text });
      assert.equal(answer.status, 400, field.slice(0, 20));
      assert.ok((await answer.text()).length < 300);
    }
    assert.equal((await b.form('/jobs', { RUNID: 'x'.repeat(4096) })).status, 303);
  });
});

describe('DELETE', () => {
  it('is 303 or 404 beside readers, writers and others that delete, and leaves no folder', async (t) => {
    const b = await bench(t, { delayMs: 1 });
    const statuses = new Map<number, number>();
    const count = async (answer: Promise<Response>) => {
      const { status } = await answer;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      return status;
    };
    const one = async () => {
      const id = await b.create({ PHASE: 'RUN' });
      const remove = () => count(b.send(`/jobs/${id}`, { method: 'DELETE' }));
      const read = (path: string) => count(b.send(`/jobs/${id}/results/${path}`).then((r) => r.blob().then(() => r)));
      const formats = ['csv', 'json', 'reg', 'votable-binary2'].map((format) =>
        read(`result?RESPONSEFORMAT=${format}`),
      );
      await Promise.all([...formats, read('result'), read('log'), remove(), remove(), ...formats]);
    };
    await Promise.all(Array.from({ length: 60 }, one));
    assert.equal(statuses.get(303), 60, [...statuses].join(' '));
    assert.deepEqual(
      [...statuses.keys()].filter((status) => ![200, 303, 404].includes(status)),
      [],
    );
    await until(async () => (await readdir(join(b.dataDir, 'jobs'))).length === 0, 'folders are left');
    await until(async () => (await readdir(join(b.dataDir, 'trash'))).length === 0, 'the trash is not emptied');
    assert.equal(b.server.jobs.counts().jobs, 0);
  });

  it('is 303 or 404 beside new parameters, starts and aborts, too', async (t) => {
    const b = await bench(t, { delayMs: 1 });
    const statuses = new Set<number>();
    const count = async (answer: Promise<Response>) => statuses.add((await answer).status);
    const one = async () => {
      const id = await b.create();
      const body = new FormData();
      body.append('IMAGE', new Blob([kImage]), 'other.fits');
      await Promise.all([
        count(b.send(`/jobs/${id}/parameters`, { method: 'POST', body })),
        count(b.form(`/jobs/${id}/phase`, { PHASE: 'RUN' })),
        count(b.send(`/jobs/${id}`, { method: 'DELETE' })),
        count(b.form(`/jobs/${id}/destruction`, { DESTRUCTION: '2030-01-01' })),
        count(b.form(`/jobs/${id}/phase`, { PHASE: 'ABORT' })),
      ]);
    };
    await Promise.all(Array.from({ length: 60 }, one));
    // 403: parameters of a job that runs.
    assert.deepEqual(
      [...statuses].filter((status) => ![303, 403, 404].includes(status)),
      [],
    );
    await until(async () => (await readdir(join(b.dataDir, 'jobs'))).length === 0, 'folders are left');
  });

  it('that a kill cut in two comes to its end at the next start', async (t) => {
    const b = await bench(t);
    const [kept, going] = [await b.create({ PHASE: 'RUN' }), await b.create({ PHASE: 'RUN' })];
    await b.until(going, 'COMPLETED');
    await b.until(kept, 'COMPLETED');
    b.server.jobs.close();
    // Moved away, row not yet gone.
    execFileSync('mv', [join(b.dataDir, 'jobs', going), join(b.dataDir, 'trash', `${going}.x`)]);
    await mkdir(join(b.dataDir, 'jobs', '.0badcafe-jhalf'));
    const again = await bench(t, {}, {}, b.dataDir);
    await until(async () => (await again.send(`/jobs/${going}`)).status === 404, 'the row is left');
    assert.deepEqual(await readdir(join(b.dataDir, 'jobs')), [kept]);
    await until(async () => (await readdir(join(b.dataDir, 'trash'))).length === 0, 'the trash is not emptied');
    assert.equal((await again.send(`/jobs/${kept}/results/result`)).status, 200);
  });
});

describe('A database that was lost', () => {
  it('does not cost the files: folders without a job are put aside, for a while', async (t) => {
    const b = await bench(t);
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    await b.server.stop();
    for (const file of ['otf.sqlite', 'otf.sqlite-wal', 'otf.sqlite-shm']) {
      await rm(join(b.dataDir, file), { force: true });
    }
    const again = await bench(t, {}, {}, b.dataDir);
    const orphans = join(b.dataDir, 'orphans');
    await until(async () => (await readdir(orphans)).length === 1, 'nothing was put aside');
    const [name] = await readdir(orphans);
    assert.ok(existsSync(join(orphans, name ?? '', 'catalogue.votable')));
    assert.deepEqual(await readdir(join(b.dataDir, 'jobs')), []);
    await again.server.stop();
    const later = await bench(t, {}, { storage: { orphan_s: 0 } }, b.dataDir);
    await until(async () => (await readdir(orphans)).length === 0, 'kept for ever');
    await later.server.stop();
  });
});
