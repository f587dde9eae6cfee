import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { kServer } from '#otf/jobs/access.js';
import { bench, tempDir } from './service/bench.js';
import { kCatalogue } from './service/fake-executor.js';
import { cli, image } from './support/commands.js';
import { atEnd } from './support/endings.js';
import { floatData, header, imageCards } from './support/fits-writer.js';
import { httpServer } from './support/http-server.js';

describe('client commands', () => {
  it('submit images, wait for them and fetch their results', async (t) => {
    const b = await bench(t, { delayMs: 100 });
    const dir = await tempDir(t);
    await writeFile(`${dir}/a.fits`, image(1000, 750));
    await writeFile(`${dir}/b".fits`, image(32, 64));
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
    assert.deepEqual(b.server.jobs.get(first.id, kServer).parameters.asked.region, { box: [1, 2, 30, 40] });
    assert.equal((await b.send(`/jobs/${first.id}/parameters/IMAGE`)).headers.get('content-length'), '3003840');
    assert.deepEqual(
      submitted.map(({ files }) => files),
      [[`${dir}/out/a.vot`], [`${dir}/out/b".vot`]],
    );
    assert.equal(await readFile(`${dir}/out/a.vot`, 'utf8'), kCatalogue);
    assert.deepEqual((await readdir(`${dir}/out`)).sort(), ['a.vot', 'b".vot'], 'and nothing that was not asked for');
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
    await writeFile(`${dir}/a.fits`, image(32, 32));
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
    const broken = await cli(['jobs', '--server', url], { CIANNA_OTF_TOKEN: 'otf_1\notf_2' });
    assert.deepEqual([broken.code, /the token .* is more than one word/.test(broken.err)], [2, true], broken.err);
    const b = await bench(
      t,
      { failure: () => ({ type: 'fatal', message: 'no image in it' }) },
      { server: { max_upload_mb: 1 } },
    );
    const failed = await cli(['submit', `${dir}/a.fits`, '--wait', '--server', b.url]);
    assert.equal(failed.code, 1);
    assert.match(failed.err, /1 of 1 jobs failed: j\w+: no image in it/);
    await writeFile(`${dir}/big.fits`, image(1000, 750));
    const big = await cli(['submit', `${dir}/big.fits`, '--server', b.url]);
    assert.deepEqual([big.code, /413: the request is larger than 1 MB/.test(big.err)], [1, true], big.err);
    assert.equal((await cli(['submit', `${dir}/none.fits`, '--server', b.url])).code, 1);
  });

  it('look at images before they send them, and send none when one is no use', async (t) => {
    const b = await bench(t, { hold: true });
    const dir = await tempDir(t);
    await writeFile(`${dir}/good.fits`, image(64, 64));
    await writeFile(`${dir}/text.fits`, 'hello');
    await writeFile(`${dir}/line.fits`, Buffer.concat([header(imageCards([64])), floatData(new Float32Array(64))]));
    await writeFile(`${dir}/packed.fits`, gzipSync(image(64, 64)));
    const submit = (...args: string[]) => cli(['submit', ...args, '--server', b.url]);
    const refused = async (message: RegExp, ...args: string[]) => {
      const { code, err } = await submit(...args);
      assert.deepEqual([code, message.test(err)], [1, true], err);
      assert.equal(b.server.jobs.counts().jobs, 0);
    };
    await refused(
      /text\.fits is not a FITS file.*nothing was sent \(--no-check/,
      `${dir}/good.fits`,
      `${dir}/text.fits`,
    );
    await refused(/line\.fits/, `${dir}/line.fits`);
    await refused(/outside.*good\.fits/, `${dir}/good.fits`, '--box', '65,1,8,8');
    await refused(/outside.*good\.fits/, `${dir}/good.fits`, '--roi', '10,10,8,8');
    await refused(/none\.fits: no such file/, `${dir}/none.fits`);
    assert.equal((await submit(`${dir}/good.fits`, `${dir}/packed.fits`, '--roi', '150.1,-30.2,8,8')).code, 0);
    assert.equal((await submit(`${dir}/text.fits`, '--no-check')).code, 0);
    assert.equal(b.server.jobs.counts().jobs, 3);
  });

  it('send several images at a time, and give the ids in the order of the images', async (t) => {
    const dir = await tempDir(t);
    let open = 0;
    let most = 0;
    const seen: string[] = [];
    const server = createServer((request, response) => {
      open++;
      most = Math.max(most, open);
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', async () => {
        const name = /filename="([^"]+)"/.exec(Buffer.concat(chunks).toString('latin1'))?.[1] ?? '';
        seen.push(name);
        // Until a second one is under way, or there is none left.
        while (open < 2 && seen.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
        open--;
        if (name === 'bad.fits') response.writeHead(422).end('not this one');
        else response.writeHead(303, { location: `/jobs/j-${name}` }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(t, () => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const names = ['a.fits', 'b.fits', 'c.fits', 'd.fits'];
    for (const name of [...names, 'bad.fits']) await writeFile(`${dir}/${name}`, image(8, 8));
    const paths = names.map((name) => `${dir}/${name}`);
    const { code, out, err } = await cli(['submit', ...paths, '--parallel', '2', '--server', url, '--json']);
    assert.equal(code, 0, err);
    assert.deepEqual(
      (JSON.parse(out) as { id: string }[]).map(({ id }) => id),
      names.map((name) => `j-${name}`),
    );
    assert.equal(most, 2);
    // What was sent before one is refused is told; nothing is begun after it.
    const partly = await cli(['submit', paths[0] ?? '', `${dir}/bad.fits`, paths[1] ?? '', '--server', url, '--json']);
    assert.deepEqual([partly.code, JSON.parse(partly.out).length], [1, 1]);
    assert.match(partly.err, /422: not this one/);
  });

  it('tell the ids of jobs whose server goes away while they are waited for', async (t) => {
    const dir = await tempDir(t);
    await writeFile(`${dir}/a.fits`, image(8, 8));
    const url = await httpServer(t, (request, response) => {
      if (request.method !== 'POST') response.destroy();
      else request.resume().on('end', () => response.writeHead(303, { location: '/jobs/j-there' }).end());
    });
    const args = ['submit', `${dir}/a.fits`, '--server', url, '-o', `${dir}/out`];
    const plain = await cli(args);
    assert.deepEqual([plain.code, plain.out], [3, '']);
    assert.match(plain.err, /^j-there {2}\S+a\.fits\ncianna-otf: cannot reach .*\n$/);
    const json = await cli([...args, '--json']);
    assert.deepEqual([json.code, JSON.parse(json.out)], [3, [{ image: `${dir}/a.fits`, id: 'j-there' }]]);
  });

  it('wait no longer than --timeout, and say so with exit code 4', async (t) => {
    const b = await bench(t, { hold: true });
    const dir = await tempDir(t);
    await writeFile(`${dir}/a.fits`, image(8, 8));
    const id = await b.create({ PHASE: 'RUN' });
    const waited = await cli(['wait', id, '--timeout', '0.2', '--server', b.url]);
    assert.equal(waited.code, 4);
    assert.match(waited.err, new RegExp(`job ${id} is QUEUED after 0.2 s, and goes on`));
    const sent = await cli(['submit', `${dir}/a.fits`, '--wait', '--timeout', '0.1', '--server', b.url, '--json']);
    assert.equal(sent.code, 4);
    assert.equal(JSON.parse(sent.out)[0].phase, 'QUEUED');
    assert.match(sent.err, /1 of 1 jobs are not done after 0.1 s, and go on: j/);
    assert.equal((await cli(['submit', `${dir}/a.fits`, '--timeout', '1', '--server', b.url])).code, 2);
    b.executor.release();
    assert.equal((await cli(['wait', id, '--timeout', '60', '--server', b.url])).code, 0);
  });

  it('use the address they were given, whatever the server calls itself', async (t) => {
    const b = await bench(
      t,
      {},
      {
        server: { public_url: 'https://otf.example.org/cianna' },
        auth: { anonymous: true },
      },
    );
    const dir = await tempDir(t);
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    assert.match(await b.text(`/jobs/${id}`), /href="https:\/\/otf\.example\.org\/cianna\/jobs\//);
    const fetched = await cli(['results', id, '-o', dir, '--server', b.url]);
    assert.equal(fetched.code, 0, fetched.err);
    const listed = JSON.parse((await cli(['results', id, '--json', '--server', b.url])).out) as { href: string }[];
    assert.ok(listed.every(({ href }) => href.startsWith(`${b.url}/jobs/${id}/results/`)));
    const jobs = JSON.parse((await cli(['jobs', '--json', '--server', b.url])).out) as { href: string }[];
    assert.equal(jobs[0]?.href, `${b.url}/jobs/${id}`);
  });

  it('list the models of a server', async (t) => {
    const b = await bench(t);
    const { code, out, err } = await cli(['models', 'list', '--server', b.url]);
    assert.equal(code, 0, err);
    assert.match(out, /demo-continuum +demo-continuum\.dat +FP32C_FP32A, BF16C_FP32A, INT8C_INT32A +256 /);
    const json = JSON.parse((await cli(['models', 'list', '--server', b.url, '--json'])).out);
    assert.equal(json[0].parameters.ModelURL, `${b.url}/model-files/demo-continuum.dat`);
    assert.match((await cli(['models', 'list', '--server', b.url, '--xml'])).out, /<uws:job /);
    assert.equal((await cli(['models', 'list', '--server', 'http://127.0.0.1:1'])).code, 3);
  });

  it('do not believe a server that is none', async (t) => {
    const server = createServer((_, response) => response.end('<html>hello</html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(t, () => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, err } = await cli(['jobs', '--server', url]);
    assert.deepEqual([code, /no UWS document/.test(err)], [1, true], err);
  });
});
