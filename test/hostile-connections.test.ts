/** Connections, requests that stay open, and what is read before anything is known of it. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { addressKey, connectionLimits } from '#otf/http/connections.js';
import { bench, kImage } from './service/bench.js';
import { rawExchange, rawSocket } from './service/raw.js';
import { atEnd } from './support/endings.js';

/** Sockets that were let in: those that are still open a moment later. */
async function connected(t: TestContext, url: string, count: number): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => rawSocket(url)));
  atEnd(t, () => closeAll(sockets));
  for (const socket of sockets) socket.resume();
  await new Promise((resolve) => setTimeout(resolve, 300));
  return sockets.filter((socket) => !socket.destroyed);
}

async function closeAll(sockets: Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
}

describe('Connections', () => {
  it('beyond the limit are closed at once; the others go on, and new ones come in when some have gone', async (t) => {
    const b = await bench(t, {}, { server: { max_connections: 20, max_connections_per_address: 20 } });
    const open = await connected(t, b.url, 60);
    assert.equal(open.length, 20);
    open[0]?.write('GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [socket] = open;
    const answer = await new Promise<string>((resolve) => socket?.once('data', (data) => resolve(String(data))));
    assert.match(answer, /^HTTP\/1\.1 200/);
    await closeAll(open);
    assert.equal((await b.send('/healthz/live')).status, 200);
    assert.match(await b.text('/metrics'), /^otf_connections_refused 40$/m);
  });

  it('of one address are limited apart, as the kernel counts them', async (t) => {
    const b = await bench(t, {}, { server: { max_connections: 100, max_connections_per_address: 10 } });
    const open = await connected(t, b.url, 30);
    assert.equal(open.length, 10);
    await closeAll(open);
    // Those that have gone do not count, though nobody said where they were from.
    for (let round = 0; round < 5; round++) await closeAll(await connected(t, b.url, 9));
    assert.equal((await connected(t, b.url, 9)).length, 9);
  });

  it('are as many as there are descriptors for, with a reserve', () => {
    assert.deepEqual(connectionLimits(10_000, 0, 1_000_000), { all: 10_000, ofAddress: 5000 });
    assert.deepEqual(connectionLimits(10_000, 0, 1024), { all: 384, ofAddress: 192 });
    assert.deepEqual(connectionLimits(10_000, 600, 4096), { all: 1920, ofAddress: 600 });
    assert.deepEqual(connectionLimits(10_000, 0, 64), { all: 8, ofAddress: 4 });
    const mapped = Buffer.from('00000000000000000000ffff0a000001', 'hex');
    assert.equal(addressKey(mapped), addressKey(Buffer.from([10, 0, 0, 1])));
    const [one, other] = ['20010db8000000010000000000000001', '20010db800000001ffff000000000002'];
    assert.equal(addressKey(Buffer.from(one, 'hex')), addressKey(Buffer.from(other, 'hex')));
  });

  it('that wait for something are limited: 503 with Retry-After', async (t) => {
    const b = await bench(t, {}, { server: { max_waiting: 3 } });
    const id = await b.create();
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const open = await Promise.all([0, 1, 2].map(() => rawSocket(b.url)));
    open[0]?.write(request('/events'));
    for (const socket of open.slice(1)) socket.write(request(`/jobs/${id}?WAIT=30`));
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const path of [`/jobs/${id}?WAIT=30`, '/events']) {
      const refused = await b.send(path);
      assert.equal(refused.status, 503, path);
      assert.ok(Number(refused.headers.get('retry-after')) > 0);
    }
    assert.equal((await b.send(`/jobs/${id}`)).status, 200);
    await closeAll(open);
    assert.equal((await b.send(`/jobs/${id}?WAIT=1`)).status, 200);
  });
});

describe('What is announced', () => {
  it('is refused before it is read when the queue is full, and the client sees why', async (t) => {
    const b = await bench(t, { hold: true, maxQueued: 1 });
    await b.create({ PHASE: 'RUN' });
    const headers = 'Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: 50000000';
    const early = await rawExchange(b.url, `POST /jobs HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`, 1000);
    assert.match(early, /^HTTP\/1\.1 503 /);
    assert.match(early, /Retry-After: 7/);
    const expecting = `POST /jobs HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n${headers}\r\n\r\n`;
    assert.match(await rawExchange(b.url, expecting, 1000), /HTTP\/1\.1 503 /);
    // A client that reads only after it has sent everything sees it, too.
    const body = new FormData();
    body.append('IMAGE', new Blob([Buffer.alloc(20 << 20)]), 'a.fits');
    assert.equal((await b.send('/jobs', { method: 'POST', body })).status, 503);
    // What is not to run yet is small, as a rule, and welcome.
    await b.create();
  });

  it('has a limit of its own where it is read into memory: the request document of older clients', async (t) => {
    const b = await bench(t);
    const body = new FormData();
    body.append('xml', new Blob([Buffer.alloc(8 << 20, 'a')]), 'parameters.xml');
    body.append('fits', new Blob([kImage]), 'image.fits');
    const answer = await b.send('/jobs/', { method: 'POST', body });
    assert.equal(answer.status, 400);
    assert.match(((await answer.json()) as { error: string }).error, /larger than 1048576 bytes/);
    assert.equal(b.server.jobs.counts().jobs, 0);
  });
});
