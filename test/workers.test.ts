/** Workers on other machines, as real processes with the demo network: src/run/remote and src/run/worker. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kRoot, runCli } from './support/cli.js';
import { kNoClock, WallClock } from './support/clock.js';
import { atEnd } from './support/endings.js';
import { httpServer } from './support/http-server.js';
import { field, freePort, pause, startTestServer, type TestServer, tempDir } from './support/server.js';
import { until } from './support/until.js';
import { kNoBroker, startSite, TestWorker } from './support/workers.js';

/** The catalogue of the image as `detect` writes it. */
async function detected(dir: string, image: string): Promise<string> {
  const detect = runCli(['detect', join(dir, image), '--format', 'csv', '-o', `${image}.csv`], dir);
  assert.equal(detect.code, 0, detect.stderr);
  return readFile(join(dir, `${image}.csv`), 'utf8');
}

function rows(server: TestServer, id: string): Promise<string> {
  return server.text(`/jobs/${id}/results/csv`);
}

/** Of the worker that ran it, by its provenance. */
async function workerOf(server: TestServer, id: string): Promise<string> {
  return /srv\.Worker[^A-Za-z]*(\w+)/.exec(await server.text(`/jobs/${id}/results/provjson`))?.[1] ?? '';
}

async function metric(server: TestServer, name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await server.text('/metrics'))?.[1]);
}

/** Longer than the leases of a site (support/workers.ts). */
const kStallMs = 5000;

describe('Workers', { skip: kNoBroker }, () => {
  it('keep their jobs when somebody sets the clock of the server', { skip: kNoClock }, async (t) => {
    const dir = await tempDir(t);
    const wall = await WallClock.in(dir);
    const { server } = await startSite(t, { ...wall.env, CIANNA_OTF_WORKERS_LEASE_S: '60' });
    await new TestWorker(t, server, 'one', join(dir, 'cache')).ready();
    const image = await field(dir, 2500, 1);
    for (const hours of [1, -2]) {
      const id = await server.submit({}, image);
      await server.until(id, 'EXECUTING', 'COMPLETED');
      await wall.set(hours * 3_600_000);
      await server.until(id, 'COMPLETED');
      assert.match(await server.text(`/jobs/${id}/results/provjson`), /"srv\.Attempt"[^}]*"1"|srv\.Attempt[^0-9]*1/);
    }
    const { workers } = JSON.parse(await server.text('/server')) as { workers: { name: string; lost: number }[] };
    assert.deepEqual(
      workers.map(({ name, lost }) => [name, lost]),
      [['one', 0]],
    );
  });

  it('give the catalogues that detect gives, bit for bit, and share the work', async (t) => {
    const dir = await tempDir(t);
    const images = [await field(dir, 600, 1), await field(dir, 700, 2), await field(dir, 300, 3)];
    const own = await Promise.all(
      ['field-600-1.fits', 'field-700-2.fits', 'field-300-3.fits'].map((name) => detected(dir, name)),
    );
    const { server } = await startSite(t);
    // Jobs may be there before anybody works.
    const first = await server.submit({ RUNID: 'early' }, images[0]);
    await Promise.all(['one', 'two'].map((name) => new TestWorker(t, server, name, join(dir, 'cache')).ready()));
    await server.until(first, 'COMPLETED');
    const ids = await Promise.all(Array.from({ length: 24 }, (_, index) => server.submit({}, images[index % 3])));
    const workers = new Set<string>();
    for (const [index, id] of ids.entries()) {
      await server.until(id, 'COMPLETED');
      assert.equal(await rows(server, id), own[index % 3], `image ${index % 3}`);
      workers.add(await workerOf(server, id));
    }
    assert.deepEqual([...workers].sort(), ['one', 'two']);
    assert.equal(await metric(server, 'otf_workers'), 2);
    assert.equal(await metric(server, 'otf_worker_refused_total'), 0);
    const ends = 'otf_http_request_duration_seconds_count\\{method="POST",route="/work/jobs/:id/end",status="200"\\}';
    assert.equal(await metric(server, ends), 25, 'one request for all that a run leaves');
    const state = JSON.parse(await server.text('/server')) as {
      devices: { name: string }[];
      workers: { name: string; node: string; keys: string[]; held: number; completed: number; lost: number }[];
    };
    assert.deepEqual(state.devices.map(({ name }) => name.split('/')[0]).sort(), ['one', 'two']);
    assert.equal(
      state.workers.reduce((sum, { completed }) => sum + completed, 0),
      25,
    );
    for (const { node, keys, held, lost } of state.workers) {
      assert.deepEqual([node, keys.length, held, lost], [hostname(), 1, 0, 0]);
    }
    assert.match(await server.text(`/jobs/${first}/results/provjson`), /"srv\.Attempt"[^}]*"1"|srv\.Attempt[^0-9]*1/);
    // Formats that are made when they are asked for.
    assert.ok((await server.text(`/jobs/${first}/results/result?RESPONSEFORMAT=fits`)).startsWith('SIMPLE'));
    const whole = (await rows(server, first)).trim().split('\r\n');
    const some = await server.text(`/jobs/${first}/results/csv?FIND=S0001`);
    assert.deepEqual(some.trim().split('\r\n'), whole.slice(0, 2), 'some of the rows');
    assert.equal((await rows(server, first)).trim().split('\r\n').length, whole.length);
    assert.match(await server.text(`/jobs/${first}/results/log`), /sources/);
    assert.equal(await server.stop(), 0);
  });

  it('may be killed: their jobs begin elsewhere, and none is run twice to an end', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 1500, 4);
    const { server } = await startSite(t);
    const ids: string[] = [];
    const lost = () => metric(server, 'otf_worker_lost_total');
    const anyExecutes = async () =>
      (await Promise.all(ids.map(async (id) => (await server.job(id)).phase))).includes('EXECUTING');
    // What a worker has not said to have yet, or is just ending, is not lost with it: one after the other, until some was.
    for (let kills = 0; kills < 8 && (await lost()) === 0; kills++) {
      const one = await new TestWorker(t, server, `one-${kills}`, join(dir, 'cache')).ready();
      ids.push(...(await Promise.all(Array.from({ length: 8 }, () => server.submit({}, image)))));
      await until(anyExecutes, 'no job is executed', 60);
      await one.stop('SIGKILL');
      await until(async () => (await metric(server, 'otf_workers')) === 0, `${one.name} is not missed`, 60);
    }
    assert.ok((await lost()) > 0, 'some job was lost with its worker');
    const two = await new TestWorker(t, server, 'two', join(dir, 'cache')).ready();
    const catalogues = new Set<string>();
    for (const id of ids) {
      await server.until(id, 'COMPLETED');
      catalogues.add(await rows(server, id));
    }
    assert.equal(catalogues.size, 1);
    assert.equal(await two.stop(), 0);
  });

  it('lose nothing to kills of the broker and of the server, and go on with what they have', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 1500, 5);
    const site = await startSite(t);
    let { server } = site;
    await new TestWorker(t, server, 'one', join(dir, 'cache')).ready();
    const ids = await Promise.all(Array.from({ length: 10 }, () => server.submit({}, image)));
    for (const [index, id] of ids.entries()) {
      if (index === 2) {
        const [broker] = await server.brokers();
        assert.ok(broker, 'the server has a broker of its own');
        process.kill(broker, 'SIGKILL');
      }
      if (index === 5) {
        await server.stop('SIGKILL');
        await pause(300);
        server = await startTestServer(t, site.options);
      }
      await server.until(id, 'COMPLETED');
    }
    const catalogues = new Set(await Promise.all(ids.map((id) => rows(server, id))));
    assert.equal(catalogues.size, 1);
  });

  it('are not lost by a server that could not listen for a while', async (t) => {
    const dir = await tempDir(t);
    const preload = join(dir, 'stall.mjs');
    // As a disk that keeps it waiting would: in the middle of what its loop hears, so that timers come next.
    const stall = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${kStallMs})`;
    await writeFile(preload, `process.on('SIGUSR2', () => { ${stall}; console.error('listens'); });`);
    const { server } = await startSite(t, { NODE_OPTIONS: `--import=${preload}` });
    await new TestWorker(t, server, 'one', join(dir, 'cache')).ready();
    const id = await server.submit({}, await field(dir, 3000, 8));
    await server.until(id, 'EXECUTING');
    server.child.kill('SIGUSR2');
    await until(() => server.log.join('').includes('listens'), 'the server does not go on', 60);
    await server.until(id, 'COMPLETED');
    assert.equal(await metric(server, 'otf_worker_lost_total'), 0);
  });

  it('stop what is aborted, and give back what they do not end', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 3000, 6);
    const { server } = await startSite(t);
    const one = await new TestWorker(t, server, 'one', join(dir, 'cache'), {
      CIANNA_OTF_SERVER_SHUTDOWN_S: '0',
    }).ready();
    const [aborted, other] = [await server.submit({}, image), await server.submit({}, image)];
    await server.until(aborted, 'EXECUTING');
    await server.send(`/jobs/${aborted}/phase`, { method: 'POST', body: new URLSearchParams({ PHASE: 'ABORT' }) });
    assert.equal((await server.job(aborted)).phase, 'ABORTED');
    await server.until(other, 'EXECUTING');
    assert.equal(await one.stop(), 0, one.log.slice(-3).join(''));
    await until(async () => (await server.job(other)).phase === 'QUEUED', 'the job does not wait again', 60);
    await new TestWorker(t, server, 'two', join(dir, 'cache')).ready();
    await server.until(other, 'COMPLETED');
    assert.equal((await server.job(aborted)).phase, 'ABORTED');
    assert.ok(!(await server.text(`/jobs/${aborted}/results`)).includes('id="result"'));
  });

  it('fail a job with the words that a server alone has for it', async (t) => {
    const dir = await tempDir(t);
    const { server } = await startSite(t);
    await new TestWorker(t, server, 'one', join(dir, 'cache')).ready();
    const id = await server.submit({}, Buffer.from('no image at all'));
    await server.until(id, 'ERROR');
    const alone = await startTestServer(t);
    const same = await alone.submit({}, Buffer.from('no image at all'));
    await alone.until(same, 'ERROR');
    assert.equal(await server.text(`/jobs/${id}/error`), await alone.text(`/jobs/${same}/error`));
  });

  it('fetch what is elsewhere themselves, and what opens it stays unseen', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 7);
    const secret = 'Sgn4tureThatOpens';
    const url = await httpServer(t, (request, response) => {
      if (request.url?.endsWith(secret)) response.end(image);
      else response.writeHead(403).end();
    });
    const { server } = await startSite(t);
    const env = { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' };
    const one = await new TestWorker(t, server, 'one', join(dir, 'cache'), env).ready();
    const id = await server.submit({ IMAGE: `${url}/f.fits?X-Amz-Signature=${secret}` });
    const done = await server.until(id, 'COMPLETED');
    for (const name of ['log', 'provjson'])
      assert.ok(!(await server.text(`/jobs/${id}/results/${name}`)).includes(secret));
    for (const text of [done.xml, server.log.join(''), one.log.join('')]) assert.ok(!text.includes(secret));
    assert.equal(await rows(server, id), await detected(dir, 'field-300-7.fits'));
  });

  it('may leave files larger than uploads may be, up to a limit of their own', async (t) => {
    const dir = await tempDir(t);
    const images = new Map([300, 600].map((px) => [`/${px}.fits`, field(dir, px, 9)]));
    const url = await httpServer(t, (request, response) => {
      images.get(request.url ?? '')?.then((image) => response.end(image), assert.fail);
    });
    const limits = { CIANNA_OTF_SERVER_MAX_UPLOAD_MB: '0.1', CIANNA_OTF_WORKERS_MAX_RESULT_MB: '0.5' };
    const { server } = await startSite(t, limits);
    const env = { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' };
    await new TestWorker(t, server, 'one', join(dir, 'cache'), env).ready();
    const fields = { MEASURE: 'fast', MAPS: 'rms' };
    const small = await server.submit({ ...fields, IMAGE: `${url}/300.fits` });
    await server.until(small, 'COMPLETED');
    assert.equal((await server.text(`/jobs/${small}/results/rms`)).slice(0, 6), 'SIMPLE');
    const large = await server.submit({ ...fields, IMAGE: `${url}/600.fits` });
    const { error } = await server.until(large, 'ERROR');
    assert.match(error, /rms\.fits is larger than 0\.5 MB.*workers\.max_result_mb/);
  });

  it('work over TLS, each with a key of its own and no more rights than it needs', async (t) => {
    const dir = await tempDir(t);
    const { connect, nkeyAuthenticator, nkeys } = await import('@nats-io/transport-node');
    const [front, node] = [nkeys.createUser(), nkeys.createUser()];
    const [cert, key] = [join(dir, 'broker.pem'), join(dir, 'broker.key')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject],
      {
        stdio: 'ignore',
      },
    );
    // As docs/workers.md has it.
    const page = await readFile(join(kRoot, 'docs/workers.md'), 'utf8');
    const port = await freePort();
    const config = (
      /^ {4}listen: 0\.0\.0\.0:4222[\s\S]*?^ {4}\] \}$/m.exec(page)?.[0] ?? assert.fail('no configuration')
    )
      .replace('0.0.0.0:4222', `127.0.0.1:${port}`)
      .replace('"broker.pem"', `"${cert}"`)
      .replace('"broker.key"', `"${key}"`)
      .replace('U...SERVER', front.getPublicKey())
      .replace('U...NODE1', node.getPublicKey());
    await writeFile(join(dir, 'nats.conf'), config);
    const broker = spawn('/usr/sbin/nats-server', ['-c', join(dir, 'nats.conf')], { stdio: 'ignore' });
    atEnd(t, () => broker.kill('SIGKILL'));
    const seed = async (name: string, pair: typeof front) => {
      const path = join(dir, `${name}.seed`);
      await writeFile(path, pair.getSeed(), { mode: 0o600 });
      return { CIANNA_OTF_WORKERS_BROKER_SEED: path, CIANNA_OTF_WORKERS_BROKER_CA: cert };
    };
    const url = `tls://localhost:${port}`;
    const server = await startTestServer(t, {
      env: { ...(await seed('front', front)), CIANNA_OTF_WORKERS_BROKER: url },
    });
    await new TestWorker(t, server, 'node1', join(dir, 'cache'), await seed('node', node)).ready();
    await server.until(await server.submit({}, await field(dir, 300, 8)), 'COMPLETED');
    const tls = { caFile: cert };
    await assert.rejects(connect({ servers: url, tls, maxReconnectAttempts: 0 }), /authoriz/i);
    const stolen = await connect({ servers: url, tls, authenticator: nkeyAuthenticator(node.getSeed()) });
    atEnd(t, () => stolen.close());
    const refused: string[] = [];
    const hear = async () => {
      for await (const status of stolen.status()) if (status.type === 'error') refused.push(status.error.message);
    };
    hear().catch(() => undefined);
    stolen.publish('otf.worker.other.give', '{}');
    for (const subjects of ['otf.worker.other.give', 'otf.front.beat', '_INBOX.front.>']) {
      stolen.subscribe(subjects, { callback: () => undefined });
    }
    await until(() => refused.length >= 4, 'a worker may do what it should not');
  });

  it('need a token of their own where people need one', async (t) => {
    const dir = await tempDir(t);
    const { server } = await startSite(t);
    const add = (...more: string[]) => {
      const { stdout } = runCli(['token', 'add', 'node', '--data-dir', server.dataDir, '--json', ...more], dir);
      return (JSON.parse(stdout) as { token: string }).token;
    };
    const [user, worker] = [add(), add('--scope', 'work')];
    const get = async (path: string, token: string) =>
      (await server.send(path, { headers: { authorization: `Bearer ${token}` } })).status;
    await until(async () => (await get('/work', worker)) === 200, 'the token does not work');
    assert.deepEqual(
      [await get('/work', user), await get('/jobs', worker), (await server.send('/work')).status],
      [403, 403, 401],
    );
    const env = { CIANNA_OTF_TOKEN: user };
    const refused = new TestWorker(t, server, 'one', join(dir, 'cache'), env);
    await until(() => refused.child.exitCode !== null, 'the worker does not end', 60);
    assert.match(refused.log.join(''), /answers 403: .*needs the scope "work"/);
    await new TestWorker(t, server, 'two', join(dir, 'cache'), { CIANNA_OTF_TOKEN: worker }).ready();
  });
});
