/** What the server itself has too little of is never the fault of a job, and never its end. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { field, pause, startTestServer, type TestServer, tempDir } from './support/server.js';

const kPrlimit = spawnSync('prlimit', ['--version']).status === 0;

/** The server may open `spare` descriptors more than it has open now. Gives back what it may open usually. */
async function leave(server: TestServer, spare: number): Promise<string> {
  const pid = server.child.pid;
  const soft = /Max open files\s+(\d+)/.exec(await readFile(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? '';
  const open = await settled(pid);
  // The kernel gives the lowest free number, and refuses numbers from the limit on.
  const free: number[] = [];
  for (let number = 0; free.length <= spare; number++) if (!open.includes(number)) free.push(number);
  setLimit(server, String(free[spare]));
  return soft;
}

/** Its descriptors once they have been the same for a while: what it still closes would be more than `spare`. */
async function settled(pid: number | undefined): Promise<number[]> {
  let before = '';
  for (let same = 0; same < 5; await pause(100)) {
    const open = (await readdir(`/proc/${pid}/fd`)).join();
    same = open === before ? same + 1 : 0;
    before = open;
  }
  return before.split(',').map(Number);
}

function setLimit(server: TestServer, soft: string): void {
  execFileSync('prlimit', ['--pid', String(server.child.pid), `--nofile=${soft}:`]);
}

describe('A server without free descriptors', { skip: kPrlimit ? false : 'prlimit (util-linux) is not here' }, () => {
  it('lets jobs wait that cannot begin, with an engine or without, and runs them afterwards', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 1);
    const server = await startTestServer(t);
    // Neither the network nor an engine is there yet: a few descriptors each time, so that every step is met.
    for (const spare of [0, 1, 2, 3, 4, 5, 6, 8, 10]) {
      const pending = await server.submit({ PHASE: '' }, image);
      const soft = await leave(server, spare);
      const started = await server
        .send(`/jobs/${pending}/phase`, {
          method: 'POST',
          body: new URLSearchParams({ PHASE: 'RUN' }),
        })
        .catch(() => undefined);
      await pause(400);
      assert.equal(server.child.exitCode, null, `the server ended: ${server.log.slice(-3).join('')}`);
      setLimit(server, soft);
      if (started?.status !== 303) await server.send(`/jobs/${pending}/phase?PHASE=RUN`, { method: 'POST' });
      await server.until(pending, 'COMPLETED');
    }
    assert.equal(await server.stop(), 0);
  });

  it('answers 503 to uploads and downloads, and 200 to what needs no file', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 300, 1);
    const server = await startTestServer(t);
    const id = await server.submit({}, image);
    await server.until(id, 'COMPLETED');
    // The connection of the requests before is kept.
    const soft = await leave(server, 0);
    assert.equal((await server.send(`/jobs/${id}`)).status, 200);
    const download = await server.send(`/jobs/${id}/results/result`);
    assert.equal(download.status, 503);
    assert.ok(Number(download.headers.get('retry-after')) > 0);
    const upload = await server.post({}, image);
    assert.equal(upload.status, 503, await upload.text());
    setLimit(server, soft);
    assert.equal((await server.send(`/jobs/${id}/results/result`)).status, 200);
    await server.until(await server.submit({}, image), 'COMPLETED');
  });
});
