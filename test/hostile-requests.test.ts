/** Requests of strangers, and of pages of strangers: what they can make a server do, say and keep. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '#otf/config/load.js';
import { startServer } from '#otf/http/server.js';
import { bench, kImage, tempDir } from './service/bench.js';
import { FakeExecutor } from './service/fake-executor.js';
import { rawExchange, rawSocket } from './service/raw.js';
import { runCli } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { freePort, startTestServer } from './support/server.js';

/** Connections of one address. */
const kAtOnce = 16;
const kInherited = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];

function head(method: string, path: string, headers: Record<string, string>): string {
  const all = { Host: '127.0.0.1', 'Content-Length': '0', Connection: 'close', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

async function status(url: string, method: string, path: string, headers: Record<string, string>): Promise<number> {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(await rawExchange(url, head(method, path, headers)))?.[1]);
}

describe('What a client calls things', () => {
  it('adds nothing to /metrics: methods nobody knows are one', async (t) => {
    const b = await bench(t);
    const socket = await rawSocket(b.url);
    socket.resume();
    for (let i = 0; i < 500; i++) socket.write(`M${i} /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    for (let i = 0; i < 500; i++) socket.write(`X${i} /jobs/${i} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    socket.destroy();
    const text = await b.text('/metrics');
    const methods = new Set([...text.matchAll(/method="([^"]*)"/g)].map(([, method]) => method));
    assert.ok(methods.has('other'), [...methods].join());
    assert.ok(methods.size <= 3, [...methods].join());
    assert.ok(text.length < 100_000, `${text.length} bytes of metrics`);
  });

  it('is never looked up among what every object has', async (t) => {
    const b = await bench(t);
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    for (const name of kInherited) {
      const asked = await b.send(`/jobs/${id}/results/result?RESPONSEFORMAT=${name}`);
      assert.equal(asked.status, 400, `RESPONSEFORMAT=${name}`);
      assert.equal((await b.send(`/jobs/${id}/results/${name}`)).status, 404, `result ${name}`);
      assert.equal((await b.send(`/jobs/${id}/parameters/${name}`)).status, 404, `parameter ${name}`);
      const accepted = await b.send(`/jobs/${id}/results/result`, { headers: { accept: name } });
      assert.equal(accepted.status, 200, `Accept: ${name}`);
      const created = await b.form('/jobs', { IMAGE: 'http://example.org/a.fits', RESPONSEFORMAT: name });
      assert.equal(created.status, 400, `a job with RESPONSEFORMAT=${name}`);
      for (const field of ['MODEL', 'QUANTIZATION']) {
        assert.equal((await b.form('/jobs', { [field]: name })).status, 422, `a job with ${field}=${name}`);
      }
      assert.equal((await b.send(`/jobs?PHASE=${name}`)).status, 400);
      assert.equal((await b.send(`/model-files/${name}`)).status, 404);
    }
  });
});

describe('A page of a stranger, in the browser of somebody near the server', () => {
  it('cannot make it do anything', async (t) => {
    const b = await bench(t);
    const { port } = new URL(b.url);
    const own = { Host: `127.0.0.1:${port}` };
    const post = (headers: Record<string, string>) => status(b.url, 'POST', '/jobs', { ...own, ...headers });
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    assert.equal(await post(form), 303, 'a program');
    assert.equal(await post({ ...form, Origin: `http://127.0.0.1:${port}`, 'Sec-Fetch-Site': 'same-origin' }), 303);
    assert.equal(await post({ ...form, 'Sec-Fetch-Site': 'none' }), 303, 'typed by the user');
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', 'file://', 'http://localhost']) {
      assert.equal(await post({ ...form, Origin: origin }), 403, origin);
    }
    for (const site of ['cross-site', 'same-site'])
      assert.equal(await post({ ...form, 'Sec-Fetch-Site': site }), 403, site);
    const id = await b.create();
    assert.equal(await status(b.url, 'DELETE', `/jobs/${id}`, { ...own, Origin: 'https://evil.example' }), 403);
    assert.equal((await b.send(`/jobs/${id}`)).status, 200);
  });

  it('does not reach it under a name that was made to lead there', async (t) => {
    const b = await bench(t, {}, { auth: { anonymous: true } });
    const get = (host: string) => status(b.url, 'GET', '/jobs', { Host: host });
    for (const host of ['127.0.0.1', '127.0.0.1:5000', 'localhost:1', 'LOCALHOST', '[::1]:5000', '192.168.1.4']) {
      assert.equal(await get(host), 200, host);
    }
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'evil.example:5000',
      'a b',
    ]) {
      assert.equal(await get(host), 421, host);
    }
  });

  it('is let in when the configuration names it', async (t) => {
    const server = { hosts: ['otf.example'], cors_origins: ['https://friend.example'] };
    const flags = { server, auth: { anonymous: true } };
    const b = await bench(t, {}, flags);
    const headers = { Host: 'otf.example', 'Content-Type': 'application/x-www-form-urlencoded' };
    assert.equal(await status(b.url, 'POST', '/jobs', { ...headers, Origin: 'https://friend.example' }), 303);
    assert.equal(await status(b.url, 'POST', '/jobs', { ...headers, Origin: 'https://otf.example' }), 303);
    assert.equal(await status(b.url, 'POST', '/jobs', { ...headers, Origin: 'https://evil.example' }), 403);
  });

  it('gets uploads back as something to keep, not to show', async (t) => {
    const b = await bench(t);
    const body = new FormData();
    body.append('IMAGE', new Blob([kImage], { type: 'text/xml' }), `pag\u{1f4a3}e'"${'\u{1f4a3}'.repeat(120)}.svg`);
    const created = await b.send('/jobs', { method: 'POST', body });
    const answer = await b.send(`${new URL(created.headers.get('location') ?? '').pathname}/parameters/IMAGE`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-disposition') ?? '', /^attachment; filename\*=UTF-8''pag%F0%9F%92%A3e%27/);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.match(answer.headers.get('content-security-policy') ?? '', /sandbox/);
  });

  it('writes no header of its own into an answer, wherever the line break is', async (t) => {
    const b = await bench(t);
    const names = ['\r\n', '\n', '\r'].map((end) => `a${end}X-Evil: 1${end}${end}b.fits`);
    const escaped = names.map(encodeURIComponent);
    const asked: [method: string, path: string, headers: Record<string, string>][] = [];
    for (const text of escaped) {
      for (const path of ['/', '/jobs/', '/uploads/', '/model-files/', '/nowhere/', '/v2/models/'])
        asked.push(['GET', path + text, {}]);
      asked.push(
        ['GET', `/jobs?PHASE=${text}`, {}],
        ['GET', `/jobs?RUNID=${text}`, {}],
        ['GET', `/jobs/?x=${text}`, {}],
      );
      asked.push(['POST', `/jobs?RUNID=${text}`, {}], ['DELETE', `/jobs/${text}`, {}]);
    }
    // Not escaped: what the parser of requests lets through as a header's value.
    for (const text of names) {
      for (const name of [
        'Origin',
        'X-Forwarded-Host',
        'X-Forwarded-Proto',
        'Forwarded',
        'X-Request-Id',
        'If-None-Match',
      ]) {
        asked.push(['GET', '/jobs', { [name]: text }], ['POST', '/jobs', { [name]: text }]);
      }
    }
    const seen: string[] = [];
    for (let first = 0; first < asked.length; first += kAtOnce) {
      const some = asked.slice(first, first + kAtOnce);
      seen.push(...(await Promise.all(some.map((request) => rawExchange(b.url, head(...request))))));
    }
    for (const name of names) {
      const body = new FormData();
      body.append('IMAGE', new Blob([kImage]), name);
      body.append('RUNID', name);
      const created = await b.send('/jobs', { method: 'POST', body });
      const place = created.headers.get('location');
      if (place === null) continue;
      const { pathname } = new URL(place);
      for (const path of [pathname, `${pathname}/parameters`, `${pathname}/parameters/IMAGE`, `${pathname}/links`])
        seen.push(await rawExchange(b.url, head('GET', path, {})));
    }
    for (const [index, answer] of seen.entries()) {
      const [heads = ''] = answer.split('\r\n\r\n');
      assert.doesNotMatch(heads, /[\r\n]x-evil/i, `${JSON.stringify(asked[index] ?? 'a job')}: ${heads}`);
    }
    assert.ok(seen.filter((answer) => answer.startsWith('HTTP/1.1 2')).length > 5);
  });
});

describe('The beginning of a server', () => {
  it('lets nobody connect before jobs can be run', async (t) => {
    const port = Number(await freePort());
    const flags = { server: { port }, storage: { data_dir: await tempDir(t) }, logging: { level: 'silent' as const } };
    const executor = new FakeExecutor();
    let connected = false;
    executor.start = async (host) => {
      executor.host = host;
      connected = await rawSocket(`http://127.0.0.1:${port}`).then(
        () => true,
        () => false,
      );
    };
    const server = await startServer({ config: await loadConfig({ flags }), executor });
    atEnd(t, () => server.stop());
    assert.equal(connected, false);
    assert.equal((await fetch(`${server.url}/healthz/ready`)).status, 200);
  });

  it('refuses a port another server has, with a line, and gives back its data folder', async (t) => {
    const server = await startTestServer(t);
    const dataDir = await tempDir(t);
    const { port } = new URL(server.url);
    const second = runCli(['serve', '--port', port, '--data-dir', dataDir], dataDir);
    assert.equal(second.code, 1, second.stdout);
    assert.match(second.stderr, /^cianna-otf: cannot listen on 127\.0\.0\.1:\d+: is it in use\?\n$/);
    const again = await startTestServer(t, { dataDir });
    assert.equal(await again.stop(), 0);
  });
});

describe('Limits of the operator', () => {
  it('hold for jobs that ask for nothing, too', async (t) => {
    const policy = { execution_s: 0, max_execution_s: 60, retention_s: 0, max_retention_s: 3600 };
    const b = await bench(t, {}, { policy });
    const id = await b.create();
    assert.equal(await b.text(`/jobs/${id}/executionduration`), '60');
    const destruction = Date.parse(await b.text(`/jobs/${id}/destruction`));
    assert.ok(destruction <= Date.now() + 3_600_000);
  });
});
