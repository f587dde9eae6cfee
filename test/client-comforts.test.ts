/** What commands do so that people need not: names of files, beginnings of ids, lists that say something. */
import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { downloadAll } from '#otf/cli/download.js';
import type { UwsClient } from '#otf/client/client.js';
import type { RemoteJob, RemoteResult } from '#otf/client/documents.js';
import { bench, tempDir } from './service/bench.js';
import { cli, image } from './support/commands.js';
import { atEnd } from './support/endings.js';

/** The shortest beginning of `id` that none of `others` has: ids are random, so that no fixed number of characters will do. */
function beginning(id: string, others: string[]): string {
  let length = 1;
  while (others.some((other) => other.startsWith(id.slice(0, length)))) length++;
  return id.slice(0, length);
}

describe('client commands, for people', () => {
  it('call results after their images, number names that repeat, and leave extras when asked', async (t) => {
    const b = await bench(t);
    const dir = await tempDir(t);
    await mkdir(`${dir}/night`);
    for (const path of ['a.fits', 'night/a.fits', 'a-2.fits.gz']) await writeFile(`${dir}/${path}`, image(32, 32));
    const images = ['a.fits', 'night/a.fits', 'a-2.fits.gz'].map((path) => `${dir}/${path}`);
    const { code, out, err } = await cli(['submit', ...images, '--no-check', '-o', `${dir}/out`, '--server', b.url]);
    assert.equal(code, 0, err);
    assert.deepEqual((await readdir(`${dir}/out`)).sort(), ['a-2-2.vot', 'a-2.vot', 'a.vot']);
    const lines = out.trim().split('\n');
    assert.equal(
      lines.filter((line) => /^a\S* +j[0-9a-f]{7} {2}COMPLETED {2}7 sources .*out\/a.*\.vot$/.test(line)).length,
      3,
    );
    assert.deepEqual(lines.slice(3), ['3 of 3 jobs completed: 21 sources', `results: ${dir}/out`]);
    const [id = ''] = (JSON.parse((await cli(['jobs', '--json', '--server', b.url])).out) as { id: string }[]).map(
      (job) => job.id,
    );
    const args = ['results', id.slice(0, 12), '-o', `${dir}/all`, '--extras', '--format', 'csv', 'votable-binary2'];
    const fetched = await cli([...args, '--server', b.url]);
    assert.equal(fetched.code, 0, fetched.err);
    const expected = ['a-log.txt', 'a-provjson.json', 'a-provn.provn', 'a-provxml.xml', 'a-raw.dat', 'a.csv'];
    assert.deepEqual((await readdir(`${dir}/all`)).sort(), [...expected, 'a.votable-binary2.vot', 'a.vot'].sort());
    assert.equal((await cli(['results', id, '--extras', '--server', b.url])).code, 2);
  });

  it('give results the ending of their format, also where several are plain text', async (t) => {
    const dir = await tempDir(t);
    const client = {
      download: async (_: RemoteResult, target: string) => writeFile(target, ''),
    } as unknown as UwsClient;
    const names = async (mime: string, format: string, formats: string[]) => {
      const results = [{ id: 'result', href: '/jobs/j1/results/result', mime }];
      const parameters = { RESPONSEFORMAT: format };
      const job: RemoteJob = { id: 'j1', phase: 'COMPLETED', parameters, results, info: {} };
      return (await downloadAll(client, job, dir, 's', { formats })).map((path) => path.slice(dir.length + 1));
    };
    assert.deepEqual(await names('text/plain;charset=UTF-8', 'reg', ['reg', 'csv']), ['s.reg', 's.reg.reg', 's.csv']);
    assert.deepEqual(await names('application/fits', 'fits', []), ['s.catalogue.fits']);
    assert.deepEqual(await names('text/plain', 'csv', []), ['s.txt'], 'not what was asked for');
    const file = `${dir}/s.reg`;
    await assert.rejects(downloadAll(client, {} as RemoteJob, file, 's', {}), {
      message: `cannot make ${file}: a file of that name is there`,
    });
  });

  it('take the beginning of an id, and name the candidates where it is that of several', async (t) => {
    const b = await bench(t, { hold: true });
    const dir = await tempDir(t);
    const env = { CIANNA_OTF_URL: b.url };
    const ids = [await b.create({ PHASE: 'RUN' }), await b.create({ PHASE: 'RUN' })];
    const [first = '', second = ''] = ids;
    const prefix = beginning(first, [second]);
    for (const command of ['status', 'abort', 'delete']) {
      const { code, out, err } = await cli([command, prefix, '--json'], env);
      assert.deepEqual([code, out.includes(first)], [0, true], `${command}: ${err}`);
    }
    assert.equal((await cli(['status', second.slice(0, 3)], env)).code, 0, 'the other one is alone now');
    const third = await b.create();
    const several = await cli(['status', 'j'], env);
    assert.equal(several.code, 2);
    assert.match(
      several.err,
      /j begins the ids of 2 jobs: j[0-9a-f]{32} \(field\.fits\), j[0-9a-f]{32} \(field\.fits\)/,
    );
    assert.deepEqual(
      [(await cli(['status', 'jx'], env)).err, (await cli(['wait', 'jx'], env)).code],
      ['cianna-otf: no such job\n', 1],
    );
    // Where an input is named, too.
    await writeFile(`${dir}/a.fits`, image(8, 8));
    const sent = await cli(['submit', `job:${beginning(second, [third])}/IMAGE`, '--json'], env);
    assert.equal(sent.code, 0, sent.err);
    assert.equal(JSON.parse(sent.out)[0].image, `job:${second}/IMAGE`);
  });

  it('show of each job its image, model, phase, what was found and how long it took', async (t) => {
    const b = await bench(t);
    const id = await b.create({ PHASE: 'RUN', RUNID: 'night 1' });
    await b.until(id, 'COMPLETED');
    const { out } = await cli(['jobs', '--server', b.url]);
    const line = out.split('\n')[2] ?? '';
    const short = id.slice(0, 8);
    assert.match(
      line,
      new RegExp(
        `^${short}  field\\.fits  demo-continuum  COMPLETED  7 sources  [\\d.]+ m?s  20\\d\\d-\\S+ [\\d:]+  night 1$`,
      ),
    );
  });

  it('name the page of a job, where the server has one', async (t) => {
    const b = await bench(t);
    const id = await b.create();
    const none = createServer((request, response) => {
      if (request.url === '/') response.setHeader('content-type', 'text/plain');
      response.end('no page');
    });
    const page = createServer((_, response) => {
      response.setHeader('content-type', 'text/html;charset=UTF-8').end('<!doctype html>');
    });
    const urls: string[] = [];
    for (const server of [none, page]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      atEnd(t, () => server.close());
      urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    }
    const env = { DISPLAY: '', WAYLAND_DISPLAY: '', BROWSER: '' };
    const refused = await cli(['results', id, '--open', 'page', '--server', urls[0] ?? ''], env);
    assert.deepEqual([refused.code, /has no page/.test(refused.err)], [1, true], refused.err);
    const shown = await cli(['results', id, '--open', 'page', '--server', urls[1] ?? ''], env);
    assert.deepEqual([shown.code, shown.out], [0, `${urls[1]}/#/jobs/${id}\n`], shown.err);
  });
});
