import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';
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
