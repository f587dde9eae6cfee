/** The server with the user's own CIANNA as its engine; without one (CIANNA_ROOT) the reason is shown. */
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { native } from '#otf/engine/addon.js';
import { kRoot } from './support/cli.js';
import { field, startTestServer, type TestServer, tempDir } from './support/server.js';

const cianna = native()
  .describeEngines()
  .find(({ name }) => name === 'cianna');
const skip = cianna?.available ? false : `needs CIANNA_ROOT: ${cianna?.reason}`;

interface Catalogue {
  run: Record<string, string>;
  sources: Record<string, number>[];
}

async function detect(server: TestServer, image: Buffer): Promise<Catalogue> {
  const id = await server.submit({ RESPONSEFORMAT: 'json' }, image);
  await server.until(id, 'COMPLETED');
  return JSON.parse(await server.text(`/jobs/${id}/results/result`)) as Catalogue;
}

/** The demonstration model with a card that wants `engine`. */
async function demanding(t: TestContext, engine: string): Promise<string> {
  const models = join(await tempDir(t), 'models');
  await cp(join(kRoot, 'models'), models, { recursive: true });
  const path = join(models, 'demo-continuum/model.toml');
  await writeFile(path, (await readFile(path, 'utf8')).replace(/^id = .*$/m, `$&\nengine = "${engine}"`));
  return models;
}

describe('CIANNA behind the server', () => {
  it('finds what onednn finds, several tasks to a pass, and says who did it', { skip }, async (t) => {
    const dir = await tempDir(t);
    const images = await Promise.all([field(dir, 400, 1), field(dir, 700, 2), field(dir, 300, 3)]);
    const found: Catalogue[][] = [];
    for (const engine of ['cianna', 'onednn']) {
      const server = await startTestServer(t, { env: { CIANNA_OTF_ENGINE_DEFAULT: engine } });
      found.push(await Promise.all(images.map((image) => detect(server, image))));
      await server.stop();
    }
    const [theirs = [], ours = []] = found;
    let sources = 0;
    theirs.forEach((catalogue, index) => {
      assert.match(catalogue.run.engine ?? '', /^cianna .*C_/);
      const other = ours[index]?.sources ?? [];
      assert.equal(catalogue.sources.length, other.length);
      for (const source of catalogue.sources) {
        const near = (each: Record<string, number>) =>
          Math.hypot((each.x ?? 0) - (source.x ?? 0), (each.y ?? 0) - (source.y ?? 0)) < 0.01;
        const same = other.find(near);
        assert.ok(same, `${source.x}, ${source.y}`);
        assert.ok(Math.abs((same.flux ?? 0) / (source.flux ?? 0) - 1) < 1e-3);
        sources++;
      }
    });
    assert.ok(sources > 50, `${sources} sources`);
  });

  it('runs a network whose card wants it, though the default is another', { skip }, async (t) => {
    const env = { CIANNA_OTF_ENGINE_DEFAULT: 'onednn' };
    const server = await startTestServer(t, { models: await demanding(t, 'cianna'), env });
    const { run, sources } = await detect(server, await field(await tempDir(t), 300, 1));
    assert.match(run.engine ?? '', /^cianna /);
    assert.ok(sources.length > 0);
  });

  it('fails the task with the reason when the card wants what is not there', async (t) => {
    const missing = cianna?.available ? 'cianna:cuda' : 'cianna';
    if (cianna?.version.includes('C_CUDA')) return t.skip('CIANNA is here with all its methods');
    const server = await startTestServer(t, { models: await demanding(t, missing) });
    const id = await server.submit({}, await field(await tempDir(t), 300, 1));
    const job = await server.until(id, 'ERROR');
    assert.match(job.error, /CIANNA/);
    assert.match(job.error, cianna?.available ? /without C_CUDA/ : /CIANNA_ROOT|built/);
    assert.doesNotMatch(job.error, /\n/);
  });
});
