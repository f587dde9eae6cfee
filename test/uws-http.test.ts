import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { bench, legacyBody } from './service/bench.js';
import { rawExchange, rawSocket } from './service/raw.js';

const kMultipart = 'multipart/form-data; boundary=XX';

function post(path: string, type: string, body: string | Buffer, length = Buffer.byteLength(body)): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

async function foldersLeft(dataDir: string, count: number): Promise<void> {
  const end = Date.now() + 3000;
  while ((await readdir(`${dataDir}/jobs`)).length !== count) {
    if (Date.now() > end) throw new Error(`there are not ${count} folders`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('HTTP: bodies', () => {
  it('streams an upload of many chunks to disk and gives back the same bytes', async (t) => {
    const b = await bench(t);
    const upload = async () => {
      const bytes = randomBytes(20 << 20);
      // Beginnings of the boundary, to be found at the ends of chunks too.
      for (let at = 0; at < bytes.length - 32; at += 997)
        bytes.write('\r\n------formdata-'.slice(0, 3 + (at % 14)), at);
      const body = new FormData();
      body.append('img', new Blob([bytes]), '../../etc/passwd');
      body.append('IMAGE', 'param:img');
      const created = await b.send('/jobs', { method: 'POST', body });
      assert.equal(created.status, 303);
      const back = await b.send(`${created.headers.get('location')}/parameters/IMAGE`);
      assert.equal(back.headers.get('content-length'), String(bytes.length));
      assert.ok(Buffer.from(await back.arrayBuffer()).equals(bytes));
      const digest = createHash('sha256').update(bytes).digest('hex');
      assert.equal(back.headers.get('etag'), `"${digest.slice(0, 32)}"`);
    };
    // Several at once: receive buffers are lent to all of them.
    await Promise.all([upload(), upload(), upload()]);
    await upload();
    await foldersLeft(b.dataDir, 4);
  });

  it('reads a form that comes byte by byte, and whatever follows its end', async (t) => {
    const b = await bench(t);
    const part = (name: string, more: string, value: string) =>
      `--XX\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
    const image = '\r\n--X\r\n--\r\r\n';
    const body = `${part('RUNID', '', 'slow')}${part('IMAGE', '; filename="a.fits"', image)}--XX--\r\nan epilogue`;
    const bytes = new ReadableStream({
      async start(controller) {
        for (const byte of Buffer.from(body)) {
          controller.enqueue(Uint8Array.of(byte));
          await new Promise((resolve) => setImmediate(resolve));
        }
        controller.close();
      },
    });
    const init = { method: 'POST', body: bytes, duplex: 'half', headers: { 'content-type': kMultipart } };
    const created = await b.send('/jobs', init as RequestInit);
    assert.equal(created.status, 303);
    const back = await b.send(`${created.headers.get('location')}/parameters/IMAGE`);
    assert.equal(await back.text(), image);
    assert.match(await b.text(new URL(created.headers.get('location') ?? '').pathname), /<uws:runId>slow</);
  });

  it('answers 413 and keeps nothing, announced or not', async (t) => {
    const b = await bench(t, {}, { server: { max_upload_mb: 1 } });
    const big = Buffer.alloc(3 << 20, 1);
    const body = new FormData();
    body.append('IMAGE', new Blob([big]), 'big.fits');
    assert.equal((await b.send('/jobs', { method: 'POST', body })).status, 413);
    const head = '--XX\r\nContent-Disposition: form-data; name="IMAGE"; filename="a.fits"\r\n\r\n';
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(head));
        for (let i = 0; i < 48; i++) controller.enqueue(new Uint8Array(1 << 16));
        controller.enqueue(Buffer.from('\r\n--XX--\r\n'));
        controller.close();
      },
    });
    const init = { method: 'POST', body: chunked, duplex: 'half', headers: { 'content-type': kMultipart } };
    assert.equal((await b.send('/jobs', init as RequestInit)).status, 413);
    await foldersLeft(b.dataDir, 0);
    assert.equal(b.server.jobs.counts().jobs, 0);
    assert.equal((await readdir(`${b.dataDir}/jobs`)).length, 0);
    const tooMuchText = await b.send('/jobs', {
      method: 'POST',
      body: new URLSearchParams({ RUNID: 'x'.repeat(2 << 20) }),
    });
    assert.equal(tooMuchText.status, 413);
  });

  it('removes what a vanished client had sent', async (t) => {
    const b = await bench(t);
    const socket = await rawSocket(b.url);
    const head = '--XX\r\nContent-Disposition: form-data; name="IMAGE"; filename="a.fits"\r\n\r\n';
    socket.write(post('/jobs', kMultipart, head + 'x'.repeat(200_000), 10_000_000));
    const end = Date.now() + 3000;
    while ((await readdir(`${b.dataDir}/jobs`)).length === 0) {
      assert.ok(Date.now() < end, 'the upload never began');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    socket.destroy();
    await foldersLeft(b.dataDir, 0);
    assert.equal(b.server.jobs.counts().jobs, 0);
  });

  it('says 400 to broken multipart and 415 to unknown types', async (t) => {
    const b = await bench(t);
    const part = '--XX\r\nContent-Disposition: form-data; name="IMAGE"; filename="a.fits"\r\n\r\nbytes';
    for (const [type, body] of [
      [kMultipart, part],
      [kMultipart, 'no boundary here'],
      [kMultipart, ''],
      ['multipart/form-data', part],
      [kMultipart, `${'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'.repeat(300)}--XX--\r\n`],
      [kMultipart, `--XX\r\nContent-Disposition: form-data; name="RUNID"\r\n\r\n${'x'.repeat(100_000)}\r\n--XX--\r\n`],
    ] as const) {
      assert.match(
        await rawExchange(b.url, post('/jobs', type, body)),
        /^HTTP\/1\.1 400 /,
        `${type} ${body.slice(0, 20)}`,
      );
    }
    for (const type of ['application/json', 'text/plain', 'application/octet-stream']) {
      assert.match(await rawExchange(b.url, post('/jobs', type, '{}')), /^HTTP\/1\.1 415 /);
    }
    await foldersLeft(b.dataDir, 0);
  });

  it('takes multipart without files, forms, and the empty Basic login some tools send', async (t) => {
    const b = await bench(t);
    const body = new FormData();
    body.append('image', 'https://example.org/a.fits');
    body.append('RuNiD', 'x');
    const headers = { authorization: `Basic ${Buffer.from(':').toString('base64')}` };
    const created = await b.send('/jobs', { method: 'POST', body, headers });
    assert.equal(created.status, 303);
    const id = created.headers.get('location')?.split('/').pop();
    assert.match(
      await b.text(`/jobs/${id}/parameters`),
      /id="IMAGE" byReference="true">https:\/\/example.org\/a.fits</,
    );
    assert.equal((await b.send(`/jobs/${id}/phase?PHASE=ABORT`, { method: 'POST' })).status, 303);
  });

  it('refuses doubled single parameters, control characters, bad names and bad URLs', async (t) => {
    const b = await bench(t, {}, { fetch: { file_roots: ['/srv/images'] } });
    const url = 'https://example.org/a.fits';
    const cases: [[string, string][], number][] = [
      [
        [
          ['IMAGE', url],
          ['image', url],
        ],
        400,
      ],
      [
        [
          ['RUNID', 'a'],
          ['RUNID', 'a'],
        ],
        400,
      ],
      [[['RUNID', 'a\u0001b']], 400],
      [[['PHASE', 'run']], 400],
      [[['IMAGE', 'ftp://example.org/a']], 400],
      [[['IMAGE', 'param:nothing']], 400],
      [[['IMAGE', 'file:///etc/passwd']], 422],
      [[['IMAGE', 'file:///srv/images/../secret']], 422],
      [[['MODEL', 'no-such-model']], 422],
      [[['QUANTIZATION', 'FP7']], 422],
      [[['ROI', '1,2,3']], 400],
      [[['RA', '1']], 400],
      [[['EXECUTIONDURATION', '-1']], 400],
      [[['DESTRUCTION', 'tomorrow']], 400],
      [[['IMAGE_SHA256', 'abc']], 400],
    ];
    for (const [fields, status] of cases) {
      assert.equal((await b.form('/jobs', fields)).status, status, JSON.stringify(fields));
    }
    const [first, second] = await Promise.all(
      ['file:///etc/passwd', 'file:///etc/no-such-file'].map(async (IMAGE) =>
        (await b.form('/jobs', { IMAGE })).text(),
      ),
    );
    assert.equal(first, second);
    assert.equal((await b.form('/jobs', { IMAGE: 'file:///srv/images/a.fits' })).status, 303);
    assert.equal((await b.form('/jobs?PHASE=RUN', { PHASE: 'RUN', IMAGE: url })).status, 400);
  });

  it('hands back RUNID unchanged, whatever XML thinks of it', async (t) => {
    const b = await bench(t);
    const runId = ' <&>"\' é 𝄞 \n tab\t]]> ';
    // Not multipart: fetch itself rewrites line ends there.
    const created = await b.form('/jobs', { RUNID: runId });
    const id = created.headers.get('location')?.split('/').pop();
    const { XMLParser } = await import('fast-xml-parser');
    const parser = new XMLParser({ trimValues: false, htmlEntities: true });
    assert.equal(parser.parse(await b.text(`/jobs/${id}`))['uws:job']['uws:runId'], runId);
  });
});

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
    const b = await bench(t, {}, { server: { hosts: ['otf.example.org'] } });
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
    const created = await b.send('/jobs', { method: 'POST', headers: { 'x-remote-user': 'ada' } });
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
