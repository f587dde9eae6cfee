/** Jobs by their addresses, and answers that take their time: a command talks to the server it was given, and to no other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { UwsClient } from '#otf/client/client.js';
import { bench, tempDir } from './service/bench.js';
import { cli } from './support/commands.js';
import { httpServer } from './support/http-server.js';

describe('addresses of jobs', () => {
  it('of the server itself name a job, also as its page shows them, and are beginnings of nothing', async (t) => {
    const b = await bench(t, { hold: true });
    const env = { CIANNA_OTF_URL: `${b.url}/` };
    const id = await b.create({ PHASE: 'RUN' });
    for (const address of [`${b.url}/jobs/${id}`, `${b.url}/uws/${id}/`, `${b.url}/#/jobs/${id}`]) {
      const { code, out, err } = await cli(['status', address, '--json'], env);
      assert.deepEqual([code, out.includes(id)], [0, true], `${address}: ${err}`);
    }
    for (const [address, code] of [
      [`${b.url}/jobs/${id.slice(0, 8)}`, 1],
      [`${b.url}/jobs/${id}/results/result`, 2],
      [`${b.url}/jobs`, 2],
    ] as const) {
      assert.equal((await cli(['delete', address], env)).code, code, address);
    }
    assert.equal(b.server.jobs.counts().jobs, 1);
    assert.equal((await cli(['delete', `${b.url}/jobs/${id}`], env)).code, 0);
  });

  it('of another server are refused, whatever their ids, and neither server hears of it', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.create({ PHASE: 'RUN' });
    const asked: (string | undefined)[] = [];
    const other = await httpServer(t, (request, response) => {
      asked.push(request.url);
      response.end();
    });
    const env = { CIANNA_OTF_URL: b.url, CIANNA_OTF_TOKEN: 'secret' };
    for (const address of [`${other}/jobs/${id}`, `${b.url}/otf/jobs/${id}`, `${other}/#/jobs/${id}`]) {
      for (const command of ['status', 'wait', 'results', 'abort', 'delete']) {
        const { code, err } = await cli([command, address], env);
        assert.equal(code, 2, address);
        assert.match(err, /^cianna-otf: http\S+ is no job of http\S+: give --server http\S+, with its token, .*\n$/);
      }
    }
    assert.deepEqual(asked, []);
    assert.equal(b.server.jobs.counts().jobs, 1);
  });

  it('below a prefix belong to the server of that prefix', async () => {
    const client = new UwsClient('https://Example.org:443/otf/', 'token');
    assert.equal(await client.resolve('https://example.org/otf/jobs/a%20b'), 'a b');
    await assert.rejects(client.resolve('https://example.org/jobs/a'), { code: 'OTF_USAGE' });
    await assert.rejects(client.resolve('http://example.org/otf/jobs/a'), { code: 'OTF_USAGE' });
  });
});

describe('answers of servers', () => {
  const kTimeoutMs = 1000;
  const kPieces = 12;
  const result = (url: string) => ({ id: 'result', href: `${url}/jobs/a/results/result` });
  const begin = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/plain' }).write('.');

  it('may take longer than any silence in them may', async (t) => {
    const dir = await tempDir(t);
    const url = await httpServer(t, async (_, response) => {
      for (let at = 0; at < kPieces; at++) {
        if (at === 0) begin(response);
        else response.write('.');
        await new Promise((resolve) => setTimeout(resolve, (1.5 * kTimeoutMs) / kPieces));
      }
      response.end();
    });
    await writeFile(`${dir}/a.txt.part`, "somebody's");
    await new UwsClient(url, undefined, kTimeoutMs).download(result(url), `${dir}/a.txt`);
    assert.deepEqual((await readdir(dir)).sort(), ['a.txt', 'a.txt.part']);
    assert.equal(await readFile(`${dir}/a.txt`, 'utf8'), '.'.repeat(kPieces));
  });

  it('that stop in the middle are the fault of the network, not of the disk here', async (t) => {
    const dir = await tempDir(t);
    const url = await httpServer(t, async (request, response) => {
      begin(response);
      if (request.url?.includes('cut')) response.destroy();
      else await once(response, 'close');
    });
    const client = new UwsClient(url, undefined, 100);
    const failure = { code: 'OTF_SERVER_UNREACHABLE' };
    await assert.rejects(client.download(result(url), `${dir}/a.txt`), {
      ...failure,
      message: `${url} did not end its answer: nothing came for 0.1 s; the network, or the server, failed: ask again`,
    });
    await assert.rejects(client.download(result(`${url}/cut`), `${dir}/a.txt`), failure);
    await assert.rejects(client.job('a'), failure);
    assert.deepEqual(await readdir(dir), []);
  });
});
