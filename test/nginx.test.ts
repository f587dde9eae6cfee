/** The nginx file that is shipped, in front of a server, with Debian's nginx. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { bench, kCatalogue, tempDir } from './service/bench.js';
import { kRoot, missingProgram } from './support/cli.js';

const kNginx = '/usr/sbin/nginx';
const kSkip = missingProgram(kNginx, ['-v'], 'nginx (Debian package nginx-light)');
const kShipped = join(kRoot, 'deploy/nginx/cianna-otf.conf');
const kStartMs = 10_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** nginx with this site in front of `upstream` (host:port); gives its address. */
async function startNginx(t: TestContext, site: string, upstream: string): Promise<string> {
  const dir = await tempDir(t);
  const port = await freePort();
  const changed = site
    .replace('server 127.0.0.1:5000;', `server ${upstream};`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
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
  t.after(() => ended(child));
  let said = '';
  child.stderr?.on('data', (data) => {
    said += data;
  });
  const url = `http://127.0.0.1:${port}`;
  for (const until = Date.now() + kStartMs; ; ) {
    if (await fetch(url).catch(() => undefined)) return url;
    if (child.exitCode !== null || Date.now() > until) throw new Error(`nginx does not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
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
