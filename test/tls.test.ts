/** TLS spoken by the server itself, with a certificate made for the test. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { bench } from './service/bench.js';
import { certificate, kNoOpenssl } from './support/certificate.js';
import { kProgram } from './support/cli.js';
import { httpsAsk } from './support/https-client.js';
import { tempDir } from './support/server.js';

async function secured(t: TestContext) {
  const made = certificate(await tempDir(t));
  const b = await bench(t, {}, { server: { tls_cert: made.cert, tls_key: made.key } });
  return { ca: await readFile(made.cert), cert: made.cert, url: b.server.url };
}

describe('a server that speaks TLS', { skip: kNoOpenssl }, () => {
  it('takes uploads, gives results and links that lead back to it, and streams events', async (t) => {
    const { url, ca } = await secured(t);
    assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
    const bytes = Buffer.alloc(5_000_000, 'a');
    const post = (to: string, type: string, body: Buffer) => {
      const headers = { 'content-type': type, 'content-length': String(body.length) };
      return httpsAsk(to, { ca, method: 'POST', headers, body: [body] });
    };
    const kept = await post(`${url}/uploads?NAME=a.fits`, 'application/fits', bytes);
    assert.equal(kept.status, 201, kept.body.toString());
    const upload = String(kept.headers.location);
    assert.ok(upload.startsWith(`${url}/uploads/`), upload);
    assert.deepEqual((await httpsAsk(`${upload}/file`, { ca })).body, bytes);
    const form = Buffer.from(`PHASE=RUN&IMAGE=upload:${upload.split('/').pop()}`);
    const created = await post(`${url}/jobs`, 'application/x-www-form-urlencoded', form);
    assert.equal(created.status, 303, created.body.toString());
    const job = String(created.headers.location);
    assert.ok(job.startsWith(`${url}/jobs/`), job);
    const document = (await httpsAsk(`${job}?WAIT=30&PHASE=QUEUED`, { ca })).body.toString();
    assert.ok(document.includes(`xlink:href="${url}/`) || document.includes('<uws:phase>'), document);
    const events = await new Promise<string>((resolve, reject) => {
      const stream = request(`${url}/events`, { ca }, (response) =>
        response.once('data', (data) => {
          resolve(String(data));
          stream.destroy();
        }),
      );
      stream.on('error', reject);
      stream.end();
    });
    assert.match(events, /listening/);
  });

  it('speaks nothing older than TLS 1.2, and to nobody without it', async (t) => {
    const { url, ca } = await secured(t);
    const port = Number(new URL(url).port);
    const protocol = (settings: object) =>
      new Promise<string>((resolve) => {
        const socket = connectTls({ host: '127.0.0.1', port, ca, ...settings }, () => {
          resolve(socket.getProtocol() ?? '');
          socket.destroy();
        });
        socket.on('error', (error) => resolve(`refused: ${error.message}`));
      });
    assert.equal(await protocol({}), 'TLSv1.3');
    assert.equal(await protocol({ maxVersion: 'TLSv1.2' }), 'TLSv1.2');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    assert.match(await protocol(old), /^refused/);
    const answered = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n'));
      let said = '';
      socket.on('data', (data) => {
        said += data.toString('latin1');
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(said));
    });
    assert.ok(!answered.includes('HTTP/1.1'), answered);
  });

  it('is talked to by the commands, which are told whom to trust', async (t) => {
    const { url, cert } = await secured(t);
    const list = (env: Record<string, string>) =>
      new Promise<{ code: number | null; said: string }>((resolve) => {
        const settings = { env: { ...process.env, ...env } };
        const child = execFile(process.execPath, [kProgram, 'jobs', '--server', url], settings, (_, out, errors) =>
          resolve({ code: child.exitCode, said: out + errors }),
        );
      });
    const stranger = await list({});
    assert.equal(stranger.code, 3, stranger.said);
    assert.match(stranger.said, /certificate/);
    const known = await list({ NODE_EXTRA_CA_CERTS: cert });
    assert.equal(known.code, 0, known.said);
  });

  it('does not start with files that are none, or do not belong together', async (t) => {
    const dir = await tempDir(t);
    const [one, other] = [certificate(dir, 'one'), certificate(dir, 'other')];
    const nothing = join(dir, 'nothing.pem');
    await writeFile(nothing, 'nothing');
    for (const [tls_cert, tls_key, says] of [
      [one.cert, other.key, /other\.key is not the key of .*one\.crt/],
      [nothing, one.key, /tls_cert .*nothing\.pem is not a certificate/],
      [one.cert, nothing, /tls_key .*nothing\.pem is not a private key/],
      [one.cert, join(dir, 'gone.key'), /cannot read server\.tls_key .*gone\.key: no such file/],
      [one.cert, '', /tls_cert: must be given together with tls_key/],
    ] as const) {
      await assert.rejects(bench(t, {}, { server: { tls_cert, tls_key } }), says);
    }
  });
});
