import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bench, tempDir } from './service/bench.js';
import { kCatalogue } from './service/fake-executor.js';

const kMain = fileURLToPath(new URL('../../bin/cianna-otf.js', import.meta.url));

function cli(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [kMain, ...args], { env: { ...process.env, ...env } });
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.stderr.on('data', (data) => {
      err += data;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('client commands', () => {
  it('submit images, wait for them and fetch their results', async (t) => {
    const b = await bench(t, { delayMs: 100 });
    const dir = await tempDir(t);
    await writeFile(`${dir}/a.fits`, Buffer.alloc(3_000_000, 'a'));
    await writeFile(`${dir}/b".fits`, 'b');
    const args = ['--server', b.url, '--json', '--run-id', 'mine', '--box', '1,2,30,40', '-o', `${dir}/out`];
    const { code, out, err } = await cli(['submit', `${dir}/a.fits`, `${dir}/b".fits`, ...args]);
    assert.equal(code, 0, err);
    const submitted = JSON.parse(out) as { id: string; phase: string; files: string[] }[];
    assert.deepEqual(
      submitted.map(({ phase }) => phase),
      ['COMPLETED', 'COMPLETED'],
    );
    const [first] = submitted;
    assert.ok(first);
    assert.deepEqual(b.server.jobs.get(first.id).parameters.region, { box: [1, 2, 30, 40] });
    assert.equal((await b.send(`/jobs/${first.id}/parameters/IMAGE`)).headers.get('content-length'), '3000000');
    const catalogue = first.files.find((file) => file.endsWith('-result.vot'));
    assert.equal(await readFile(catalogue ?? '', 'utf8'), kCatalogue);
  });

  it('list, show, wait, abort and delete', async (t) => {
    const b = await bench(t, { hold: true });
    const env = { CIANNA_OTF_URL: b.url };
    const id = await b.create({ PHASE: 'RUN', RUNID: 'a & b' });
    const listed = JSON.parse((await cli(['jobs', '--json', '--phase', 'QUEUED'], env)).out);
    assert.deepEqual([listed.length, listed[0].id, listed[0].runId], [1, id, 'a & b']);
    assert.match((await cli(['status', id], env)).out, /QUEUED, 1 in the queue/);
    const waiting = cli(['wait', id, '--json'], env);
    assert.deepEqual(JSON.parse((await cli(['abort', id, '--json'], env)).out), { id, phase: 'ABORTED' });
    const waited = await waiting;
    assert.equal(waited.code, 1);
    assert.equal(JSON.parse(waited.out).phase, 'ABORTED');
    assert.equal((await cli(['results', id], env)).code, 1);
    assert.equal((await cli(['delete', id], env)).code, 0);
    const gone = await cli(['status', id], env);
    assert.deepEqual([gone.code, gone.err], [1, 'cianna-otf: no such job\n']);
    assert.equal((await cli(['status', '../metrics'], env)).code, 1);
  });

  it('exit with 3 when nobody answers, 2 for a wrong address, 1 when refused or when the job failed', async (t) => {
    const dir = await tempDir(t);
    await writeFile(`${dir}/a.fits`, 'a');
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    await new Promise((resolve) => closed.close(resolve));
    for (const args of [['jobs'], ['status', 'x'], ['submit', `${dir}/a.fits`]]) {
      const { code, err } = await cli([...args, '--server', url]);
      assert.equal(code, 3, args[0]);
      assert.match(err, /^cianna-otf: cannot reach http:\/\/127.0.0.1:\d+: connection refused.*\n$/);
    }
    assert.equal((await cli(['jobs', '--server', 'ftp://x'])).code, 2);
    const b = await bench(
      t,
      { failure: () => ({ type: 'fatal', message: 'no image in it' }) },
      { server: { max_upload_mb: 1 } },
    );
    const failed = await cli(['submit', `${dir}/a.fits`, '--wait', '--server', b.url]);
    assert.equal(failed.code, 1);
    assert.match(failed.err, /1 of 1 jobs failed: j\w+: no image in it/);
    await writeFile(`${dir}/big.fits`, Buffer.alloc(2 << 20));
    const big = await cli(['submit', `${dir}/big.fits`, '--server', b.url]);
    assert.deepEqual([big.code, /413: the request is larger than 1 MB/.test(big.err)], [1, true], big.err);
    assert.equal((await cli(['submit', `${dir}/none.fits`, '--server', b.url])).code, 1);
  });

  it('do not believe a server that is none', async (t) => {
    const server = createServer((_, response) => response.end('<html>hello</html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, err } = await cli(['jobs', '--server', url]);
    assert.deepEqual([code, /no UWS document/.test(err)], [1, true], err);
  });
});
