/** What leaves the server tells nothing of its machine, and what arrives at a terminal gives it no commands. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { textTable } from '#otf/cli/table.js';
import { publicText } from '#otf/errors/public-text.js';
import { printable } from '#otf/io/terminal.js';
import { bench } from './service/bench.js';
import { atEnd } from './support/endings.js';
import { field, startTestServer, tempDir } from './support/server.js';

const kStack = `x is no function
    at Object.open (file:///srv/otf/dist/a.js:1:2)
    at async run (/srv/otf/dist/b.js:3:4)`;

describe('Text for clients', () => {
  it('names no path and no place in the program', () => {
    const cases: [string, string][] = [
      ['cannot read /srv/otf/jobs/j1/upload-1: no such file', 'cannot read upload-1: no such file'],
      ['error:/srv/otf/a.dat', 'error:a.dat'],
      ['{"path":"/srv/otf/a.dat"}', '{"path":"a.dat"}'],
      [kStack, 'x is no function'],
      ['see file:///srv/otf/a.fits', 'see a.fits'],
      ['from https://example.org:8080/a/b.fits?c=/d', 'from https://example.org:8080/a/b.fits?***'],
      ['text/xml and application/json; 1/2', 'text/xml and application/json; 1/2'],
    ];
    for (const [said, told] of cases) assert.equal(publicText(said), told);
  });

  it('passes one place on its way into summaries, details, logs and warnings', async (t) => {
    const failure = () => ({
      type: 'fatal' as const,
      message: 'cannot open /srv/secret/net.dat: gone',
      detail: `last words\n/srv/secret/lib.so: ${kStack}`,
    });
    const b = await bench(t, {
      delayMs: Number.POSITIVE_INFINITY,
      failure: (job) => (job.runId === 'bad' ? failure() : undefined),
    });
    const id = await b.create({ PHASE: 'RUN', RUNID: 'bad' });
    await b.until(id, 'EXECUTING');
    b.executor.host.log(id, 'error', kStack);
    b.executor.host.log(id, 'warn', 'reading /srv/secret/image.fits');
    await b.executor.finish(id);
    await b.until(id, 'ERROR');
    const all = [
      await b.text(`/jobs/${id}`),
      await b.text(`/jobs/${id}/error`),
      await b.text(`/jobs/${id}/results/log`),
    ];
    assert.match(all[0] ?? '', /cannot open net\.dat: gone/);
    assert.match(all[2] ?? '', /reading image\.fits/);
    for (const text of all) assert.doesNotMatch(text, /\/srv|file:|\bat /);
  });

  it('is replaced where a terminal would obey it', () => {
    assert.equal(printable('a\u001b[2Jb\u009b31mc\u0007'), 'a\ufffd[2Jb\ufffd31mc\ufffd');
    const table = textTable([{ title: 'run id', align: 'left' }], [['\u009b2J\u0090evil\n\u001b]0;x']]);
    assert.doesNotMatch(table.split('\n').slice(2).join(''), /[\u0000-\u001f\u007f-\u009f]/);
  });
});

describe('The records of a job on a real server', () => {
  it('name no path of the machine when its image cannot be read', async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const id = await server.submit({}, Buffer.from('no FITS at all'));
    const job = await server.until(id, 'ERROR');
    const log = await readFile(join(server.dataDir, 'jobs', id, 'job.log'), 'utf8');
    for (const text of [job.xml, await server.text(`/jobs/${id}/error`), log]) {
      for (const secret of [server.dataDir, dir, process.cwd()]) assert.ok(!text.includes(secret), text);
    }
  });
});

describe('Images from elsewhere', () => {
  it('of one who names slow servers hold up nobody else', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 1);
    const slow = createServer((_, response) => response.writeHead(200).write('S'));
    const quick = createServer((_, response) => response.end(image));
    const urls = await Promise.all(
      [slow, quick].map(
        (server) =>
          new Promise<string>((resolve) =>
            server.listen(0, '127.0.0.1', () => {
              resolve(`http://127.0.0.1:${(server.address() as { port: number }).port}/a.fits`);
            }),
          ),
      ),
    );
    atEnd(t, () => {
      for (const server of [slow, quick]) {
        server.closeAllConnections();
        server.close();
      }
    });
    const env = {
      CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true',
      CIANNA_OTF_AUTH_OWNER_HEADER: 'x-remote-user',
      CIANNA_OTF_AUTH_ADMINS: 'root',
    };
    const server = await startTestServer(t, { env });
    server.headers = { 'x-remote-user': 'root' };
    const submit = (url: string, owner: string) => server.submit({ IMAGE: url }, undefined, { 'x-remote-user': owner });
    const held = await Promise.all(Array.from({ length: 20 }, () => submit(urls[0] ?? '', 'mallory')));
    const id = await submit(urls[1] ?? '', 'ada');
    await server.until(id, 'COMPLETED');
    const phases = await Promise.all(held.map(async (each) => (await server.job(each)).phase));
    assert.equal(phases.filter((phase) => phase === 'EXECUTING').length, 4);
  });
});
