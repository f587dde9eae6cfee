/** A job that ends the server: it is known for it at the next start, runs alone, and is given up after the third time. */
import assert from 'node:assert/strict';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { crashModels } from './support/crash-models.js';
import { floatData, header, imageCards, noise, skyCards } from './support/fits-writer.js';
import { startTestServer, type TestServer, tempDir } from './support/server.js';

const kSide = 256;

/** One tile, at whose first value the debug engine hangs: a job that stays EXECUTING (native/engine/host/crash_engine.h). */
function image(first: number): Buffer {
  const pixels = noise(kSide * kSide);
  pixels[0] = first;
  return Buffer.concat([header([...imageCards([kSide, kSide]), ...skyCards(128)]), floatData(pixels)]);
}

async function start(t: TestContext, dataDir: string, models: string): Promise<TestServer> {
  const env = {
    OTF_DEBUG_ENGINES: '1',
    CIANNA_OTF_ENGINE_DEFAULT: 'crash',
    CIANNA_OTF_ENGINE_HANG_S: '600',
    CIANNA_OTF_SERVER_SHUTDOWN_S: '1',
    CIANNA_OTF_POLICY_MAX_WAIT_S: '0.1',
  };
  return startTestServer(t, { dataDir, models, env });
}

describe('A job that is being executed when the server ends', () => {
  it('runs alone afterwards, and is in error after the third time', async (t) => {
    const [dataDir, models] = [await tempDir(t), await crashModels(t)];
    let server = await start(t, dataDir, models);
    const hanging = await server.submit({}, image(3e30));
    await server.until(hanging, 'EXECUTING');
    const waiting = await server.submit({}, image(0));
    for (let time = 1; time <= 2; time++) {
      await server.stop('SIGSEGV');
      server = await start(t, dataDir, models);
      const job = await server.until(hanging, 'EXECUTING');
      assert.equal(job.phase, 'EXECUTING');
      assert.match(server.log.join('\n'), /the run before this one crashed \(signal 11\)/);
      assert.equal((await server.job(waiting)).phase, 'QUEUED', 'nothing runs beside it');
    }
    await server.stop('SIGABRT');
    server = await start(t, dataDir, models);
    const ended = await server.until(hanging, 'ERROR');
    assert.match(ended.error, /the server ended 3 times while this job was being executed/);
    await server.until(waiting, 'COMPLETED');
  });

  it('is not to blame for a server that was killed: it runs on beside others', async (t) => {
    const [dataDir, models] = [await tempDir(t), await crashModels(t)];
    let server = await start(t, dataDir, models);
    const hanging = await server.submit({}, image(3e30));
    for (let time = 1; time <= 4; time++) {
      await server.until(hanging, 'EXECUTING');
      await server.stop('SIGKILL');
      server = await start(t, dataDir, models);
      assert.match(server.log.join('\n'), /the run before this one was killed from outside/);
    }
    await server.until(hanging, 'EXECUTING');
  });

  it('is not counted when the server was told to end', async (t) => {
    const [dataDir, models] = [await tempDir(t), await crashModels(t)];
    let server = await start(t, dataDir, models);
    const hanging = await server.submit({}, image(3e30));
    for (let time = 1; time <= 4; time++) {
      await server.until(hanging, 'EXECUTING');
      assert.equal(await server.stop('SIGTERM'), 0);
      server = await start(t, dataDir, models);
    }
    await server.until(hanging, 'EXECUTING');
  });
});

describe('An engine process', () => {
  it('holds its own descriptors and no others', async (t) => {
    const [dataDir, models] = [await tempDir(t), await crashModels(t)];
    const server = await start(t, dataDir, models);
    await server.until(await server.submit({}, image(0)), 'COMPLETED');
    const [engine] = await server.engines();
    const held = await descriptors(engine);
    const own = /^(\/dev\/null|pipe:\S+|socket:\S+|\/memfd:cianna-otf-slots \(deleted\))$/;
    for (const [fd, target] of held) assert.match(target, own, `descriptor ${fd}`);
    assert.match(held.get(3) ?? '', /memfd/);
    assert.ok(held.size <= 7, [...held].join(' '));
    const name = await readFile(`/proc/${engine}/comm`, 'utf8');
    assert.equal(name.trim(), 'otf-engine');
  });
});

async function descriptors(pid: number | undefined): Promise<Map<number, string>> {
  const held = new Map<number, string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) held.set(Number(fd), await readlink(`/proc/${pid}/fd/${fd}`));
  return held;
}
