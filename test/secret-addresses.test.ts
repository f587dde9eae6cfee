/** A presigned URL opens what it names: its signature is the fetcher's alone, in nothing that is shown, kept in rows or logged. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { publicText, publicUrl, withoutSecrets } from '#otf/errors/public-text.js';
import { makeBackup } from '#otf/jobs/backup.js';
import { JobStore } from '#otf/jobs/store.js';
import { kRoot } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { httpServer } from './support/http-server.js';
import { startCommand } from './support/peers.js';
import { field, pause, startTestServer, type TestServer, tempDir } from './support/server.js';

const kSecret = 'Sgn4tureThatOpens';
const kQuery = `?X-Amz-Expires=600&X-Amz-Signature=${kSecret}`;
const kEnv = { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' };

/** Gives the image to whoever has the signature. */
function presigned(image: Buffer): RequestListener {
  return (request, response) => {
    if (request.url?.endsWith(kQuery)) response.end(image);
    else response.writeHead(403).end();
  };
}

/** Every text a client can get of a job and of the server. */
async function documentsOf(server: TestServer, id: string): Promise<Map<string, string>> {
  const paths = ['/jobs', '/uws', `/jobs/${id}`, `/uws/${id}`, `/links?ID=${id}`, '/metrics', '/availability'];
  for (const part of ['phase', 'error', 'parameters', 'parameters/IMAGE', 'owner', 'quote', 'results']) {
    paths.push(`/jobs/${id}/${part}`);
  }
  for (const part of ['result', 'csv', 'json', 'votable-1.5', 'reg', 'log', 'provjson', 'provn', 'provxml']) {
    paths.push(`/jobs/${id}/results/${part}`);
  }
  const texts = new Map<string, string>();
  for (const path of paths) texts.set(path, await server.text(path));
  const asJson = await server.send(`/jobs/${id}`, { headers: { accept: 'application/json' } });
  texts.set('JSON', await asJson.text());
  return texts;
}

/** Of the data folder: names of files that have the secret in them. */
async function filesWithSecret(dataDir: string): Promise<string[]> {
  const names = await readdir(dataDir, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of names.filter((each) => each.isFile())) {
    const bytes = await readFile(join(entry.parentPath, entry.name)).catch(() => Buffer.alloc(0));
    if (bytes.includes(kSecret)) found.push(entry.name);
  }
  return found;
}

describe('a presigned URL', () => {
  it('is fetched, and its signature is in no document, log, metric or file afterwards', async (t) => {
    const dir = await tempDir(t);
    const url = await httpServer(t, presigned(await field(dir, 256)));
    const server = await startTestServer(t, { env: kEnv });
    const listening = new AbortController();
    const events = (await server.send('/events', { signal: listening.signal })).text().catch(() => 'cut');
    const id = await server.submit({ IMAGE: `${url}/field.fits${kQuery}#${kSecret}` });
    await server.until(id, 'COMPLETED');
    const texts = await documentsOf(server, id);
    for (const [path, text] of texts) assert.ok(!text.includes(kSecret), path);
    assert.equal(texts.get(`/jobs/${id}/parameters/IMAGE`), `${url}/field.fits?***`);
    assert.match(texts.get(`/jobs/${id}/results/provjson`) ?? '', /field\.fits\?\*\*\*/);
    assert.match(texts.get(`/jobs/${id}/results/log`) ?? '', /fetched \d+ bytes from http:\S+\/field\.fits\?\*\*\*/);
    await pause(200);
    assert.ok(!server.log.join('\n').includes(kSecret), 'log of the server');
    assert.equal(await server.stop(), 0);
    assert.ok(!(await events).includes(kSecret));
    listening.abort();
    assert.deepEqual(await filesWithSecret(server.dataDir), []);
  });

  it('is in no error either: refused, moved elsewhere, cut, or to nowhere', async (t) => {
    const url = await httpServer(t, (request, response) => {
      if (request.url?.startsWith('/moved')) {
        response.writeHead(302, { location: `http://no-such-host.invalid/a${kQuery}` }).end();
      } else if (request.url?.startsWith('/loop')) response.writeHead(302, { location: request.url }).end();
      else if (request.url?.startsWith('/nowhere')) response.writeHead(302, { location: `http://${kSecret}:x/` }).end();
      else if (request.url?.startsWith('/ftp')) response.writeHead(302, { location: `ftp://h/${kQuery}` }).end();
      else response.writeHead(404).end();
    });
    const server = await startTestServer(t, { env: { ...kEnv, CIANNA_OTF_FETCH_MAX_REDIRECTS: '2' } });
    for (const path of ['gone', 'moved', 'loop', 'nowhere', 'ftp']) {
      const id = await server.submit({ IMAGE: `${url}/${path}${kQuery}` });
      const { error, xml } = await server.until(id, 'ERROR');
      assert.match(error, /fetch/, path);
      for (const [place, text] of await documentsOf(server, id)) assert.ok(!text.includes(kSecret), `${path} ${place}`);
      assert.ok(!xml.includes(kSecret));
    }
    await pause(200);
    assert.ok(!server.log.join('\n').includes(kSecret), 'log of the server');
    assert.equal(await server.stop(), 0);
    assert.deepEqual(await filesWithSecret(server.dataDir), []);
  });

  it('still opens after the server was killed, from a file that only its user can read', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 256);
    let open = false;
    const url = await httpServer(t, (request, response) => {
      if (open) presigned(image)(request, response);
    });
    const dataDir = await tempDir(t);
    const first = await startTestServer(t, { env: kEnv, dataDir });
    const waiting = await first.submit({ IMAGE: `${url}/b.fits${kQuery}`, PHASE: '' });
    const id = await first.submit({ IMAGE: `${url}/a.fits${kQuery}` });
    await first.until(id, 'EXECUTING');
    await first.stop('SIGKILL');
    const holding = await filesWithSecret(dataDir);
    assert.equal(holding.length, 2, `${holding}`);
    for (const job of [id, waiting]) {
      const names = (await readdir(join(dataDir, 'jobs', job))).filter((name) => name.startsWith('address-'));
      assert.equal(names.length, 1);
      assert.equal((await stat(join(dataDir, 'jobs', job, names[0] ?? ''))).mode & 0o777, 0o600);
    }
    assert.equal((await stat(join(dataDir, 'otf.sqlite'))).mode & 0o777, 0o600);

    open = true;
    const again = await startTestServer(t, { env: kEnv, dataDir });
    assert.equal((await again.until(id, 'COMPLETED')).phase, 'COMPLETED');
    // Another address in place of the first, and none is left of it.
    const body = new URLSearchParams({ IMAGE: `${url}/c.fits${kQuery}`, PHASE: 'RUN' });
    assert.equal((await again.send(`/jobs/${waiting}/parameters`, { method: 'POST', body })).status, 303);
    await again.until(waiting, 'COMPLETED');
    await again.stop();
    assert.deepEqual(await filesWithSecret(dataDir), []);
  });

  it('in a row of an earlier program is fetched whole while the job waits, and forgotten with its end', async (t) => {
    const dataDir = await tempDir(t);
    const store = new JobStore(dataDir);
    const file = { kind: 'url' as const, url: 'https://h/a.fits?***', whole: `https://h/a.fits${kQuery}` };
    const job = (id: string, phase: 'PENDING' | 'ABORTED') => ({
      ...{ id, phase, kind: 'detector', style: 'standard' as const, owner: null, remote: '', runId: null },
      ...{ createdMs: 1, queuedMs: null, startedMs: null, endedMs: null, executionDurationS: 0, destructionMs: null },
      ...{ modelId: 'm', quantization: 'q', priority: 5, results: [], failure: null, info: {} },
      parameters: { inputs: { IMAGE: [file] }, asked: {} },
    });
    store.load([job('a', 'PENDING')]);
    store.load([job('b', 'ABORTED')]);
    store.close();
    const again = new JobStore(dataDir);
    atEnd(t, () => again.close());
    assert.deepEqual(again.get('a')?.parameters.inputs.IMAGE, [file]);
    assert.deepEqual(again.get('b')?.parameters.inputs.IMAGE, [{ kind: 'url', url: 'https://h/a.fits?***' }]);
  });

  it('is in a backup as long as it is to be opened: a job that ended while its folder was copied is not in it as one that waits', async (t) => {
    const dataDir = await tempDir(t);
    const store = new JobStore(dataDir);
    const file = { kind: 'url' as const, url: 'https://h/a.fits?***', sealed: 'address-a' };
    const resultsTo = { url: 'https://h/b?***', sealed: 'address-b' };
    const job = (id: string, phase: 'EXECUTING' | 'COMPLETED', state: 'waiting' | 'done') => ({
      ...{ id, phase, kind: 'detector', style: 'standard' as const, owner: null, remote: '', runId: null },
      ...{ createdMs: 1, queuedMs: null, startedMs: null, endedMs: null, executionDurationS: 0, destructionMs: null },
      ...{ modelId: 'm', quantization: 'q', priority: 5, results: [], failure: null },
      info: { delivery: { state, files: 0 } },
      parameters: { inputs: { IMAGE: [file] }, asked: {}, resultsTo },
    });
    store.load([
      job('runs', 'EXECUTING', 'waiting'),
      job('sends', 'COMPLETED', 'waiting'),
      job('sent', 'COMPLETED', 'done'),
    ]);
    store.close();
    const has = async (files: Record<string, string[]>) => {
      for (const id of ['runs', 'sends', 'sent']) {
        await rm(join(dataDir, 'jobs', id), { recursive: true, force: true });
        await mkdir(join(dataDir, 'jobs', id), { recursive: true });
        for (const name of files[id] ?? []) await writeFile(join(dataDir, 'jobs', id, name), 'https://h/');
      }
    };
    const copy = (name: string) => makeBackup(dataDir, join(dataDir, name), join(dataDir, 'tokens.json'));
    const whole = { runs: ['address-a', 'address-b'], sends: ['address-b'] };
    await has(whole);
    assert.equal((await copy('copy')).jobs, 3);
    for (const [id, names] of [
      ['runs', ['address-b']],
      ['runs', ['address-a']],
      ['sends', []],
    ] as const) {
      await has({ ...whole, [id]: names });
      await assert.rejects(copy('other'), {
        message: new RegExp(`^1 jobs lack files that the database names, e\\.g\\. ${id}:`),
      });
    }
  });

  it('of a job that waits can be referred to, and still opens; afterwards it has to be named again', async (t) => {
    const url = await httpServer(t, presigned(await field(await tempDir(t), 256)));
    const server = await startTestServer(t, { env: kEnv });
    const first = await server.submit({ IMAGE: `${url}/a.fits${kQuery}`, PHASE: '' });
    const same = await server.submit({ IMAGE: `job:${first}/IMAGE` });
    const { xml } = await server.until(same, 'COMPLETED');
    assert.ok(xml.includes(`${url}/a.fits?***`) && !xml.includes(kSecret));
    const again = await server.post({ IMAGE: `job:${same}/IMAGE` });
    assert.equal(again.status, 400);
    assert.match(await again.text(), /is not kept once its job is over: name it again/);
    assert.equal((await server.send(`/jobs/${first}`, { method: 'DELETE' })).status, 303);
    await server.stop();
    assert.deepEqual(await filesWithSecret(server.dataDir), []);
  });

  it('is not repeated by the command that sends it', async (t) => {
    const url = await httpServer(t, (_, response) => response.writeHead(404).end());
    const server = await startTestServer(t, { env: kEnv });
    // Beside this process, whose archive must answer.
    const program = join(kRoot, 'bin/cianna-otf.js');
    const args = ['submit', `${url}/a.fits${kQuery}`, '--server', server.url, '--wait', '--json'];
    const { stdout, stderr, code } = await startCommand(process.execPath, [program, ...args]);
    assert.equal(code, 1, stderr);
    assert.ok(!`${stdout}${stderr}`.includes(kSecret), `${stdout}${stderr}`);
  });
});

describe('an address as it is shown', () => {
  const shown: [string, string][] = [
    ['https://h/a/b.fits', 'https://h/a/b.fits'],
    ['https://h/a/b.fits?sig=x', 'https://h/a/b.fits?***'],
    ['https://h/a?x#y', 'https://h/a?***'],
    ['https://h/a#token', 'https://h/a'],
    ['https://user:pw@h:8080/a', 'https://h:8080/a'],
    ['http:h/a?sig=x', 'http://h/a?***'],
    ['s3://bucket/key?sig=x', 's3://bucket/key?***'],
    ['davs://u:p@h/a?x', 'davs://h/a?***'],
    ['http://u:p@h:99999/a?x', 'http://h:99999/a?***'],
  ];
  for (const [from, to] of shown) {
    it(from, () => {
      assert.equal(publicUrl(from), to);
      assert.equal(publicUrl(to), to, 'once more changes nothing');
    });
  }

  it('in a sentence, in JSON, in the middle of a line', () => {
    assert.equal(publicText('cannot fetch https://h/a?s=1: refused'), 'cannot fetch https://h/a?***: refused');
    assert.equal(withoutSecrets('{"a":"https://u:p@h/a?s=1","b":"/etc/x"}'), '{"a":"https://h/a?***","b":"/etc/x"}');
    assert.equal(publicText('see s3://b/k?s=1, or /etc/x/y.'), 'see s3://b/k?***, or y.');
  });

  it('in the log of a server, whatever the error that names it', () => {
    const lines: string[] = [];
    const log = pino({ hooks: { streamWrite: withoutSecrets } }, { write: (line) => lines.push(line) });
    log.error(
      { err: Object.assign(new TypeError('Invalid URL'), { input: `https://h/a${kQuery}` }) },
      'internal error',
    );
    assert.ok(!lines.join('').includes(kSecret) && lines.join('').includes('https://h/a?***'), lines.join(''));
  });
});
