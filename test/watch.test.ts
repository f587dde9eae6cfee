/** `watch`: one job for every new object, each once, whatever is killed in between (src/watch). */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { objectsOf } from '#otf/watch/topic.js';
import { kProgram, runCli } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { httpServer } from './support/http-server.js';
import { kNoMosquitto, startMosquitto } from './support/mosquitto.js';
import { field, pause, startTestServer, type TestServer, tempDir } from './support/server.js';
import { until } from './support/until.js';

class Watch {
  readonly child: ChildProcess;
  readonly said: string[] = [];

  constructor(t: TestContext, dir: string, server: string, where: string, ...more: string[]) {
    const args = ['watch', where, '--server', server, '--state', join(dir, 'state'), ...more];
    this.child = spawn(process.execPath, [kProgram, ...args], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
    this.child.stderr?.on('data', (data) => this.said.push(String(data)));
    atEnd(t, () => this.child.kill('SIGKILL'));
  }

  async watching(): Promise<this> {
    await until(() => this.text.includes('watching'), 'it does not watch', 60);
    return this;
  }

  get text(): string {
    return this.said.join('');
  }

  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    return new Promise((resolve) => {
      this.child.once('exit', (code, by) => resolve(code ?? by));
      this.child.kill(signal);
    });
  }

  exited(): Promise<number | null> {
    return new Promise((resolve) => this.child.once('exit', (code) => resolve(code)));
  }
}

interface Listed {
  id: string;
  phase: string;
}

/** That have been started. */
async function jobsOf(server: TestServer): Promise<Listed[]> {
  const xml = await server.text('/jobs');
  const all = [...xml.matchAll(/<uws:jobref id="([^"]+)"[\s\S]*?<uws:phase>(\w+)</g)];
  // One that was made, and whose maker was killed before he could write it down, is PENDING for ever.
  return all.map(([, id = '', phase = '']) => ({ id, phase })).filter(({ phase }) => phase !== 'PENDING');
}

async function runIds(server: TestServer): Promise<string[]> {
  const ids = await Promise.all((await jobsOf(server)).map(async ({ id }) => (await server.job(id)).xml));
  return ids.map((xml) => /<uws:runId[^>]*>([^<]*)</.exec(xml)?.[1] ?? '').sort();
}

describe('watch', () => {
  it('makes a job of every new file that is whole, once over restarts, with its template', async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const image = await field(dir, 300, 1);
    const [incoming, deep] = [join(dir, 'in'), join(dir, 'in/2026/01')];
    await mkdir(deep, { recursive: true });
    const put = async (name: string) => {
      await writeFile(join(dir, 'part'), image);
      await rename(join(dir, 'part'), join(incoming, name));
    };
    const args = ['--settle', '2', '--run-id', '{stem}', '--format', 'csv'];
    await put('old.fits');
    const one = await new Watch(t, dir, server.url, incoming, '--only-new', ...args).watching();
    await pause(300);
    await put('a.fits');
    await put('2026/01/b.fits');
    await put('.hidden.fits');
    await put('notes.txt');
    // One that is being written: not before it is the same for a while.
    let size = 1000;
    const write = setInterval(() => writeFileSync(join(incoming, 'c.fits'), image.subarray(0, size++)), 50);
    atEnd(t, () => clearInterval(write));
    await until(async () => (await jobsOf(server)).length >= 2, one.text, 60);
    clearInterval(write);
    writeFileSync(join(incoming, 'c.fits'), image);
    await until(async () => (await jobsOf(server)).length >= 3, one.text, 60);
    assert.equal(await one.end(), 0);
    await put('d.fits');
    // The same command goes on where it was; what was there before is known.
    const two = new Watch(t, dir, server.url, incoming, '--only-new', ...args);
    await until(async () => (await jobsOf(server)).length >= 4, two.text, 60);
    await pause(3000);
    assert.deepEqual(await runIds(server), ['a', 'b', 'c', 'd']);
    const both = new Watch(t, dir, server.url, incoming);
    assert.equal(await both.exited(), 1);
    assert.match(both.text, /another watcher is using it/);
    await two.end();
    const other = runCli(['watch', dir, '--state', join(dir, 'state')], dir);
    assert.match(other.stderr, /is of .*\/in: use another --state/);
  });

  it('starts no job twice and none not at all when it is killed at any step', async (t) => {
    const dir = await tempDir(t);
    const incoming = join(dir, 'in');
    await mkdir(incoming);
    await writeFile(join(incoming, 'a.fits'), 'a');
    // A server that loses its watcher at one step after the other: before and after each answer.
    const made: string[] = [];
    const started: string[] = [];
    let victim: Watch | undefined;
    const steps = ['before made', 'after made', 'before started', 'after started'];
    const killHere = async (step: string): Promise<boolean> => {
      if (steps[0] !== step) return false;
      steps.shift();
      await victim?.end('SIGKILL');
      return true;
    };
    const url = await httpServer(t, (request, response) => {
      request.resume();
      request.on('end', () => {
        answer(request.url ?? '', response).catch((thrown) => assert.fail(String(thrown)));
      });
    });
    const answer = async (path: string, response: ServerResponse) => {
      if (path === '/jobs') {
        if (await killHere('before made')) return response.destroy();
        const id = `j${made.length}`;
        made.push(id);
        if (await killHere('after made')) return response.destroy();
        return response.writeHead(303, { location: `/jobs/${id}` }).end();
      }
      const id = /^\/jobs\/(j\d)\/phase$/.exec(path)?.[1];
      if (id === undefined)
        return response.writeHead(200).end(`<job><jobId>${path}</jobId><phase>QUEUED</phase></job>`);
      if (await killHere('before started')) return response.destroy();
      if (started.includes(id)) return response.writeHead(403).end('it is QUEUED');
      started.push(id);
      if (await killHere('after started')) return response.destroy();
      return response.writeHead(303, { location: `/jobs/${id}` }).end();
    };
    for (let run = 0; run < 5; run++) {
      victim = new Watch(t, dir, url, incoming, '--settle', '0.2');
      if (run < 4) await victim.exited();
      else {
        await victim.watching();
        await pause(1500);
        await victim.end();
      }
    }
    assert.deepEqual(steps, []);
    assert.equal(started.length, 1, `${made.join()} were made, ${started.join()} started`);
    assert.equal(made.length, 2, 'one that nobody ever starts');
  });

  it('waits while the server is away, and ends at what the server would refuse of every object', async (t) => {
    const dir = await tempDir(t);
    await mkdir(join(dir, 'in'));
    await writeFile(join(dir, 'in/a.fits'), await field(dir, 300, 1));
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
    const { port } = dead.address() as { port: number };
    await new Promise((resolve) => dead.close(resolve));
    const patient = new Watch(t, dir, `http://127.0.0.1:${port}`, join(dir, 'in'), '--settle', '0.2');
    await until(() => patient.text.includes('again in 1 s'), patient.text, 60);
    const server = await startTestServer(t, { port: String(port) });
    await until(async () => (await jobsOf(server)).length === 1, patient.text, 60);
    await patient.end();
    const wrong = new Watch(t, dir, server.url, join(dir, 'in'), '--settle', '0', '--model', 'nobody');
    await writeFile(join(dir, 'in/b.fits'), 'b');
    assert.equal(await wrong.exited(), 1);
    assert.match(wrong.text, /unknown model "nobody"/);
  });

  it('goes on after a quota that is used up, and past names that no field or system call can have', async (t) => {
    const dir = await tempDir(t);
    await mkdir(join(dir, 'in'));
    await writeFile(join(dir, 'in/a\u0001b.fits'), 'a');
    await writeFile(Buffer.concat([Buffer.from(join(dir, 'in/c')), Buffer.of(0xff), Buffer.from('.fits')]), 'c');
    const asked: string[] = [];
    const front = await httpServer(t, (request, response) => {
      let body = '';
      request.on('data', (data) => (body += String(data)));
      request.on('end', () => {
        if (request.url !== '/jobs') return response.writeHead(303, { location: '/jobs/j1' }).end();
        asked.push(/name="RUNID"\r\n\r\n([^\r]*)/.exec(body)?.[1] ?? '');
        if (asked.length > 1) return response.writeHead(303, { location: '/jobs/j1' }).end();
        return response.writeHead(403, { 'OTF-Error': 'OTF_QUOTA_EXCEEDED' }).end('you have 3 of 3 jobs\n');
      });
    });
    const watch = new Watch(t, dir, front, join(dir, 'in'), '--settle', '0.2', '--run-id', '{stem}');
    await until(() => watch.text.includes(': j1'), watch.text, 60);
    assert.match(watch.text, /you have 3 of 3 jobs: again in 1 s/);
    assert.match(watch.text, /c\ufffd\.fits: passed over, for its name is not UTF-8/);
    assert.equal(watch.text.match(/passed over/g)?.length, 1);
    assert.deepEqual(asked, ['a_b', 'a_b']);
    assert.equal(await watch.end(), 0);
  });

  it('lists a bucket page by page, and names its objects to the server', async (t) => {
    const dir = await tempDir(t);
    const asked: string[] = [];
    const store = await httpServer(t, (request, response) => {
      const url = new URL(request.url ?? '', 'http://store');
      assert.match(request.headers.authorization ?? '', /^AWS4-HMAC-SHA256 Credential=key\//);
      assert.deepEqual(
        [url.pathname, url.searchParams.get('list-type'), url.searchParams.get('prefix')],
        ['/sky', '2', 'new/'],
      );
      const page = url.searchParams.get('continuation-token');
      const object = (key: string) => `<Contents><Key>${key}</Key><ETag>&quot;e&quot;</ETag><Size>9</Size></Contents>`;
      const more =
        page === null ? '<IsTruncated>true</IsTruncated><NextContinuationToken>p 2</NextContinuationToken>' : '';
      const objects = page === null ? object('new/a &amp; b.fits') + object('new/readme') : object('new/c.fits');
      response.end(`<?xml version="1.0"?><ListBucketResult>${objects}${more}</ListBucketResult>`);
    });
    const front = await httpServer(t, (request, response) => {
      let body = '';
      request.on('data', (data) => (body += String(data)));
      request.on('end', () => {
        if (request.url === '/jobs') asked.push(new URLSearchParams(body).get('IMAGE') ?? '');
        response.writeHead(303, { location: `/jobs/j${asked.length}` }).end();
      });
    });
    await writeFile(join(dir, 'key'), 'secret');
    const toml = `[fetch.s3.one]\nendpoint = "${store}"\naccess_key = "key"\nsecret_key_file = "${join(dir, 'key')}"\nbuckets = ["sky"]\n`;
    await writeFile(join(dir, 'otf.toml'), toml);
    const watch = new Watch(t, dir, front, 's3://sky/new/', '--config', join(dir, 'otf.toml'), '--every', '1');
    await until(() => asked.length >= 2, watch.text, 60);
    await pause(1500);
    assert.deepEqual(asked, ['s3://sky/new/a%20%26%20b.fits', 's3://sky/new/c.fits']);
    await watch.end();
    const none = runCli(['watch', 's3://other/x', '--state', join(dir, 'none')], dir);
    assert.match(none.stderr, /no keys for the bucket other/);
  });

  it('takes what messages tell of, once, also what came while it was away', { skip: kNoMosquitto }, async (t) => {
    const dir = await tempDir(t);
    const broker = await startMosquitto(t);
    const image = await field(dir, 300, 1);
    const files = await httpServer(t, (_, response) => response.end(image));
    const server = await startTestServer(t, { env: { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' } });
    const where = `mqtt://127.0.0.1:${broker.port}/catalogue/new`;
    const args = ['--run-id', '{name}'];
    const one = await new Watch(t, dir, server.url, where, ...args).watching();
    await until(() => broker.log().includes('catalogue/new'), broker.log(), 60);
    broker.publish('catalogue/new', `${files}/a.fits?X-Amz-Signature=one`);
    broker.publish('catalogue/new', 'nothing of sense');
    broker.publish('catalogue/new', JSON.stringify({ url: `${files}/b.fits` }));
    // Told again with another signature: the same object.
    broker.publish('catalogue/new', `${files}/a.fits?X-Amz-Signature=two`);
    await until(async () => (await jobsOf(server)).length >= 2, one.text, 60);
    await one.end('SIGKILL');
    broker.publish('catalogue/new', JSON.stringify({ url: `${files}/c.fits` }));
    broker.publish('catalogue/new', JSON.stringify({ url: `${files}/b.fits` }));
    const two = new Watch(t, dir, server.url, where, ...args);
    await until(async () => (await jobsOf(server)).length >= 3, two.text, 60);
    await pause(1000);
    assert.deepEqual(await runIds(server), ['a.fits', 'b.fits', 'c.fits']);
    assert.match(one.text, /names no object: "nothing of sense" is no address/);
    assert.ok(!(one.text + two.text).includes('Signature'));
  });
});

describe('messages', () => {
  it('may be notifications of an object store; what was removed is no object', () => {
    const record = (key: string, eventName: string) => ({
      eventName,
      s3: { bucket: { name: 'sky' }, object: { key, eTag: 'e1' } },
    });
    const Records = [record('a/b+c%26.fits', 's3:ObjectCreated:Put'), record('gone.fits', 's3:ObjectRemoved:Delete')];
    assert.deepEqual(objectsOf(JSON.stringify({ Records })), [
      { key: 's3://sky/a/b%20c%26.fits e1', input: 's3://sky/a/b%20c%26.fits', name: 'b c&.fits' },
    ]);
    const named = (payload: string) => objectsOf(payload).map(({ name, input }) => [name, input]);
    assert.deepEqual(named('https://h/100%.fits'), [['100%.fits', 'https://h/100%.fits']]);
    assert.deepEqual(named(JSON.stringify({ Records: [record('a/100%.fits', 'Put')] })), [
      ['100%.fits', 's3://sky/a/100%25.fits'],
    ]);
    for (const bad of [
      'https://u:p@h/a.fits',
      '',
      '{',
      '{"url":3}',
      'file:///etc/passwd',
      '{"url":"javascript:1"}',
      '{"Records":3}',
    ]) {
      assert.throws(() => objectsOf(bad), bad);
    }
  });
});
