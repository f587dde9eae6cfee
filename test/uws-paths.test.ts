import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bench, legacyBody } from './service/bench.js';
import { rawExchange } from './service/raw.js';

describe('HTTP: methods and paths', () => {
  it('is 404 for what is not there whatever the method, 405 for a wrong method', async (t) => {
    const b = await bench(t);
    const id = await b.create();
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH']) {
      for (const path of [
        '/jobs/nope',
        '/jobs/nope/phase',
        '/jobs/nope?WAIT=3',
        '/jobs/nope/results/x',
        `/jobs/${id}/nope`,
        '/nope',
      ]) {
        assert.equal((await b.send(path, { method })).status, 404, `${method} ${path}`);
      }
    }
    const wrong: [string, string, string][] = [
      ['PUT', '/jobs', 'GET, POST, HEAD'],
      ['DELETE', '/jobs', 'GET, POST, HEAD'],
      ['PUT', `/jobs/${id}`, 'GET, POST, DELETE, HEAD'],
      ['DELETE', `/jobs/${id}/phase`, 'GET, POST, HEAD'],
      ['POST', `/jobs/${id}/owner`, 'GET, HEAD'],
      ['POST', `/jobs/${id}/results`, 'GET, HEAD'],
      ['POST', '/availability', 'GET, HEAD'],
    ];
    for (const [method, path, allow] of wrong) {
      const answer = await b.send(path, { method });
      assert.equal(answer.status, 405, `${method} ${path}`);
      assert.equal(answer.headers.get('allow'), allow);
    }
    assert.equal((await b.send(`/jobs/${id}/results/nope`, { method: 'PUT' })).status, 404);
  });

  it('treats a trailing slash as none and answers HEAD like GET without the body', async (t) => {
    const b = await bench(t);
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    assert.equal(await b.text(`/jobs/${id}/phase/`), 'COMPLETED');
    for (const path of ['/jobs', `/jobs/${id}`, `/jobs/${id}/results/result`, `/jobs/${id}/parameters/IMAGE`]) {
      const get = await b.send(path, { headers: { 'accept-encoding': 'identity' } });
      const head = await b.send(path, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } });
      assert.equal(head.status, 200);
      assert.equal(head.headers.get('content-length'), get.headers.get('content-length'), path);
      assert.equal(Number(get.headers.get('content-length')), (await get.arrayBuffer()).byteLength);
      assert.equal(await head.text(), '');
    }
  });

  it('stays inside its folders whatever a path or a Host header says', async (t) => {
    const b = await bench(t, {}, { server: { hosts: ['otf.example.org'] }, auth: { anonymous: true } });
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    for (const path of [
      '/model-files/..%2F..%2Fpackage.json',
      '/model-files/%2e%2e%2fmodel.toml',
      '/model-files/demo-continuum%2Fweights.dat',
      `/jobs/${id}/results/..%2F..%2Fotf.sqlite`,
      `/jobs/${id}/results/catalogue.vot`,
      `/jobs/${id}/parameters/%00`,
      `/jobs/${id}/parameters/__proto__`,
      '/jobs/%E0%A4%A',
      '/jobs/..%2f..%2f',
    ]) {
      const answer = await rawExchange(b.url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 404 /, path);
    }
    const hostile = await rawExchange(b.url, `GET /jobs/${id} HTTP/1.1\r\nHost: a"><evil>\r\n\r\n`);
    assert.doesNotMatch(hostile, /evil/);
    assert.match(hostile, /^HTTP\/1\.1 421 /);
    const nameless = await rawExchange(b.url, `GET /jobs/${id} HTTP/1.1\r\nHost:\r\n\r\n`);
    assert.match(nameless, new RegExp(`^HTTP/1.1 400|href="http://127.0.0.1:${b.server.port}/jobs/`));
    const named = await rawExchange(b.url, `GET /jobs/${id} HTTP/1.1\r\nHost: otf.example.org:81\r\n\r\n`);
    assert.match(named, /href="http:\/\/otf.example.org:81\/jobs\//);
  });

  it('names the owner a trusted proxy gives, when configured', async (t) => {
    const b = await bench(t, {}, { auth: { owner_header: 'x-remote-user' } });
    b.headers['x-remote-user'] = 'ada';
    const created = await b.send('/jobs', { method: 'POST' });
    const id = created.headers.get('location')?.split('/').pop();
    assert.equal(await b.text(`/jobs/${id}/owner`), 'ada');
    assert.match(await b.text(`/jobs/${id}`), /<uws:ownerId>ada</);
  });

  it('keeps the connection usable after refusing a legacy upload in JSON', async (t) => {
    const b = await bench(t);
    const body = legacyBody('<a/>');
    body.delete('fits');
    for (let i = 0; i < 3; i++) {
      const answer = await b.send('/jobs/', { method: 'POST', body });
      assert.equal(answer.status, 400);
      assert.deepEqual(Object.keys((await answer.json()) as object), ['error']);
    }
  });
});
