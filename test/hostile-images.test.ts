/** Compressed images that lie, are huge, or do not end: what they cost, and whom. */
import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { runCli, scratchDir } from './support/cli.js';
import { compressedImage } from './support/compressed-fits.js';
import { noise } from './support/fits-writer.js';
import { field, pause, startTestServer, type TestServer, tempDir } from './support/server.js';

const box = (x: number, y: number, size: number) => ({ BOX: `${x},${y},${size},${size}` });

/** A program in otf-reader's place that opens every image and then does not answer any more. */
async function hangingReader(t: TestContext): Promise<string> {
  const path = join(await tempDir(t), 'reader.sh');
  await writeFile(path, '#!/bin/sh\necho ready >&5\nread line <&4\necho opened >&5\nwhile :; do sleep 0.1; done\n');
  await chmod(path, 0o755);
  return path;
}

async function metric(server: TestServer, name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await server.text('/metrics'))?.[1]);
}

/** Bytes the server had in memory at most. */
async function peakBytes(server: TestServer): Promise<number> {
  const status = await readFile(`/proc/${server.child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

describe('A compressed image', () => {
  it('whose gzip stream is cut is refused, and its neighbours are not', async (t) => {
    const server = await startTestServer(t);
    const row = noise(256);
    const good = compressedImage({ width: 256, height: 256, row });
    const cut = compressedImage({ width: 256, height: 256, row, cut: 20 });
    const ids = await Promise.all([good, cut, good, cut].map((image) => server.submit({}, image)));
    const jobs = await Promise.all(ids.map((id) => server.until(id, 'COMPLETED', 'ERROR')));
    assert.deepEqual(
      jobs.map((job) => job.phase),
      ['COMPLETED', 'ERROR', 'COMPLETED', 'ERROR'],
    );
    assert.match(jobs[1]?.error ?? '', /compressed tile 0 is not a gzip stream of its 256 pixels/);
    assert.equal((await server.send('/healthz/ready')).status, 200);
  });

  it('that claims to be huge takes what its region takes', async (t) => {
    const server = await startTestServer(t);
    const image = compressedImage({ width: 32768, height: 32768, row: noise(32768) });
    assert.ok(image.length < 500_000);
    await server.until(await server.submit({}, await field(await tempDir(t), 256)), 'COMPLETED');
    const before = await peakBytes(server);
    const job = await server.until(await server.submit(box(20000, 30000, 512), image), 'COMPLETED');
    assert.equal(job.phase, 'COMPLETED');
    const taken = (await peakBytes(server)) - before;
    assert.ok(taken < 150 * 2 ** 20, `${Math.round(taken / 2 ** 20)} MiB`);
  });

  it('that would be searched in too wide a region says how wide it may be', () => {
    const dir = scratchDir();
    const path = join(dir, 'wide.fits');
    const image = compressedImage({ width: 1 << 22, height: 512, row: new Float32Array(1 << 22) });
    return writeFile(path, image).then(() => {
      const { code, stderr } = runCli(['detect', 'wide.fits'], dir);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /one row of tiles, 4194304 pixels wide, takes \d+ MiB; use a region of interest of at most \d+/,
      );
    });
  });

  it('whose decoding does not end is ended, and nobody waits for it', async (t) => {
    const server = await startTestServer(t, {
      env: { OTF_READER_PROGRAM: await hangingReader(t), CIANNA_OTF_ENGINE_READ_S: '1.5' },
    });
    const image = compressedImage({ width: 256, height: 256, row: noise(256) });
    const plain = await field(await tempDir(t), 256);
    const hung = await server.submit({}, image);
    await server.until(hung, 'EXECUTING');
    const ids = await Promise.all(Array.from({ length: 6 }, () => server.submit({}, plain)));
    await Promise.all(ids.map((id) => server.until(id, 'COMPLETED')));
    const job = await server.until(hung, 'ERROR');
    assert.match(job.error, /cannot be decompressed: the image reader was ended because it took too long/);
    assert.equal(await metric(server, 'otf_readers_late'), 1);
    assert.equal((await server.send('/healthz/ready')).status, 200);
  });

  it('in the middle of its decoding does not keep the server from ending, and an abort ends it', async (t) => {
    const dataDir = await tempDir(t);
    const env = {
      OTF_READER_PROGRAM: await hangingReader(t),
      CIANNA_OTF_ENGINE_READ_S: '600',
      CIANNA_OTF_SERVER_SHUTDOWN_S: '2',
    };
    const server = await startTestServer(t, { dataDir, env });
    const image = compressedImage({ width: 256, height: 256, row: noise(256) });
    const aborted = await server.submit({}, image);
    const left = await server.submit({}, image);
    await server.until(aborted, 'EXECUTING');
    await server.until(left, 'EXECUTING');
    await pause(300);
    assert.equal(await busyReaders(server), 2);
    await server.send(`/jobs/${aborted}/phase`, { method: 'POST', body: new URLSearchParams({ PHASE: 'ABORT' }) });
    for (let i = 0; i < 100 && (await busyReaders(server)) > 1; i++) await pause(50);
    assert.equal(await busyReaders(server), 1);
    assert.equal(await server.stop(), 0);
    const again = await startTestServer(t, { dataDir });
    await again.until(left, 'COMPLETED');
    assert.equal((await again.job(aborted)).phase, 'ABORTED');
  });

  it('is read on when its reader is killed', async (t) => {
    const server = await startTestServer(t);
    const side = 4096;
    const id = await server.submit({}, compressedImage({ width: side, height: side, row: noise(side) }));
    await server.until(id, 'EXECUTING');
    const killed = new Set<number>();
    for (let i = 0; i < 200 && (await server.job(id)).phase === 'EXECUTING'; i++) {
      for (const pid of killed.size < 3 ? await server.readers() : []) {
        if (!killed.has(pid)) process.kill(pid, 'SIGKILL');
        killed.add(pid);
      }
      await pause(50);
    }
    await server.until(id, 'COMPLETED');
    assert.ok(killed.size > 0);
  });
});

function busyReaders(server: TestServer): Promise<number> {
  return metric(server, 'otf_readers\\{state="busy"\\}');
}
