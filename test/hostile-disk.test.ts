/** A disk that is full, or about to be, or that cannot be written to for a while. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Bench, bench } from './service/bench.js';
import { kProgram } from './support/cli.js';
import { fillUp, kNoDisks, mounted, readOnlyFromNow } from './support/disks.js';
import { atEnd } from './support/endings.js';
import { freePort, pause, tempDir } from './support/server.js';
import { until } from './support/until.js';

describe('A full disk', { skip: kNoDisks }, () => {
  it('does not keep jobs from being deleted, by hand or by time, and takes uploads again then', async (t) => {
    const dir = mounted(t, 'size=24m');
    if (dir === undefined) return t.skip('mounting is not allowed here');
    const flags = { storage: { reserve_mb: 2 } };
    const b = await bench(t, {}, flags, dir);
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push(await b.create({ PHASE: 'RUN' }));
    for (const id of ids) await b.until(id, 'COMPLETED');
    const soon = new Date(Date.now() + 1500).toISOString();
    assert.equal((await b.form(`/jobs/${ids[1]}/destruction`, { DESTRUCTION: soon })).status, 303);
    fillUp(join(dir, 'filler'));
    const refused = await b.send('/jobs', { method: 'POST' });
    assert.equal(refused.status, 503);
    assert.equal((await b.send(`/jobs/${ids[0]}`, { method: 'DELETE' })).status, 303);
    await until(
      async () => (await b.send(`/jobs/${ids[1]}`)).status === 404,
      'its time has come and it is still there',
    );
    await truncate(join(dir, 'filler'), 0);
    await b.until(await b.create({ PHASE: 'RUN' }), 'COMPLETED');
  });

  it('is seen before an upload is read, and while it is', async (t) => {
    const dir = mounted(t, 'size=24m');
    if (dir === undefined) return t.skip('mounting is not allowed here');
    const b = await bench(t, {}, { storage: { reserve_mb: 4 } }, dir);
    const form = (bytes: number) => {
      const body = new FormData();
      body.append('IMAGE', new Blob([Buffer.alloc(bytes)]), 'a.fits');
      return body;
    };
    assert.equal((await b.send('/jobs', { method: 'POST', body: form(40 << 20) })).status, 503);
    // Nothing announced: the reserve must be left all the same.
    const head = '--XX\r\nContent-Disposition: form-data; name="IMAGE"; filename="a.fits"\r\n\r\n';
    const endless = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(head)),
      pull: (controller) => controller.enqueue(Buffer.alloc(1 << 20)),
    });
    const init = { method: 'POST', body: endless, duplex: 'half' };
    const headers = { 'content-type': 'multipart/form-data; boundary=XX' };
    const answer = await b.send('/jobs', { ...init, headers } as RequestInit).then(
      ({ status }) => status,
      () => 'cut',
    );
    assert.ok(answer === 503 || answer === 'cut', String(answer));
    await until(async () => (await readdir(join(dir, 'jobs'))).length === 0, 'the upload is left');
    assert.equal((await b.send('/jobs', { method: 'POST', body: form(1 << 20) })).status, 303);
  });
});

describe('A full disk under the log', { skip: kNoDisks }, () => {
  for (const [name, again] of [
    ['is written when there is room again', true],
    ['is given up at the end', false],
  ] as const)
    it(`is not the end of a server: what it says ${name}`, async (t) => {
      const dir = mounted(t, 'size=24m');
      if (dir === undefined) return t.skip('mounting is not allowed here');
      const [path, filler] = [join(dir, 'log'), join(dir, 'filler')];
      const log = openSync(path, 'a');
      atEnd(t, () => closeSync(log));
      fillUp(filler);
      const [port, dataDir] = [await freePort(), await tempDir(t)];
      const args = [kProgram, 'serve', '--port', port, '--data-dir', dataDir];
      const server = spawn(process.execPath, args, { stdio: ['ignore', log, 'pipe'] });
      atEnd(t, () => server.kill('SIGKILL'));
      const ended = once(server, 'exit');
      const base = `http://127.0.0.1:${port}`;
      const lives = () =>
        fetch(`${base}/healthz/live`).then(
          ({ ok }) => ok,
          () => false,
        );
      await until(lives, 'it does not begin');
      for (let i = 0; i < 20; i++) {
        const body = new URLSearchParams({ RUNID: `n${i}` });
        assert.equal((await fetch(`${base}/jobs`, { method: 'POST', body, redirect: 'manual' })).status, 303);
        await pause(50);
      }
      assert.equal(await lives(), true);
      if (again) {
        await truncate(filler, 0);
        await until(async () => (await readFile(path, 'utf8')).includes('"msg":"listening"'), 'nothing is written');
      }
      server.kill('SIGTERM');
      const limit = setTimeout(() => server.kill('SIGKILL'), 60_000);
      assert.deepEqual(await ended, [0, null]);
      clearTimeout(limit);
    });

  it('keeps a command from its output: one line, no stack', async (t) => {
    const dir = mounted(t, 'size=24m');
    if (dir === undefined) return t.skip('mounting is not allowed here');
    const out = openSync(join(dir, 'out'), 'a');
    atEnd(t, () => closeSync(out));
    fillUp(join(dir, 'filler'));
    for (const args of [['models', 'list'], ['--help'], ['completion', 'bash']]) {
      const { status, stderr } = spawnSync(process.execPath, [kProgram, ...args], {
        stdio: ['ignore', out, 'pipe'],
        encoding: 'utf8',
      });
      assert.deepEqual(
        [status, stderr],
        [1, 'cianna-otf: cannot write to standard output: the disk is full\n'],
        args.join(),
      );
    }
  });
});

describe('A disk that becomes read-only under a server', { skip: kNoDisks }, () => {
  it('keeps new jobs out with a reason, gives what is there, and is no matter afterwards', async (t) => {
    const b = await bench(t);
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    const later = await b.create();
    const { end, answered } = openUpload(b.url);
    const jobs = join(b.dataDir, 'jobs');
    await until(async () => (await readdir(jobs)).length === 3, 'the upload does not begin');
    const writable = readOnlyFromNow(t, b.dataDir);
    if (writable === undefined) return t.skip('mounting is not allowed here');
    try {
      await asWhileReadOnly(b, id);
      end();
      assert.ok([503, 'cut'].includes(await answered), 'an upload that ends then is not refused');
      const told = () => b.lines.filter((line) => line.includes('the disk is read-only: no job is taken')).length;
      await until(() => told() === 1, 'the log does not say so');
      assert.deepEqual(
        b.errors.filter((line) => /internal error/.test(line)),
        [],
      );
    } finally {
      writable();
    }
    await until(async () => (await b.send('/healthz/ready')).status === 200, 'it is not ready again');
    await until(() => b.lines.some((line) => line.includes('the disk can be written to again')), 'nor does the log');
    assert.equal((await b.form(`/jobs/${later}/phase`, { PHASE: 'RUN' })).status, 303);
    await b.until(later, 'COMPLETED');
    assert.equal((await b.send(`/jobs/${id}`, { method: 'DELETE' })).status, 303);
    await until(async () => (await readdir(jobs)).join() === later, 'what was being received is left');
  });
});

/** While nothing can be written: what of `id` is refused, and what is not. */
async function asWhileReadOnly(b: Bench, id: string): Promise<void> {
  for (const [path, init] of [
    ['/jobs', { method: 'POST' }],
    ['/uploads', { method: 'POST', body: new Blob(['x']) }],
    [`/jobs/${id}`, { method: 'DELETE' }],
    ['/healthz/ready', {}],
  ] as const) {
    const answer = await b.send(path, init);
    assert.equal(answer.status, 503, path);
    assert.match(await answer.text(), /read-only/, path);
    if (path.startsWith('/health')) continue;
    assert.equal(answer.headers.get('otf-error'), 'OTF_DISK_READ_ONLY', path);
    assert.ok(Number(answer.headers.get('retry-after')) > 0, path);
  }
  assert.match(await b.text('/availability'), /<vosi:available>false<.*read-only/s);
  assert.equal((JSON.parse(await b.text('/server')) as { ready: boolean }).ready, false);
  assert.equal((await b.send('/healthz/live')).status, 200);
  assert.equal((await b.send(`/jobs/${id}/results/result`)).status, 200);
}

/** Of an image whose end is still to come. */
function openUpload(url: string): { end: () => void; answered: Promise<number | 'cut'> } {
  let end = () => {};
  const body = new ReadableStream({
    start: (controller) => {
      const head = '--XX\r\nContent-Disposition: form-data; name="IMAGE"; filename="a.fits"\r\n\r\nSIMPLE';
      controller.enqueue(Buffer.from(head));
      end = () => {
        controller.enqueue(Buffer.from('\r\n--XX--\r\n'));
        controller.close();
      };
    },
  });
  const headers = { 'content-type': 'multipart/form-data; boundary=XX' };
  const init = { method: 'POST', body, duplex: 'half', headers, redirect: 'manual' };
  const answered = fetch(`${url}/jobs`, init as RequestInit).then(
    ({ status }) => status,
    () => 'cut' as const,
  );
  return { end: () => end(), answered };
}
