/** A disk that is full, or about to be. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rmdir, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { bench } from './service/bench.js';
import { until } from './support/until.js';

const kRoot = process.getuid?.() === 0 ? false : 'a small file system can be made by root only';

describe('A full disk', { skip: kRoot }, () => {
  async function small(t: TestContext): Promise<string | undefined> {
    const dir = await mkdtemp(join(tmpdir(), 'otf-small-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', dir], { stdio: 'ignore' });
    } catch {
      await rmdir(dir);
      return undefined;
    }
    t.after(async () => {
      execFileSync('umount', ['-l', dir], { stdio: 'ignore' });
      await rmdir(dir);
    });
    return dir;
  }

  it('does not keep jobs from being deleted, by hand or by time, and takes uploads again then', async (t) => {
    const dir = await small(t);
    if (dir === undefined) return t.skip('mounting is not allowed here');
    const flags = { storage: { reserve_mb: 2 } };
    const b = await bench(t, {}, flags, dir);
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push(await b.create({ PHASE: 'RUN' }));
    for (const id of ids) await b.until(id, 'COMPLETED');
    const soon = new Date(Date.now() + 1500).toISOString();
    assert.equal((await b.form(`/jobs/${ids[1]}/destruction`, { DESTRUCTION: soon })).status, 303);
    await fillUp(join(dir, 'filler'));
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
    const dir = await small(t);
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

/** To the last byte. */
async function fillUp(path: string): Promise<void> {
  for (let bytes = 1 << 20; bytes >= 1; ) {
    try {
      await writeFile(path, Buffer.alloc(bytes), { flag: 'a' });
    } catch {
      bytes >>= 4;
    }
  }
}
