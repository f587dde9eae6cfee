/** Files of jobs that the disk has changed since they were written: nobody is given them as if they were right. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Bench, bench } from './service/bench.js';
import { field, startTestServer, tempDir } from './support/server.js';

const kLarge = 'row\n'.repeat(300_000);

/** One bit of the byte at `share` of the file. */
function flip(path: string, share = 0.5): void {
  const bytes = readFileSync(path);
  const at = Math.floor(share * bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

async function completed(b: Bench): Promise<{ id: string; path: (file: string) => string }> {
  const id = await b.create({ PHASE: 'RUN' });
  await b.until(id, 'COMPLETED');
  return { id, path: (file) => join(b.dataDir, 'jobs', id, file) };
}

async function refused(b: Bench, address: string, headers: Record<string, string> = {}): Promise<void> {
  const answer = await b.send(address, { headers });
  const text = await answer.text();
  assert.deepEqual([answer.status, answer.headers.get('otf-error')], [500, 'OTF_FILE_DAMAGED'], text);
  assert.match(text, /^[\w.-]+ is (not what was written|shorter than it was): [^/\n]+\n$/);
}

describe('A file of a job that the disk has changed', () => {
  it('is refused where it is small, and the log says so', async (t) => {
    const b = await bench(t);
    const { id, path } = await completed(b);
    flip(path('raw.dat'));
    await refused(b, `/jobs/${id}/results/raw`);
    await refused(b, `/jobs/${id}/results/raw`, { 'accept-encoding': 'identity' });
    assert.match(b.errors.join(), /"code":"OTF_FILE_DAMAGED".*"msg":"a file of a job is damaged"/);
    assert.equal((await b.send(`/jobs/${id}/results/result`)).status, 200);
    flip(path('catalogue.votable'));
    for (const encoding of ['gzip', 'identity'])
      await refused(b, `/jobs/${id}/results/result`, { 'accept-encoding': encoding });
    flip(path(readdirSync(path('')).find((name) => name.startsWith('upload-')) ?? ''));
    await refused(b, `/jobs/${id}/parameters/IMAGE`);
  });

  it('breaks the connection before its end where it is large, and parts of it are given', async (t) => {
    const b = await bench(t, { catalogue: kLarge });
    const { id, path } = await completed(b);
    const address = `/jobs/${id}/results/result`;
    flip(path('catalogue.votable'), 0.99);
    for (const encoding of ['gzip', 'identity']) {
      const answer = await b.send(address, { headers: { 'accept-encoding': encoding } });
      assert.equal(answer.status, 200);
      await assert.rejects(answer.arrayBuffer(), encoding);
    }
    const part = await b.send(address, { headers: { range: 'bytes=4-11' } });
    assert.deepEqual([part.status, await part.text()], [206, 'row\nrow\n']);
    // Right again, it is given again: nothing is remembered of it.
    flip(path('catalogue.votable'), 0.99);
    assert.equal(await b.text(address), kLarge);
  });

  it('is refused when it has become shorter', async (t) => {
    const b = await bench(t, { catalogue: kLarge });
    const { id, path } = await completed(b);
    truncateSync(path('raw.dat'), 5);
    await refused(b, `/jobs/${id}/results/raw`);
    for (const length of [700_000, 0]) {
      truncateSync(path('catalogue.votable'), length);
      await refused(b, `/jobs/${id}/results/result`);
      await refused(b, `/jobs/${id}/results/result`, { range: 'bytes=0-3' });
    }
  });

  it('is no source of other formats', async (t) => {
    const dataDir = await tempDir(t);
    const server = await startTestServer(t, { dataDir });
    const id = await server.submit({}, await field(dataDir, 300, 1));
    await server.until(id, 'COMPLETED');
    const record = join(dataDir, 'jobs', id, 'catalogue.record');
    const formats = ['csv', 'json', 'fits', 'reg'];
    for (const [index, format] of formats.entries()) {
      flip(record, index / formats.length);
      const answer = await server.send(`/jobs/${id}/results/${format}`);
      assert.deepEqual([answer.status, answer.headers.get('otf-error')], [500, 'OTF_FILE_DAMAGED'], format);
      flip(record, index / formats.length);
    }
    assert.equal((await server.send(`/jobs/${id}/results/result`)).status, 200);
    assert.equal((await server.send(`/jobs/${id}/results/csv`)).status, 200);
  });
});
