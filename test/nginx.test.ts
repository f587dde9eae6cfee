/** The nginx file that is shipped, in front of a server, with Debian's nginx. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { bench, kCatalogue, tempDir } from './service/bench.js';
import { certificate, kNoOpenssl } from './support/certificate.js';
import { kRoot, missingProgram } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { httpsAsk } from './support/https-client.js';
import { freePort } from './support/server.js';

const kNginx = '/usr/sbin/nginx';
const kSkip = missingProgram(kNginx, ['-v'], 'nginx (Debian package nginx-light)');
const kShipped = join(kRoot, 'deploy/nginx/cianna-otf.conf');
const kShippedTls = join(kRoot, 'deploy/nginx/cianna-otf-tls.conf');
const kStartMs = 10_000;

/** nginx with this site in front of `upstream` (host:port); gives its address. `tls`: the certificate of a site with TLS. */
async function startNginx(
  t: TestContext,
  site: string,
  upstream: string,
  tls?: { cert: string; key: string },
): Promise<string> {
  const dir = await tempDir(t);
  const port = Number(await freePort());
  const changed = site
    .replace(/server (127\.0\.0\.1|server):5000;/, `server ${upstream};`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('listen 443 ', `listen 127.0.0.1:${port} `)
    .replace('/etc/nginx/tls/server.crt', tls?.cert ?? '')
    .replace('/etc/nginx/tls/server.key', tls?.key ?? '')
    .replace('server_name otf.example.org;', 'server_name _;');
  await mkdir(join(dir, 'tmp'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path tmp;`);
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const main =
    `daemon off; pid nginx.pid; worker_processes 1; error_log stderr; ${user}\nevents {}\n` +
    `http { access_log off; ${temporary.join(' ')}\ninclude site.conf; }\n`;
  await writeFile(join(dir, 'site.conf'), changed);
  await writeFile(join(dir, 'nginx.conf'), main);
  const child = spawn(kNginx, ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  atEnd(t, () => ended(child));
  let said = '';
  child.stderr?.on('data', (data) => {
    said += data;
  });
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  for (const until = Date.now() + kStartMs; ; ) {
    if (await isOpen(port)) return url;
    if (child.exitCode !== null || Date.now() > until) throw new Error(`nginx does not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
    setTimeout(() => socket.destroy(), 100);
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

describe('the nginx file', { skip: kSkip }, () => {
  it('lets everything through: uploads, waiting, events, results, owners, and addresses that lead back', async (t) => {
    const b = await bench(t, { hold: true }, { auth: { owner_header: 'x-remote-user', anonymous: true } });
    const url = await startNginx(t, await readFile(kShipped, 'utf8'), new URL(b.url).host);
    const body = new FormData();
    body.append('PHASE', 'RUN');
    body.append('IMAGE', new Blob([Buffer.alloc(3_000_000, 'a')]), 'field.fits');
    const headers = { 'x-remote-user': 'somebody else' };
    const created = await fetch(`${url}/jobs`, { method: 'POST', body, headers, redirect: 'manual' });
    assert.equal(created.status, 303, await created.text());
    const job = created.headers.get('location') ?? '';
    assert.ok(job.startsWith(`${url}/jobs/j`), job);
    assert.equal(await (await fetch(`${job}/owner`)).text(), '', 'a name the client made up');

    const listening = new AbortController();
    const events = await fetch(`${url}/events`, { signal: listening.signal });
    const reader = events.body?.getReader();
    const first = await reader?.read();
    assert.match(Buffer.from(first?.value ?? []).toString(), /listening/);
    const waiting = fetch(`${job}?WAIT=30&PHASE=QUEUED`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    b.executor.release();
    assert.equal((await waiting).status, 200);
    let seen = '';
    while (!seen.includes('COMPLETED')) seen += Buffer.from((await reader?.read())?.value ?? []).toString();
    listening.abort();

    const document = await (await fetch(job)).text();
    const result = /xlink:href="([^"]+\/results\/result)"/.exec(document)?.[1] ?? '';
    assert.ok(result.startsWith(`${url}/`), result);
    assert.equal(await (await fetch(result)).text(), kCatalogue);
    const image = await fetch(`${job}/parameters/IMAGE`);
    assert.equal((await image.arrayBuffer()).byteLength, 3_000_000);
  });

  it('needs the line about the version: without it nginx gets 505', async (t) => {
    const b = await bench(t);
    const site = (await readFile(kShipped, 'utf8')).replace(/^\s*proxy_(http_version|set_header Connection).*$/gm, '');
    const url = await startNginx(t, site, new URL(b.url).host);
    assert.ok([502, 505].includes((await fetch(`${url}/jobs`)).status));
  });
});

/** Megabytes of the upload: enough to see that nothing on the way keeps it. 1000 of them: OTF_TEST_UPLOAD_MB=1000. */
const kUploadMb = Number(process.env.OTF_TEST_UPLOAD_MB ?? 200);
const kMb = 2 ** 20;

function* megabytes(count: number): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield Buffer.alloc(kMb, index % 251);
}

describe('the nginx file with TLS', { skip: kSkip || kNoOpenssl }, () => {
  it('lets large uploads, parts of files, waiting and events through, also for HTTP/2 and HTTP/1.0', async (t) => {
    const b = await bench(t, { hold: true });
    const pair = certificate(await tempDir(t));
    const url = await startNginx(t, await readFile(kShippedTls, 'utf8'), new URL(b.url).host, pair);
    const ca = await readFile(pair.cert);

    const size = kUploadMb * kMb;
    const headers = { 'content-type': 'application/fits', 'content-length': String(size) };
    const kept = await httpsAsk(`${url}/uploads?NAME=large.fits`, {
      ca,
      method: 'POST',
      headers,
      body: megabytes(kUploadMb),
    });
    assert.equal(kept.status, 201, kept.body.toString());
    const file = `${url}/uploads/${String(kept.headers.location).split('/').pop()}/file`;
    const part = await httpsAsk(file, { ca, headers: { range: `bytes=${size - kMb}-` } });
    assert.equal(part.status, 206);
    assert.deepEqual(part.body, Buffer.alloc(kMb, (kUploadMb - 1) % 251));

    const id = await b.create({ PHASE: 'RUN' });
    const session = connectHttp2(url, { ca });
    atEnd(t, () => session.destroy());
    const stream = session.request({ ':path': '/events' });
    let seen = '';
    const completed = new Promise<void>((resolve, reject) => {
      stream.on('error', reject);
      stream.on('data', (data) => {
        seen += data;
        if (seen.includes('COMPLETED')) resolve();
      });
    });
    while (!seen.includes('listening')) await new Promise((resolve) => setTimeout(resolve, 10));
    const waiting = httpsAsk(`${url}/jobs/${id}?WAIT=30&PHASE=QUEUED`, { ca });
    b.executor.release();
    assert.equal((await waiting).status, 200);
    await completed;
    stream.close();
    assert.equal((await httpsAsk(`${url}/jobs/${id}/results/result`, { ca })).body.toString(), kCatalogue);

    // Without a Host header, which HTTP/1.0 does not know.
    const old = await new Promise<string>((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port: Number(new URL(url).port), ca }, () =>
        socket.write(`GET /jobs/${id}/phase HTTP/1.0\r\n\r\n`),
      );
      let said = '';
      socket.on('data', (data) => {
        said += data;
      });
      socket.on('error', reject);
      socket.on('end', () => resolve(said));
    });
    assert.match(old, /^HTTP\/1\.[01] 200 /);
    assert.match(old, /COMPLETED$/);
  });

  it('has no more of one address than it says', async (t) => {
    const b = await bench(t);
    const pair = certificate(await tempDir(t));
    const site = (await readFile(kShippedTls, 'utf8'))
      .replace('rate=100r/s', 'rate=1r/s')
      .replace('burst=400', 'burst=5');
    const url = await startNginx(t, site, new URL(b.url).host, pair);
    const ca = await readFile(pair.cert);
    const answers = await Promise.all(Array.from({ length: 12 }, () => httpsAsk(`${url}/healthz/live`, { ca })));
    const statuses = answers.map(({ status }) => status);
    assert.ok(statuses.includes(200) && statuses.includes(429), statuses.join());
  });
});
